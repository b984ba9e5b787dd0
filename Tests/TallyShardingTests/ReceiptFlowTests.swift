import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyTransactions
import Testing

/// Each flow of value between two shards, by signed transactions, height by height.
@Suite struct ReceiptFlowTests {
    private let accounts = TestAccount.all(shards: 2)
    private var alice: TestAccount { accounts[0] }
    private var carol: TestAccount { accounts[1] }
    private var bob: TestAccount { accounts[2] }
    private let fee = 21_000 * TestLedger.baseFee
    private let funds = TestLedger.funds

    private func reference(
        _ source: UInt16, _ destination: UInt16, _ index: UInt64 = 0
    ) -> ReceiptReference {
        ReceiptReference(
            source: EndpointID(source), destination: EndpointID(destination), index: index)
    }

    // RCPT-1, RCPT-2: sent at one height, consumed at the next, under the root anchored in between.
    @Test func creditIsFinalInTwoRounds() throws {
        var ledger = try TestLedger()
        let first = try ledger.decide(
            ledger.signed(.single(to: bob.address, value: Amount(500)), by: alice))
        #expect(try ledger.balance(alice) == funds - 500 - fee)
        #expect(try ledger.balance(bob) == funds)
        #expect(first.record(0)?.header.out.map(\.entry.end) == [1])
        #expect(ledger.driver.mandatory == [1])
        let second = try ledger.decide()
        #expect(try ledger.balance(bob) == funds + 500)
        #expect(second.record(1)?.header.in.map(\.entry.cursor) == [1])
        #expect(
            second.system(1) == [
                .credited(reference(0, 1), from: alice.address, to: bob.address, value: Amount(500))
            ])
        #expect(!ledger.driver.hasWork)
    }

    // RCPT-5: past its deadline a credit bounces; the value is back after three rounds.
    @Test func lateCreditIsRefundedInThreeRounds() throws {
        var ledger = try TestLedger()
        let deadline = LegTerms.creditBy(BeaconTime(milliseconds: 1))
        let batch = TransferOperation.batch([
            TransferLeg(to: bob.address, value: Amount(500), terms: deadline)
        ])
        let transaction = try ledger.signed(batch, by: alice)
        let cost = UInt128(transaction.weight) * TestLedger.baseFee
        try ledger.decide(transaction)
        let second = try ledger.decide()
        #expect(
            second.system(1) == [
                .bounced(
                    reference(0, 1), answer: reference(1, 0), to: bob.address, value: Amount(500),
                    .deadlinePassed)
            ])
        #expect(try ledger.balance(alice) == funds - 500 - cost)
        let third = try ledger.decide()
        #expect(
            third.system(0) == [
                .refunded(
                    reference(1, 0), request: reference(0, 1), from: bob.address,
                    to: alice.address, value: Amount(500), .deadlinePassed)
            ])
        #expect(try ledger.balance(alice) == funds - cost)
        #expect(try ledger.balance(bob) == funds)
        #expect(!ledger.driver.hasWork)
    }

    @Test func creditInTimeDoesNotBounce() throws {
        var ledger = try TestLedger()
        // The shard reads the time of the parent block: exactly the deadline is in time.
        let deadline = LegTerms.creditBy(
            BeaconTime(milliseconds: ledger.now.milliseconds + 1_000))
        try ledger.decide(
            ledger.signed(
                .batch([TransferLeg(to: bob.address, value: Amount(5), terms: deadline)]),
                by: alice))
        try ledger.decide()
        #expect(try ledger.balance(bob) == funds + 5)
    }

    // RCPT-10: request and answer carry the transaction; the answer also names the request.
    @Test func receiptsCarryTheirOrigin() throws {
        var ledger = try TestLedger()
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: bob))
        let transaction = try ledger.signed(.single(to: bob.address, value: Amount(9)), by: alice)
        let sent = try ledger.decide(transaction).record(0)?.sent.first
        #expect(sent?.origin == transaction.hash)
        #expect(sent?.parent == nil)
        let answer = try ledger.decide().record(1)?.sent.first
        #expect(answer?.origin == transaction.hash)
        #expect(answer?.parent == reference(0, 1))
        #expect(answer?.kind == ReceiptKind.bounce.rawValue)
        // RCPT-6: the answer is the end of it.
        let last = try ledger.decide()
        #expect(last.records.allSatisfy { $0.sent.isEmpty })
    }

    @Test func refusedCreditBounces() throws {
        var ledger = try TestLedger()
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: bob))
        try ledger.decide(ledger.signed(.single(to: bob.address, value: Amount(500)), by: alice))
        let height = try ledger.decide()
        guard case .bounced(_, _, _, _, let reason) = height.system(1).first else {
            Issue.record("no bounce")
            return
        }
        #expect(reason == .creditsRefused)
        try ledger.settle()
        #expect(try ledger.balance(alice) == funds - fee)
    }

    // RCPT-5: a bounce cannot fail; what cannot be credited waits in escrow until it is claimed.
    @Test func uncreditableBounceWaitsInEscrow() throws {
        var ledger = try TestLedger()
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: bob))
        try ledger.decide(
            ledger.signed(.single(to: bob.address, value: Amount(500)), by: alice),
            ledger.signed(.setCreditPolicy(.refuse), by: alice, later: 1))
        try ledger.decide()
        let third = try ledger.decide()
        #expect(
            third.system(0) == [
                .escrowed(
                    reference(1, 0), owner: alice.address, value: Amount(500), .creditsRefused)
            ])
        #expect(try ledger.balance(alice) == funds - 500 - 2 * fee - callFee(1))
        let claim = try ledger.decide(ledger.signed(.claimEscrow, by: alice))
        #expect(
            claim.record(0)?.results.first?.events == [
                .escrowClaimed(owner: alice.address, value: Amount(500))
            ])
        #expect(try ledger.balance(alice) == funds - 3 * fee - callFee(1) - claimFee)
        // A second claim fails: only fee and nonce move.
        let before = try ledger.driver.account(alice.address)
        let again = try ledger.decide(ledger.signed(.claimEscrow, by: alice))
        #expect(again.record(0)?.results.first?.failure == .nothingToClaim)
        #expect(again.record(0)?.results.first?.events == [])
        let after = try ledger.driver.account(alice.address)
        #expect(after.balance.units == before.balance.units - fee - claimFee)
        #expect(after.nonce == before.nonce + 1)
    }

    /// A value of zero that cannot be credited leaves no object behind.
    @Test func uncreditableBounceOfNothingLeavesNoEscrow() throws {
        var ledger = try TestLedger()
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: bob))
        try ledger.decide(
            ledger.signed(.single(to: bob.address, value: .zero), by: alice),
            ledger.signed(.setCreditPolicy(.refuse), by: alice, later: 1))
        try ledger.settle()
        let claim = try ledger.decide(ledger.signed(.claimEscrow, by: alice))
        #expect(claim.record(0)?.results.first?.failure == .nothingToClaim)
    }

    /// Of the call data of `setCreditPolicy(policy)`.
    private func callFee(_ policy: UInt8) -> UInt128 {
        let data = TransferOperation.setCreditPolicy(CreditPolicy(rawValue: policy) ?? .accept)
            .callData
        return UInt128(Weights.callData(data)) * TestLedger.baseFee
    }

    private var claimFee: UInt128 {
        UInt128(Weights.callData(TransferOperation.claimEscrow.callData)) * TestLedger.baseFee
    }

    // RCPT-11: a leg waits on the sender's shard until its time, then leaves as one receipt.
    @Test(arguments: [true, false])
    func scheduledLegRunsWhenItsTimeHasCome(remote: Bool) throws {
        var ledger = try TestLedger()
        let target = remote ? bob : carol
        let runAt = BeaconTime(milliseconds: ledger.now.milliseconds + 3_500)
        let leg = TransferLeg(to: target.address, value: Amount(500), terms: .runAt(runAt))
        try ledger.decide(ledger.signed(.batch([leg]), by: alice))
        #expect(ledger.core(0).due.count == 1)
        #expect(ledger.core(0).nextDueTime(after: ledger.now) == runAt)
        // Blocks at 2 s, 3 s and 4 s; a block reads its parent's time, so it runs after the last.
        for _ in 0..<3 {
            #expect(!ledger.driver.hasWork)
            try ledger.decide()
        }
        #expect(ledger.driver.mandatory == [0])
        let height = try ledger.decide()
        guard
            case .scheduleRan(0, alice.address, target.address, Amount(500), let sent)? =
                height.system(0).first
        else {
            Issue.record("the leg did not run")
            return
        }
        #expect(sent == (remote ? reference(0, 1) : nil))
        try ledger.settle()
        #expect(try ledger.balance(target) == funds + 500)
        #expect(ledger.core(0).due.count == 0)
    }

    @Test func scheduledLegToARefusingAccountOfItsShardReturns() throws {
        var ledger = try TestLedger()
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: carol))
        let leg = TransferLeg(
            to: carol.address, value: Amount(500), terms: .runAt(BeaconTime(milliseconds: 1)))
        let transaction = try ledger.signed(.batch([leg]), by: alice)
        let cost = UInt128(transaction.weight) * TestLedger.baseFee
        try ledger.decide(transaction)
        let height = try ledger.decide()
        #expect(
            height.system(0) == [
                .scheduleReturned(entry: 0, to: alice.address, value: Amount(500), .creditsRefused)
            ])
        #expect(try ledger.balance(alice) == funds - cost)
    }

    @Test func scheduledLegThatNobodyTakesWaitsInEscrow() throws {
        var ledger = try TestLedger()
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: carol))
        let leg = TransferLeg(
            to: carol.address, value: Amount(500), terms: .runAt(BeaconTime(milliseconds: 1)))
        try ledger.decide(
            ledger.signed(.batch([leg]), by: alice),
            ledger.signed(.setCreditPolicy(.refuse), by: alice, later: 1))
        let height = try ledger.decide()
        #expect(
            height.system(0).last
                == .escrowed(nil, owner: alice.address, value: Amount(500), .creditsRefused))
        let claim = try ledger.decide(ledger.signed(.claimEscrow, by: alice))
        #expect(claim.record(0)?.results.first?.failure == nil)
    }

    @Test func scheduledLegToARefusingAccountElsewhereBounces() throws {
        var ledger = try TestLedger()
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: bob))
        let leg = TransferLeg(
            to: bob.address, value: Amount(500), terms: .runAt(BeaconTime(milliseconds: 1)))
        let transaction = try ledger.signed(.batch([leg]), by: alice)
        try ledger.decide(transaction)
        try ledger.settle()
        #expect(
            try ledger.balance(alice)
                == funds - UInt128(transaction.weight) * TestLedger.baseFee)
    }
}
