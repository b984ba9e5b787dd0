import FoundationEssentials
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyState
import TallyTesting
import TallyTransactions
import Testing

/// What is stored and told has one form, and is what the documents say.
@Suite struct StakeCodecTests {
    private let id = ObjectID(owner: staker(3), number: 9)
    private let time = BeaconTime(milliseconds: 77)

    private func stake(_ phase: RoleStake.Phase, votes: [Address] = []) -> RoleStake {
        RoleStake(
            id: id, role: .router, left: Amount(5), staked: Amount(8), termDays: 180,
            since: BeaconTime(milliseconds: 1), until: BeaconTime(milliseconds: 99), phase: phase,
            lastSeen: time, charged: 2, votes: votes,
            offences: [Offence(height: Height(1), round: Round(2), kind: 3)])
    }

    @Test func stakesSurviveTheirEncoding() throws {
        let phases: [RoleStake.Phase] =
            [.active, .renewed(times: 3), .released(at: time)]
            + ForfeitReason.allCases.map { .forfeited($0, at: time) }
        for phase in phases {
            let stake = stake(phase, votes: [staker(0), staker(2)].sorted())
            #expect(try RoleStake(stake.object) == stake)
        }
    }

    @Test func refusesOtherFormsOfAStake() throws {
        #expect(throws: RLPError.unknownValue(0)) {
            try RoleStake(stake(.active, votes: [staker(2), staker(0)]).object)
        }
        #expect(throws: RLPError.unknownValue(0)) {
            try RoleStake(stake(.active, votes: [staker(2), staker(2)]).object)
        }
        #expect(throws: RLPError.unknownValue(0)) {
            try RoleStake(stake(.renewed(times: 0)).object)
        }
        var object = stake(.active).object
        object.payload = Payload(object.payload.bytes + [0])
        #expect(throws: RLPError.trailingBytes) { try RoleStake(object) }
        object.payload = .empty
        #expect(throws: RLPError.truncated) { try RoleStake(object) }
    }

    @Test func refusesARollOrSetOutOfOrder() throws {
        func roll(_ entries: [(Address, Amount)]) -> StateObject {
            let payload = RLPEncoder.list { out in
                out.append(UInt8(1))
                out.list { out in
                    for (owner, amount) in entries {
                        out.list {
                            $0.append(owner)
                            $0.append(amount)
                        }
                    }
                }
            }
            return StateObject(kind: .meta, value: .zero, payload: Payload(payload))
        }
        #expect(throws: RLPError.unknownValue(0)) { try RoleRoll(roll([])) }
        #expect(throws: RLPError.unknownValue(0)) {
            try RoleRoll(roll([(staker(0), Amount(1)), (staker(1), Amount(2))]))
        }
        let set = ElectedSet(
            epoch: 4, validators: [staker(0), staker(1)].sorted(),
            seed: Hash32(words: (1, 2, 3, 4)))
        #expect(try ElectedSet(set.object) == set)
        let reversed = ElectedSet(
            epoch: 4, validators: set.validators.reversed(), seed: set.seed)
        #expect(throws: RLPError.unknownValue(0)) { try ElectedSet(reversed.object) }
    }

    @Test func entriesSurviveTheirEncoding() throws {
        for due in [ValidatorDue.termEnd(id), .watch(id), .elect(epoch: 5)] {
            #expect(try ValidatorDue(encoded: due.encoded) == due)
            let entry = DueEntry(
                key: DueKey(destination: EndpointID(2), time: time, sequence: 4), value: .zero,
                action: .validator(due))
            #expect(try DueEntry(try #require(entry.object)) == entry)
        }
        #expect(throws: RLPError.unknownValue(4)) {
            try ValidatorDue(encoded: [0xc2, 0x04, 0x01])
        }
    }

    @Test func failuresAreNumberedInTheirRange() {
        for failure in ValidatorFailure.allCases {
            #expect((144...175).contains(failure.rawValue))
            let reason = ExecutionFailure.validator(failure)
            #expect(ExecutionFailure(rawValue: failure.rawValue) == reason)
        }
    }

    /// The specification lists the reasons as they are.
    @Test func specificationListsEveryReason() throws {
        let text = try String(
            contentsOf: Vectors.specification("transactions/validator.md"), encoding: .utf8)
        let rows = text.split(separator: "\n").compactMap { line -> String? in
            let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
            guard cells.count == 3, UInt8(cells[0]) != nil else { return nil }
            return cells[0] + " " + cells[1]
        }
        #expect(
            rows
                == ValidatorFailure.allCases.map {
                    "\($0.rawValue) \(ExecutionFailure.validator($0).code)"
                })
    }

    private var events: [ValidatorEvent] {
        [
            .stakePlaced(id, .router, value: Amount(7), termDays: 180, until: time),
            .stakeRenewed(id, termDays: 90, until: time),
            .stakeReleased(id, value: Amount(7)),
            .heartbeat(id, at: time),
            .rolePenalised(id, amount: Amount(7), from: .init(milliseconds: 1), to: time),
            .stakeForfeited(id, .impeachment, value: Amount(7)),
            .impeachmentVoted(id, by: staker(1), votes: 2, others: 5),
            .validatorsElected(epoch: 3, hash: id.word, count: 13),
            .rewardsClaimed(id, value: Amount(7)),
        ]
    }

    @Test func eventsSurviveTheirEncoding() throws {
        for event in events {
            let ledger = LedgerEvent.compute(.validator(event))
            #expect(try LedgerEvent(encoded: ledger.encoded) == ledger)
        }
        #expect(throws: RLPError.unknownValue(10)) {
            try ValidatorEvent(encoded: [0xc2, 0x0a, 0x01])
        }
    }

    private struct Entry: Decodable {
        struct Parameter: Decodable {
            let name: String
            let type: String
            let indexed: Bool?
        }
        let type: String
        let name: String
        let inputs: [Parameter]
    }

    /// Names, types and topics of Specs/abi/validator.json.
    @Test func eventsAreThoseOfTheDocument() throws {
        let data = try Data(contentsOf: Vectors.specification("abi/validator.json"))
        let entries = try JSONDecoder().decode([Entry].self, from: data)
            .filter { $0.type == "event" }
        #expect(entries.count == events.count)
        for (entry, event) in zip(entries, events) {
            let record = event.record
            let types = entry.inputs.map(\.type).joined(separator: ",")
            #expect(record.signature == "\(entry.name)(\(types))")
            #expect(record.fields.map(\.name) == entry.inputs.map(\.name))
            #expect(record.fields.map(\.isIndexed) == entry.inputs.map { $0.indexed == true })
            #expect(record.door == ReservedAddress.validators)
        }
    }
}
