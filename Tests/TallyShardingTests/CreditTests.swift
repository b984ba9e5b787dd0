import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTransactions
import Testing

/// Windows, quotas and bounds: what a block may take on.
@Suite struct CreditTests {
    private let accounts = TestAccount.all(shards: 2)
    private var alice: TestAccount { accounts[0] }
    private var carol: TestAccount { accounts[1] }
    private var bob: TestAccount { accounts[2] }

    private func scheduled(
        _ to: TestAccount, at milliseconds: UInt64 = 1, value: UInt128 = 1
    ) -> TransferLeg {
        TransferLeg(
            to: to.address, value: Amount(value),
            terms: .runAt(BeaconTime(milliseconds: milliseconds)))
    }

    // RCPT-7: transactions leave a quarter of the window to due entries, and may come again.
    @Test func aFullWindowRefusesAndIsRetried() throws {
        var ledger = try TestLedger { $0.window = 4 }
        let transactions = try (0..<4).map {
            try ledger.signed(.single(to: bob.address, value: Amount(1)), by: alice, later: $0)
        }
        let before = try ledger.balance(alice)
        let first = try ledger.offer(transactions)
        #expect(first.record(0)?.transactions.count == 3)
        #expect(first.refused.map(\.reason) == [.noCredit(destination: 1)])
        #expect(first.refused.first?.reason.isRetryable == true)
        #expect(try ledger.balance(alice) == before - 3 * (1 + 21_000 * TestLedger.baseFee))
        // The receipts are consumed in this very height: its header is not yet anchored.
        #expect(try ledger.offer([transactions[3]]).refused.count == 1)
        #expect(ledger.core(0).slots(to: 1, ledger.view) == 0)
        #expect(ledger.core(0).streams[1].slots == 3)
        try ledger.decide(transactions[3])
        #expect(ledger.core(0).streams[1].slots == 1)
    }

