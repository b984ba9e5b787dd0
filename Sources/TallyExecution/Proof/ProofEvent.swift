package import TallyPrimitives
import TallyTransactions

/// What happened in the round of a node, named by its owner (ROUND-10).
package enum ProofEvent: Hashable, Sendable {
    case opened(Address, round: UInt64, seed: Hash32, deadline: BeaconTime)
    case submitted(Address, root: Hash32, ProofKind)
    /// Who attests and what is opened follow from the seed (ROUND-5).
    case drawn(Address, round: UInt64, seed: Hash32, deadline: BeaconTime)
    case revealed(Address, round: UInt64, deadline: BeaconTime)
    case attested(Address, by: Address, round: UInt64, milliseconds: UInt64)
    /// An entry of a call that had others which counted.
    case skipped(Address, by: Address, round: UInt64, ProofFailure)
    case measured(Address, round: UInt64, milliseconds: UInt64, ComputePower)
    case missed(Address, round: UInt64)
    case void(Address, round: UInt64)
}

extension ProofEvent: FamilyEvent {
    package var record: EventRecord {
        func node(_ owner: Address) -> EventField {
            .indexed("node", .bytes32(ObjectID.node(owner).word))
        }
        func by(_ address: Address) -> EventField { .indexed("attester", .address(address)) }
        func time(_ time: BeaconTime) -> EventField {
            .data("deadline", .uint64(time.milliseconds))
        }
        func number(_ round: UInt64) -> EventField { .data("round", .uint64(round)) }
        let door = ReservedAddress.proofs
        return switch self {
        case .opened(let owner, let round, let seed, let deadline):
            EventRecord(
                "ChallengeOpened", at: door, node(owner), number(round),
                .data("seed", .bytes32(seed)), time(deadline))
        case .submitted(let owner, let root, let kind):
            EventRecord(
                "ProofSubmitted", at: door, node(owner), .indexed("owner", .address(owner)),
                .data("root", .bytes32(root)), .data("kind", .uint8(kind.rawValue)))
        case .drawn(let owner, let round, let seed, let deadline):
            EventRecord(
                "ProofDrawn", at: door, node(owner), number(round),
                .data("seed", .bytes32(seed)), time(deadline))
        case .revealed(let owner, let round, let deadline):
            EventRecord(
                "ProofRevealed", at: door, node(owner), .indexed("owner", .address(owner)),
                number(round), time(deadline))
        case .attested(let owner, let attester, let round, let milliseconds):
            EventRecord(
                "ProofAttested", at: door, node(owner), by(attester), number(round),
                .data("milliseconds", .uint64(milliseconds)))
        case .skipped(let owner, let attester, let round, let reason):
            EventRecord(
                "ProofSkipped", at: door, node(owner), by(attester), number(round),
                .data("reason", .uint8(reason.rawValue)))
        case .measured(let owner, let round, let milliseconds, let power):
            EventRecord(
                "ProofMeasured", at: door, node(owner), number(round),
                .data("milliseconds", .uint64(milliseconds)),
                .data("power", .uint64(power.tenThousandths)))
        case .missed(let owner, let round):
            EventRecord("ProofMissed", at: door, node(owner), number(round))
        case .void(let owner, let round):
            EventRecord("ProofVoid", at: door, node(owner), number(round))
        }
    }

    private enum Tag: UInt8 {
        case opened = 1
        case submitted, drawn, revealed, attested, skipped, measured, missed, void
    }

    package func encode(to out: inout RLPEncoder) {
        func begin(_ tag: Tag, _ owner: Address, _ out: inout RLPEncoder) {
            out.append(tag.rawValue)
            out.append(owner)
        }
        out.list { out in
            switch self {
            case .opened(let owner, let round, let seed, let deadline):
                begin(.opened, owner, &out)
                out.append(round)
                out.append(seed)
                out.append(deadline)
            case .submitted(let owner, let root, let kind):
                begin(.submitted, owner, &out)
                out.append(root)
                out.append(kind.rawValue)
            case .drawn(let owner, let round, let seed, let deadline):
                begin(.drawn, owner, &out)
                out.append(round)
                out.append(seed)
                out.append(deadline)
            case .revealed(let owner, let round, let deadline):
                begin(.revealed, owner, &out)
                out.append(round)
                out.append(deadline)
            case .attested(let owner, let attester, let round, let milliseconds):
                begin(.attested, owner, &out)
                out.append(attester)
                out.append(round)
                out.append(milliseconds)
            case .skipped(let owner, let attester, let round, let reason):
                begin(.skipped, owner, &out)
                out.append(attester)
                out.append(round)
                out.append(reason.rawValue)
            case .measured(let owner, let round, let milliseconds, let power):
                begin(.measured, owner, &out)
                out.append(round)
                out.append(milliseconds)
                out.append(power.tenThousandths)
            case .missed(let owner, let round):
                begin(.missed, owner, &out)
                out.append(round)
            case .void(let owner, let round):
                begin(.void, owner, &out)
                out.append(round)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag = try list.nextCase(Tag.self)
        let owner: Address = try list.nextFixed()
        switch tag {
        case .opened:
            self = .opened(
                owner, round: try list.nextInteger(), seed: try list.nextFixed(),
                deadline: try list.nextTime())
        case .submitted:
            self = .submitted(owner, root: try list.nextFixed(), try list.nextCase())
        case .drawn:
            self = .drawn(
                owner, round: try list.nextInteger(), seed: try list.nextFixed(),
                deadline: try list.nextTime())
        case .revealed:
            self = .revealed(
                owner, round: try list.nextInteger(), deadline: try list.nextTime())
        case .attested:
            self = .attested(
                owner, by: try list.nextFixed(), round: try list.nextInteger(),
                milliseconds: try list.nextInteger())
        case .skipped:
            self = .skipped(
                owner, by: try list.nextFixed(), round: try list.nextInteger(),
                try list.nextCase())
        case .measured:
            self = .measured(
                owner, round: try list.nextInteger(), milliseconds: try list.nextInteger(),
                ComputePower(tenThousandths: try list.nextInteger()))
        case .missed: self = .missed(owner, round: try list.nextInteger())
        case .void: self = .void(owner, round: try list.nextInteger())
        }
        try list.finish()
    }
}
