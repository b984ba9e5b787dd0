import FoundationEssentials
import TallyCrypto
import TallyPrimitives
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution

private let order = ObjectID(owner: payer, number: 3)
private let bid = ObjectID(owner: provider, number: 4)

/// One of each, so that a new one stands here before it compiles.
private let facts: [JobFact] = [
    .created(kind: 3, escrow: Amount(5)), .bidPlaced(bid, price: Amount(6)),
    .bidClosed(bid, .withdrawn), .assigned(price: Amount(7)), .delivered(answer),
    .sampled(seed: 8), .disputed, .arbiterDrawn, .verdictCommitted, .verdictRevealed(wrong),
    .decided(.slashed, result: answer), .decided(.noMajority, result: nil),
    .taskRevealed(isPassed: true), .paid(Amount(9)), .funded(Amount(10)),
    .paused(debt: Amount(11)), .resumed(escrow: Amount(12)),
    .closed(.outOfFunds, paid: Amount(13), refunded: Amount(14)),
]

private let meter = RentalMeter(
    elapsed: 5, since: BeaconTime(milliseconds: 6), paid: Amount(7))

private let checks: [ResultCheck] = [
    .unsampled(draw: 9), .passed, .disputed(draw: 10),
    .voting(
        JobVote(
            cause: .dispute, began: BeaconTime(milliseconds: 11),
            ballots: [
                JobBallot(arbiter: payer, vote: .none),
                JobBallot(arbiter: provider, vote: .committed(wrong)),
                JobBallot(arbiter: stranger, vote: .revealed(answer)),
            ])),
]

private let states: [OrderState] =
    [
        .open(bids: []), .open(bids: [bid, order]),
        .closed(
            JobClosing(
                reason: .expired, provider: nil, paid: .zero, refunded: Amount(3), debt: .zero)),
        .closed(
            JobClosing(
                reason: .settled, provider: provider, paid: Amount(1), refunded: Amount(2),
                debt: Amount(4))),
    ] + leases.map { .active(JobLease(bid: bid, price: Amount(8), state: $0)) }

private let leases: [LeaseState] =
    [
        .working(deadline: BeaconTime(milliseconds: 8)), .renting(meter),
        .insufficientFunds(meter),
    ]
    + checks.map {
        .delivered(
            JobDelivery(
                result: answer, disputableUntil: BeaconTime(milliseconds: 9), check: $0))
    }

@Suite struct JobCodecTests {
    @Test func ordersSurviveTheirEncoding() throws {
        let terms = try JobWorld.usual().terms(.rental, spec: Array(repeating: 7, count: 512))
        for state in states {
            let stored = JobOrder(
                id: order, terms: terms, escrow: Amount(77), state: state,
                timer: JobTimer(step: 3, at: BeaconTime(milliseconds: 4)))
            #expect(try JobOrder(stored.object) == stored)
            #expect(stored.object.value == Amount(77))
            try expectStrict(stored.object.payload.bytes) {
                _ = try JobOrder(
                    StateObject(kind: .order, value: .zero, payload: Payload($0)))
            }
        }
    }

    @Test func bidsSurviveTheirEncoding() throws {
        for state in BidState.allCases {
            let stored = JobBid(
                order: order, id: bid, price: Amount(5), bond: Amount(6), state: state)
            #expect(try JobBid(stored.object) == stored)
            try expectStrict(stored.object.payload.bytes) {
                _ = try JobBid(StateObject(kind: .bid, value: .zero, payload: Payload($0)))
            }
        }
    }

    @Test func timersAndEventsSurviveTheirEncoding() throws {
        let timer = JobDue.timer(order: order, step: 9)
        #expect(try JobDue(encoded: timer.encoded) == timer)
        try expectStrict(timer.encoded) { _ = try JobDue(encoded: $0) }
        for fact in facts {
            let event = JobEvent(order: order, actor: stranger, fact: fact)
            #expect(try JobEvent(encoded: event.encoded) == event)
            try expectStrict(event.encoded) { _ = try JobEvent(encoded: $0) }
        }
    }

    /// Neither cut short nor with a byte after it, and never with another meaning of the same bytes.
    private func expectStrict(_ bytes: [UInt8], _ decode: ([UInt8]) throws -> Void) throws {
        #expect(throws: RLPError.self) { try decode(bytes + [0]) }
        for count in 0..<min(bytes.count, 64) {
            #expect(throws: RLPError.self) { try decode(Array(bytes.prefix(count))) }
        }
    }

    @Test func numbersStayWhatTheyAre() {
        #expect(JobFailure.allCases.map(\.rawValue) == Array(64...96))
        #expect(JobFailure.leaseOver.rawValue == 96)
        for failure in JobFailure.allCases {
            #expect(ExecutionFailure(rawValue: failure.rawValue) == .job(failure))
        }
        #expect(CloseReason.allCases.map(\.rawValue) == Array(1...7))
        #expect(CloseReason.allCases.map { "\($0)" }.last == "outOfFunds")
        #expect(BidEnd.allCases.map(\.rawValue) == Array(1...6))
        #expect(JobVerdict.allCases.map(\.rawValue) == [1, 2, 3])
    }

    @Test func commitmentsAreBoundToWhatTheyAreFor() {
        func verdict(
            _ id: ObjectID = order, _ arbiter: Address = stranger, _ result: Hash32 = answer,
            _ random: Hash32 = salt
        ) -> Hash32 {
            JobOrder.verdict(order: id, arbiter: arbiter, result: result, salt: random)
        }
        let all = [
            verdict(), verdict(bid), verdict(order, payer), verdict(order, stranger, wrong),
            verdict(order, stranger, answer, wrong), JobOrder.seal(answer: answer, salt: salt),
            JobOrder.seal(answer: salt, salt: answer),
        ]
        #expect(Set(all).count == all.count)
        #expect(
            JobOrder.seal(answer: answer, salt: salt)
                == SHA256.plain([0x61] + answer.bytes + salt.bytes))
        #expect(
            verdict()
                == SHA256.plain(
                    [0x62] + order.word.bytes + stranger.bytes + answer.bytes + salt.bytes))
    }

    // MARK: Published ABI

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

    @Test func eventsAreThePublishedOnes() throws {
        let data = try Data(contentsOf: Vectors.specification("abi/job.json"))
        let entries = try JSONDecoder().decode([Entry].self, from: data)
            .filter { $0.type == "event" }
        var seen: Set<String> = []
        for fact in facts {
            let record = JobEvent(order: order, actor: stranger, fact: fact).record
            #expect(record.door == ReservedAddress.jobs)
            let entry = try #require(entries.first { $0.name == record.name })
            #expect(entry.inputs.map(\.name) == record.fields.map(\.name), "\(record.name)")
            #expect(entry.inputs.map(\.type) == record.fields.map(\.value.type))
            #expect(entry.inputs.map(\.indexed) == record.fields.map(\.isIndexed))
            #expect(record.fields.prefix(2).map(\.isIndexed) == [true, true])
            #expect(record.fields[0].value == .bytes32(order.word))
            seen.insert(record.name)
        }
        #expect(seen == Set(entries.map(\.name)))
        #expect(entries.count == seen.count)
        #expect(
            JobEvent(order: order, actor: payer, fact: facts[0]).record.signature
                == "JobCreated(bytes32,address,uint32,uint256)")
    }
}
