package import TallyPrimitives

extension ConsensusRecord {
    private enum Tag: UInt8 {
        case proposal = 1
        case prepare = 2
        case commit = 3
        case roundChange = 4
        case observing = 5
        case undecided = 6
        case decision = 7
    }

    /// The bytes that are kept (IBFT-L3).
    package var encoded: [UInt8] {
        RLPEncoder.list(capacity: 512) { out in
            switch self {
            case .proposal(let signed, let justification):
                out.append(Tag.proposal.rawValue)
                signed.encode(to: &out)
                if let justification {
                    justification.encode(to: &out)
                } else {
                    out.list { _ in }
                }
            case .prepare(let prepare):
                out.append(Tag.prepare.rawValue)
                prepare.encode(to: &out)
            case .commit(let commit, let certificate):
                out.append(Tag.commit.rawValue)
                commit.encode(to: &out)
                certificate.encode(to: &out)
            case .roundChange(let change):
                out.append(Tag.roundChange.rawValue)
                change.signed.encode(to: &out)
                out.append(optional: change.certificate)
            case .observing(let nonce, let until):
                out.append(Tag.observing.rawValue)
                out.append(nonce)
                out.list { out in if let until { out.append(until) } }
            case .undecided(let block):
                out.append(Tag.undecided.rawValue)
                out.append(block.height)
                out.append(block.parent)
                out.append(block.digest)
                out.append(block.timestamp)
                out.append(block.body)
            case .decision(let certificate):
                out.append(Tag.decision.rawValue)
                certificate.encode(to: &out)
            }
        }
    }

    /// Reads a record of our own log: strict, though nobody else wrote it.
    package init(encoded bytes: [UInt8]) throws(RLPError) {
        self = try RLPDecoder.list(bytes) { (list) throws(RLPError) in
            switch try list.nextCase(Tag.self) {
            case .proposal:
                return .proposal(
                    try Signed(from: &list), try list.nextOptionalJustification())
            case .prepare: return .prepare(try Signed(from: &list))
            case .commit:
                return .commit(try Signed(from: &list), try PreparedCertificate(from: &list))
            case .roundChange:
                return .roundChange(
                    RoundChange(
                        try Signed(from: &list), certificate: try list.nextOptionalCertificate()))
            case .observing:
                let nonce: Hash32 = try list.nextFixed()
                let until = try list.nextArray(limit: 1) { (item) throws(RLPError) in
                    try item.nextHeight()
                }
                return .observing(nonce: nonce, until: until.first)
            case .undecided:
                return .undecided(
                    ProposedBlock(
                        height: try list.nextHeight(), parent: try list.nextFixed(),
                        digest: try list.nextFixed(), timestamp: try list.nextTime(),
                        body: Array(try list.nextString())))
            case .decision: return .decision(try FinalCertificate(from: &list))
            }
        }
    }
}