    @Test func aBatchNeedsASlotForEachLegElsewhere() throws {
        var ledger = try TestLedger { $0.window = 4 }
        func batch(_ remote: Int) throws -> Transaction {
            let legs =
                (0..<remote).map { _ in TransferLeg(to: bob.address, value: Amount(1)) }
                + [TransferLeg(to: carol.address, value: Amount(1)), scheduled(bob, at: 9_999_999)]
            return try ledger.signed(.batch(legs), by: alice)
        }
        #expect(
            try ledger.offer([batch(4)]).refused.map(\.reason) == [.noCredit(destination: 1)])
        try ledger.decide(batch(3))
        #expect(ledger.core(0).streams[1].slots == 3)
    }

    // RCPT-7, RCPT-11: due entries may take every slot; the rest waits without being due.
    @Test func dueEntriesTakeTheReservedSlots() throws {
        var ledger = try TestLedger { $0.window = 4 }
        let legs =
            (0..<3).map { _ in TransferLeg(to: bob.address, value: Amount(1)) }
            + [scheduled(bob), scheduled(bob), scheduled(bob), scheduled(carol)]
        try ledger.decide(ledger.signed(.batch(legs), by: alice))
        #expect(ledger.driver.mandatory == [0, 1])
        let second = try ledger.decide()
        #expect(ledger.core(0).streams[1].slots == 4)
        #expect(second.record(0)?.sent.map(\.reference.index) == [3])
        #expect(ledger.core(0).due.count == 2)
        // RCPT-3: with the newest headers three slots are free, though none is in the stored state.
        #expect(ledger.core(0).slots(to: 1, ledger.view) == 1)
        #expect(ledger.driver.mandatory == [0, 1])
        try ledger.decide()
        #expect(ledger.core(0).due.count == 0)
        try ledger.settle()
        #expect(try ledger.balance(bob) == TestLedger.funds + 6)
    }

    /// Only a due entry without a slot is left: its shard has no work until the peer answers.
    @Test func anEntryWithoutASlotIsNotMandatory() throws {
        var ledger = try TestLedger { $0.window = 1 }
        try ledger.decide(
            ledger.signed(.batch([scheduled(bob), scheduled(bob)]), by: alice))
        try ledger.decide()
        #expect(ledger.core(0).streams[1].slots == 1)
        #expect(ledger.driver.mandatory == [1])
        try ledger.decide(omitting: [0])
        #expect(ledger.driver.mandatory == [0])
        try ledger.settle()
        #expect(try ledger.balance(bob) == TestLedger.funds + 2)
    }

    // RCPT-11: entries of an earlier block only, each once, removed from state and count.
    @Test func aBlockRunsNoEntryOfItsOwn() throws {
        var ledger = try TestLedger()
        let height = try ledger.decide(
            ledger.signed(.batch([scheduled(carol)]), by: alice))
        #expect(height.system(0).isEmpty)
        #expect(ledger.core(0).due.count == 1)
        #expect(try ledger.decide().system(0).count == 1)
        #expect(ledger.core(0).due.count == 0)
    }

    @Test func dueEntriesRunByTimeThenAge() throws {
        var ledger = try TestLedger()
        let legs = [
            scheduled(bob, at: 3, value: 30), scheduled(bob, at: 2, value: 20),
            scheduled(bob, at: 2, value: 21), scheduled(carol, at: 9, value: 90),
        ]
        try ledger.decide(ledger.signed(.batch(legs), by: alice))
        // Height 2: destinations in rotation are 2, 0, 1.
        let events = try ledger.decide().system(0)
        let values = events.compactMap { event -> UInt128? in
            guard case .scheduleRan(_, _, _, let value, _) = event else { return nil }
            return value.units
        }
        #expect(values == [90, 20, 21, 30])
    }

    // RCPT-11: the due quota bounds what one block runs.
    @Test func theDueQuotaDividesALongQueue() throws {
        var ledger = try TestLedger { $0.blockWeight = 48_000 }
        for _ in 0..<3 {
            try ledger.decide(
                ledger.signed(
                    .batch([scheduled(carol, at: ledger.now.milliseconds + 100_000)]), by: alice))
        }
        try ledger.decide(after: 200_000)
        #expect(try ledger.decide().system(0).count == 2)
        #expect(try ledger.decide().system(0).count == 1)
    }

    // RCPT-11: the bound D.
    @Test func aFullDueQueueRefuses() throws {
        var ledger = try TestLedger { $0.dueBound = 2 }
        let legs = (0..<3).map { _ in scheduled(carol, at: 9_999_999) }
        #expect(
            try ledger.offer([ledger.signed(.batch(legs), by: alice)]).refused.map(\.reason)
                == [.dueQueueFull])
        try ledger.decide(ledger.signed(.batch(Array(legs.prefix(2))), by: alice))
        let more = try ledger.signed(.batch([scheduled(carol)]), by: alice)
        #expect(try ledger.offer([more]).refused.map(\.reason) == [.dueQueueFull])
        // Nothing that needs no entry is held up.
        try ledger.decide(ledger.signed(.single(to: carol.address, value: Amount(1)), by: alice))
    }

    @Test func aFullBlockRefuses() throws {
        var ledger = try TestLedger { $0.blockWeight = 44_000 }
        let transactions = try (0..<3).map {
            try ledger.signed(.single(to: carol.address, value: Amount(1)), by: alice, later: $0)
        }
        let height = try ledger.offer(transactions)
        #expect(height.record(0)?.transactions.count == 2)
        #expect(height.refused.map(\.reason) == [.blockFull])
    }

    // RCPT-3: sources in rotation, each drained in turn, to the first that does not fit.
    @Test func theInboxTakesSourcesInRotation() throws {
        let accounts = TestAccount.all(shards: 3)
        var ledger = try TestLedger(shards: 3) { $0.blockWeight = 44_000 }
        let legs = (1...3).map {
            TransferLeg(to: accounts[2].address, value: Amount(UInt128($0)))
        }
        try ledger.decide(
            ledger.signed(.batch(legs), by: accounts[0]),
            ledger.signed(.batch(legs), by: accounts[4]))
        // Height 2 of four endpoints: sources are 2, 3, 0. The quota of 22,000 holds four credits.
        let second = try ledger.decide()
        #expect(second.record(1)?.header.in.map(\.peer) == [0, 2])
        #expect(second.record(1)?.header.in.map(\.entry.cursor) == [1, 3])
        #expect(ledger.driver.mandatory == [1])
        let third = try ledger.decide()
        #expect(third.record(1)?.header.in.map(\.peer) == [0])
        #expect(third.record(1)?.header.weightUsed == 10_000)
    }

    // RCPT-3: the first that does not fit ends it, even if one of a later source would fit.
    @Test func aHeadThatDoesNotFitEndsTheInbox() throws {
        let accounts = TestAccount.all(shards: 4)
        var ledger = try TestLedger(shards: 4) { $0.blockWeight = 48_000 }
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: accounts[0]))
        for _ in 0..<3 { try ledger.decide() }
        try ledger.decide(
            ledger.signed(
                .single(to: accounts[0].address, value: Amount(9)), by: accounts[3]))
        let legs = (1...3).map {
            TransferLeg(to: accounts[2].address, value: Amount(UInt128($0)))
        }
        try ledger.decide(
            ledger.signed(.batch(legs), by: accounts[4]),
            ledger.signed(.batch(legs), by: accounts[6]))
        // Height 7 of five endpoints: sources are 2, 3, 4, 0. Of 24,000, four credits leave 4,000,
        // too little for the fifth; the bounce of shard 0 would fit.
        let height = try ledger.decide()
        #expect(height.block.header.height == Height(7))
        #expect(height.record(1)?.header.in.map(\.peer) == [2, 3])
        #expect(height.record(1)?.header.in.map(\.entry.cursor) == [3, 1])
        #expect(height.record(1)?.header.weightUsed == 20_000)
    }

    // RCPT-3: what the inbox leaves of its half is lent to transactions.
    @Test func transactionsUseWhatTheInboxLeaves() throws {
        var ledger = try TestLedger { $0.blockWeight = 42_000 }
        let transactions = try (0..<2).map {
            try ledger.signed(.single(to: carol.address, value: Amount(1)), by: alice, later: $0)
        }
        #expect(try ledger.offer(transactions).record(0)?.header.weightUsed == 42_000)
    }

    // RCPT-4: the heaviest receipt fits a quarter of the smallest inbox quota.
    @Test func everyReceiptFitsAQuarterOfTheSmallestQuota() throws {
        var parameters = try TestLedger().parameters
        parameters.blockWeight = NetworkParameters.minimumBlockWeight
        #expect(parameters.faults.isEmpty)
        for kind: UInt8 in [1, 2, 3, 200] {
            let receipt = Receipt(
                reference: ReceiptReference(source: 0, destination: 1, index: 0), kind: kind,
                origin: .zero, parent: nil, from: .zero, to: .zero, value: .zero, fee: .zero,
                payload: .empty)
            #expect(receipt.weight <= parameters.receiptWeightLimit)
        }
        parameters.blockWeight -= 1
        #expect(
            parameters.faults == [
                .blockWeightTooSmall(minimum: NetworkParameters.minimumBlockWeight)
            ])
    }

    // A batch is atomic: one leg that fails at home takes back all others, sent and scheduled.
    @Test(arguments: [true, false])
    func aBatchIsAllOrNothing(late: Bool) throws {
        var ledger = try TestLedger()
        if !late { try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: carol)) }
        let terms: LegTerms = late ? .creditBy(BeaconTime(milliseconds: 1)) : .immediate
        let legs = [
            TransferLeg(to: bob.address, value: Amount(5)), scheduled(bob),
            TransferLeg(to: carol.address, value: Amount(7), terms: terms),
        ]
        let transaction = try ledger.signed(.batch(legs), by: alice)
        let height = try ledger.decide(transaction)
        let result = height.record(0)?.results.first
        #expect(result?.failure == (late ? .deadlinePassed : .creditsRefused))
        #expect(result?.events == [])
        #expect(height.record(0)?.sent.isEmpty == true)
        #expect(ledger.core(0).due.count == 0)
        #expect(ledger.core(0).streams[1].slots == 0)
        let fee = UInt128(transaction.weight) * TestLedger.baseFee
        #expect(try ledger.balance(alice) == TestLedger.funds - fee)
        #expect(try ledger.driver.account(alice.address).nonce == 1)
    }

    @Test func aFailedTransactionTakesNoSlots() throws {
        var ledger = try TestLedger { $0.window = 4 }
        let remote = Array(repeating: TransferLeg(to: bob.address, value: Amount(1)), count: 3)
        let late = TransferLeg(
            to: carol.address, value: Amount(1), terms: .creditBy(BeaconTime(milliseconds: 1)))
        let height = try ledger.decide(
            ledger.signed(.batch(remote + [late]), by: alice),
            ledger.signed(.batch(remote), by: alice, later: 1))
        #expect(height.record(0)?.results.map(\.failure) == [.deadlinePassed, nil])
    }

    // RCPT-9: an account that gave everything away keeps its nonce.
    @Test func noncesAreNeverDeleted() throws {
        var ledger = try TestLedger()
        let rest = TestLedger.funds - 21_000 * TestLedger.baseFee
        ledger.factory.maxFee = Amount(TestLedger.baseFee)
        try ledger.decide(ledger.signed(.single(to: bob.address, value: Amount(rest)), by: alice))
        let account = try ledger.driver.account(alice.address)
        #expect(account == Account(balance: .zero, nonce: 1, policy: .accept))
    }
}
