import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution

/// Random operations of everybody at random times. The world checks all books after each block: the
/// sum of all money, and every invariant.
@Suite struct JobPropertyTests {
    private let everybody = people + [JobWorld.address(0, 9), JobWorld.address(3, 9)]

    @Test func noMoneyAppearsOrVanishes() throws {
        var reasons: Set<CloseReason> = []
        var verdicts: Set<JobVerdict> = []
        try forEachSeed(base: 0x6a6f_6273, count: 32) { seed, generator in
            var world = try JobWorld(everybody, validators: arbiters, dueBound: 200) {
                $0 = JobRule(
                    bondBps: UInt16.random(in: 0...10_000, using: &generator),
                    disputeMilliseconds: 4_000, arbitrationMilliseconds: 8_000,
                    sampleBps: 6_000, slashBps: UInt16.random(in: 0...10_000, using: &generator),
                    arbiters: [1, 3, 5].randomElement(using: &generator) ?? 3)
            }
            for person in everybody { try world.addNode(of: person) }
            var orders: [ObjectID] = []
            for _ in 0..<200 {
                try step(&world, &orders, &generator)
            }
            for _ in 0..<80 {
                world.seed = BeaconSeed(
                    number: world.seed.nextDraw, value: SHA256.plain(seedBytes(&generator)))
                for order in try voting(world, orders) {
                    // Some do not vote, or not to the end.
                    for _ in arbiters where Int.random(in: 0..<3, using: &generator) > 0 {
                        let (operation, sender) = try random(world, order, &generator)
                        _ = try world.perform(operation, by: sender)
                    }
                }
                try world.wait(4_000)
            }
            var counted: [Address: Counted] = [:]
            for order in orders where try world.hasOrder(order) {
                note(try world.order(order), &counted)
                reasons.insert(try world.closing(order).reason)
                for fact in world.facts(order) {
                    if case .decided(let verdict, _) = fact { verdicts.insert(verdict) }
                }
            }
            for person in everybody {
                #expect(try world.counted(person) == counted[person] ?? Counted(), "seed \(seed)")
            }
            for shard in 0..<4 {
                #expect(try world.reserved(shard) == 0, "seed \(seed)")
                #expect(world.timers(shard).isEmpty, "seed \(seed)")
            }
            var total = try world.treasury()
            for person in everybody { total += try world.balance(person) }
            #expect(
                total == JobWorld.funds.units * UInt128(everybody.count), "seed \(seed)")
        }
        let common: [CloseReason] = [
            .settled, .payerClosed, .providerClosed, .expired, .undelivered, .slashed,
        ]
        #expect(reasons.isSuperset(of: common), "each end was reached")
        #expect(verdicts.isSuperset(of: [.accepted, .slashed]), "votes were decided")
    }

    /// NODE-11: each lease at a fixed price once.
    private func note(_ order: JobOrder, _ counted: inout [Address: Counted]) {
        guard order.terms.pricing == .fixed, case .closed(let closing) = order.state,
            let provider = closing.provider
        else { return }
        switch closing.reason {
        case .settled: counted[provider, default: Counted()].deliveries += 1
        case .slashed, .undelivered, .providerClosed:
            counted[provider, default: Counted()].failures += 1
        case .payerClosed, .expired, .outOfFunds: Issue.record("\(closing.reason)")
        }
    }

    private func seedBytes(_ generator: inout SeededGenerator) -> [UInt8] {
        withUnsafeBytes(of: generator.next()) { Array($0) }
    }

    private func step(
        _ world: inout JobWorld, _ orders: inout [ObjectID],
        _ generator: inout SeededGenerator
    ) throws {
        let payers = [payer, stranger]
        if orders.isEmpty || Int.random(in: 0..<12, using: &generator) == 0 {
            let owner = payers.randomElement(using: &generator) ?? payer
            orders.append(ObjectID(owner: owner, number: world.nonce(owner)))
            let pricing: JobPricing = Bool.random(using: &generator) ? .fixed : .rental
            let price = UInt128.random(in: 1...3_000, using: &generator)
            let terms = world.terms(
                pricing, price: price, bidding: .random(in: 1...6_000, using: &generator),
                duration: .random(in: 1...40_000, using: &generator))
            let escrow = Amount(price + UInt128.random(in: 0...5_000, using: &generator))
            _ = try world.perform(.postJob(terms, escrow: escrow), by: owner)
        } else if let order = try chosen(world, orders.suffix(5), &generator) {
            let (operation, sender) = try random(world, order, &generator)
            _ = try world.perform(operation, by: sender)
        }
        if Bool.random(using: &generator) {
            world.seed = BeaconSeed(
                number: world.seed.number + 1, value: SHA256.plain(seedBytes(&generator)))
        }
        try world.wait(.random(in: 0...1_200, using: &generator))
    }

    /// Mostly one that arbiters vote on, if there is one: they have little time.
    private func chosen(
        _ world: JobWorld, _ orders: ArraySlice<ObjectID>, _ generator: inout SeededGenerator
    ) throws -> ObjectID? {
        let existing = try orders.filter { try world.hasOrder($0) }
        let voting = try voting(world, existing)
        return Int.random(in: 0..<4, using: &generator) > 0
            ? voting.first ?? existing.randomElement(using: &generator)
            : existing.randomElement(using: &generator)
    }

    private func voting(_ world: JobWorld, _ orders: [ObjectID]) throws -> [ObjectID] {
        try orders.filter {
            guard try world.hasOrder($0), case .active(let lease) = try world.order($0).state,
                case .delivered(let delivery) = lease.state, case .voting = delivery.check
            else { return false }
            return true
        }
    }

    /// Something that somebody might do with an order, most of it sensible.
    private func random(
        _ world: JobWorld, _ id: ObjectID, _ generator: inout SeededGenerator
    ) throws -> (JobOperation, Address) {
        let anyone = everybody.randomElement(using: &generator) ?? stranger
        let order = try world.order(id)
        let results = [answer, answer, wrong]
        let result = results.randomElement(using: &generator) ?? answer
        switch order.state {
        case .open(let bids):
            if let bid = bids.randomElement(using: &generator),
                Int.random(in: 0..<3, using: &generator) == 0
            {
                return [
                    (.acceptBid(order: id, bid: bid), id.owner),
                    (.acceptBid(order: id, bid: bid), id.owner),
                    (.withdrawBid(order: id), bid.owner), (.closeOrder(order: id), id.owner),
                ].randomElement(using: &generator) ?? (.settle(order: id), anyone)
            }
            let price = UInt128.random(in: 1...order.terms.price.units, using: &generator)
            return (try world.bidding(id, price), anyone)
        case .closed: return (.settle(order: id), anyone)
        case .active(let lease):
            switch lease.state {
            case .working:
                return Int.random(in: 0..<8, using: &generator) == 0
                    ? (.closeLease(order: id), lease.provider)
                    : (.deliver(order: id, result: result), lease.provider)
            case .renting, .insufficientFunds:
                let value = Amount(UInt128.random(in: 1...9_000, using: &generator))
                return [
                    (.settle(order: id), anyone), (.settle(order: id), anyone),
                    (.topUp(order: id, value: value), anyone),
                    (.topUp(order: id, value: value), anyone),
                    (.closeLease(order: id), id.owner),
                    (.closeLease(order: id), lease.provider),
                ].randomElement(using: &generator) ?? (.settle(order: id), anyone)
            case .delivered(let delivery):
                return judging(world, id, delivery, &generator)
            }
        }
    }

    private func judging(
        _ world: JobWorld, _ id: ObjectID, _ delivery: JobDelivery,
        _ generator: inout SeededGenerator
    ) -> (JobOperation, Address) {
        switch delivery.check {
        case .unsampled, .passed, .disputed:
            return [
                (.dispute(order: id), id.owner), (.settle(order: id), stranger),
                (.dispute(order: id), id.owner), (.settle(order: id), stranger),
                (.acceptResult(order: id), id.owner),
                (.reveal(order: id, answer: answer, salt: salt), id.owner),
            ].randomElement(using: &generator) ?? (.settle(order: id), stranger)
        case .voting(let vote):
            let isCommitting = world.time.milliseconds < vote.began.milliseconds + 4_000
            let ballot = vote.ballots.first {
                switch $0.vote {
                case .none: isCommitting
                case .committed: !isCommitting
                case .revealed: false
                }
            }
            let arbiter = ballot?.arbiter ?? stranger
            // What an arbiter tells is what it committed to: always the right answer but for one.
            let told = arbiter == arbiters[0] ? wrong : answer
            if case .committed = ballot?.vote {
                return (.revealVerdict(order: id, result: told, salt: salt), arbiter)
            }
            let commitment = JobOrder.verdict(
                order: id, arbiter: arbiter, result: told, salt: salt)
            return (.commitVerdict(order: id, commitment: commitment), arbiter)
        }
    }
}
