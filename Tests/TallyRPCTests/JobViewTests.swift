import TallyClient
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution
@testable import TallyRPC

private typealias Row = [String: String]

private let payer = StillLedger.account(200)
private let provider = StillLedger.account(1)
private let zero = Hash32.zero.description

private func time(_ milliseconds: UInt64) -> BeaconTime { BeaconTime(milliseconds: milliseconds) }
private func hash(_ number: UInt64) -> Hash32 { Hash32(words: (number, number, number, number)) }
private func id(_ number: UInt64) -> ObjectID { ObjectID(owner: payer, number: number) }

private let bid = ObjectID(owner: provider, number: 4)
private let otherBid = ObjectID(owner: payer, number: 5)

private func order(_ number: UInt64, _ state: OrderState, spec: [UInt8] = []) -> JobOrder {
    JobOrder(
        id: id(number),
        terms: JobTerms(
            program: .listed, pricing: .rental, input: hash(1), sealed: hash(2), price: .max,
            bidsUntil: time(11), duration: 12, spec: spec),
        escrow: Amount(13), state: state, timer: JobTimer(step: 1, at: time(14)))
}

private func lease(_ number: UInt64, _ state: LeaseState) -> JobOrder {
    order(number, .active(JobLease(bid: bid, price: Amount(21), state: state)))
}

private func delivered(_ number: UInt64, _ check: ResultCheck) -> JobOrder {
    lease(
        number,
        .delivered(JobDelivery(result: hash(3), disputableUntil: time(22), check: check)))
}

private func planted(_ order: JobOrder) -> StillLedger.Planted {
    StillLedger.Planted(payer, JobOrder.key(order.id), order.object)
}

/// Views of orders and what becomes of them (RPC-52).
@Suite struct JobViewTests {
    private static let closing = JobClosing(
        reason: .outOfFunds, provider: provider, paid: Amount(31), refunded: Amount(32),
        debt: Amount(33))

    @Test func ordersAreToldInEveryState() async throws {
        let spec = (1...33).map(UInt8.init)
        let orders = [
            order(1, .open(bids: [bid, otherBid]), spec: spec),
            lease(2, .working(deadline: time(23))), order(3, .closed(Self.closing)),
        ]
        try await withObjects(orders.map(planted)) { ledger in
            let row: Row = [
                "payer": payer.description, "program": "3", "pricing": "2",
                "input": "\(hash(1))", "sealed": "\(hash(2))", "price": "\(UInt128.max)",
                "bidsUntil": "11", "duration": "12", "escrow": "13", "spec": "0x",
            ]
            for (number, spec) in [(1, Hex.encode(spec)), (2, "0x"), (3, "0x")] {
                let answer = try await ledger.view("job", "orderOf", [id(UInt64(number)).word])
                #expect(answer == row.merging(["state": "\(number)", "spec": spec]) { $1 })
            }
            try await ledger.expect(
                "job", "bidsOf", [id(1).word],
                gives: [
                    "bids": "[\(bid.word),\(otherBid.word)]"
                ])
            try await ledger.expect("job", "bidsOf", [id(2).word], gives: ["bids": "[]"])
            try await ledger.expect(
                "job", "closingOf", [id(3).word],
                gives: [
                    "reason": "7", "provider": provider.description, "paid": "31",
                    "refunded": "32", "debt": "33",
                ])
            let open = try await ledger.view("job", "closingOf", [id(1).word])
            #expect(open["reason"] == "0" && open["provider"] == Address.zero.description)
        }
    }

    @Test func bidsAreFoundByTheirBidders() async throws {
        let orders = [
            order(1, .open(bids: [otherBid, bid])), lease(2, .working(deadline: time(23))),
            order(3, .closed(Self.closing)),
        ]
        var objects = orders.map(planted)
        for (number, state) in [(1, BidState.open), (2, .active)] {
            let bid = JobBid(
                order: id(UInt64(number)), id: bid, price: Amount(41), bond: Amount(42),
                state: state)
            objects.append(
                StillLedger.Planted(payer, JobBid.key(order: bid.order, bid: bid.id), bid.object))
        }
        try await withObjects(objects) { ledger in
            for number: UInt64 in [1, 2] {
                let answer = try await ledger.view(
                    "job", "bidOf", [id(number).word, Hash32(provider)])
                #expect(
                    answer == [
                        "state": "\(number)", "bid": "\(bid.word)", "price": "41",
                        "bond": "42",
                    ])
            }
            let none: Row = ["state": "0", "bid": zero, "price": "0", "bond": "0"]
            let stranger = Hash32(StillLedger.account(9))
            try await ledger.expect("job", "bidOf", [id(1).word, stranger], gives: none)
            try await ledger.expect("job", "bidOf", [id(3).word, Hash32(provider)], gives: none)
            try await ledger.expect("job", "bidOf", [id(9).word, Hash32(provider)], gives: none)
        }
    }

    @Test func leasesAreToldInEveryState() async throws {
        let meter = RentalMeter(elapsed: 24, since: time(25), paid: Amount(26))
        let orders = [
            lease(1, .working(deadline: time(23))), delivered(2, .passed),
            lease(3, .renting(meter)), lease(4, .insufficientFunds(meter)),
        ]
        try await withObjects(orders.map(planted)) { ledger in
            let row: Row = [
                "bid": "\(bid.word)", "provider": provider.description, "price": "21",
                "deadline": "0", "elapsed": "0", "since": "0", "paid": "0",
            ]
            let metered = ["elapsed": "24", "since": "25", "paid": "26"]
            let expected: [Row] = [["deadline": "23"], [:], metered, metered]
            for (number, expected) in expected.enumerated() {
                let answer = try await ledger.view("job", "leaseOf", [id(UInt64(number + 1)).word])
                #expect(
                    answer
                        == row.merging(expected) { $1 }.merging(["state": "\(number + 1)"]) { $1 })
            }
        }
    }

    @Test func resultsAreToldWithTheirChecks() async throws {
        let ballots = [
            JobBallot(arbiter: provider, vote: .none),
            JobBallot(arbiter: StillLedger.account(2), vote: .committed(hash(5))),
            JobBallot(arbiter: payer, vote: .revealed(hash(6))),
        ]
        let vote = JobVote(cause: .dispute, began: time(27), ballots: ballots)
        let orders = [
            delivered(1, .unsampled(draw: 28)), delivered(2, .passed),
            delivered(3, .disputed(draw: 29)), delivered(4, .voting(vote)),
        ]
        try await withObjects(orders.map(planted)) { ledger in
            let row: Row = [
                "result": "\(hash(3))", "disputableUntil": "22", "drawFrom": "0", "cause": "0",
                "votingSince": "0",
            ]
            let expected: [Row] = [
                ["drawFrom": "28"], [:], ["drawFrom": "29"],
                ["cause": "2", "votingSince": "27"],
            ]
            for (number, expected) in expected.enumerated() {
                let answer = try await ledger.view("job", "resultOf", [id(UInt64(number + 1)).word])
                #expect(
                    answer
                        == row.merging(expected) { $1 }.merging(["check": "\(number + 1)"]) { $1 })
            }
            let arbiters = ballots.map(\.arbiter.description).joined(separator: ",")
            try await ledger.expect(
                "job", "votesOf", [id(4).word],
                gives: [
                    "arbiters": "[\(arbiters)]", "states": "[1,2,3]",
                    "hashes": "[\(zero),\(hash(5)),\(hash(6))]",
                ])
            try await ledger.expect(
                "job", "votesOf", [id(3).word],
                gives: [
                    "arbiters": "[]", "states": "[]", "hashes": "[]",
                ])
        }
    }
}
