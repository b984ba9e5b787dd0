import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTransactions
import Testing

/// Who gets what of a fee, to the unit.
@Suite struct FeeTests {
    private let accounts = TestAccount.all(shards: 2)
    private var alice: TestAccount { accounts[0] }
    private var carol: TestAccount { accounts[1] }
    private var bob: TestAccount { accounts[2] }
    private let base = TestLedger.baseFee
    private let tip: UInt128 = 7

    private func ledger(
        proposer: Address = TestLedger.proposer,
        _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws -> TestLedger {
        var ledger = try TestLedger(proposer: proposer) { parameters in
            parameters.epochMilliseconds = 10_000
            change(&parameters)
        }
        ledger.factory.tip = Amount(tip)
        return ledger
    }

    private func vault(_ core: ShardCore, of beneficiary: Address) throws -> UInt128 {
        try core.tree.object(ObjectKey(.vault, key: beneficiary.bytes), MemoryPages())?.value.units
            ?? 0
    }

    // FEE-2
    @Test func localFeeIsBurnedButForTheTip() throws {
        var ledger = try ledger()
        try ledger.decide(ledger.signed(.single(to: carol.address, value: Amount(1)), by: alice))
        #expect(ledger.core(0).header.burned.units == 21_000 * base)
        #expect(try vault(ledger.core(0), of: TestLedger.proposer) == 21_000 * tip)
        #expect(try ledger.balance(alice) == TestLedger.funds - 1 - 21_000 * (base + tip))
    }

    // FEE-2: the weight of a remote leg is paid where it is used.
    @Test func remoteFeeIsPaidAtTheDestination() throws {
        var ledger = try ledger()
        let sent = try ledger.decide(
            ledger.signed(.single(to: bob.address, value: Amount(1)), by: alice))
        #expect(sent.record(0)?.sent.first?.fee == Amount(9_000 * (base + tip)))
        #expect(ledger.core(0).header.burned.units == 12_000 * base)
        #expect(try vault(ledger.core(0), of: TestLedger.proposer) == 12_000 * tip)
        try ledger.decide()
        #expect(ledger.core(1).header.burned == .zero)
        #expect(try vault(ledger.core(1), of: TestLedger.proposer) == 9_000 * (base + tip))
    }

    @Test func theFeeOfABouncedCreditStaysAtTheDestination() throws {
        var ledger = try ledger()
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: bob))
        let before = try vault(ledger.core(1), of: TestLedger.proposer)
        try ledger.decide(ledger.signed(.single(to: bob.address, value: Amount(50)), by: alice))
        let height = try ledger.decide()
        #expect(height.record(1)?.sent.first?.value == Amount(50))
        #expect(height.record(1)?.sent.first?.fee == .zero)
        let after = try vault(ledger.core(1), of: TestLedger.proposer)
        #expect(after - before == 9_000 * (base + tip))
        try ledger.settle()
        #expect(try ledger.balance(alice) == TestLedger.funds - 21_000 * (base + tip))
    }

    // FEE-1: a scheduled leg prepays its run, and its receipt when it goes elsewhere.
    @Test func scheduledLegCarriesItsFee() throws {
        var ledger = try ledger()
        let leg = TransferLeg(
            to: bob.address, value: Amount(5), terms: .runAt(BeaconTime(milliseconds: 1)))
        let transaction = try ledger.signed(.batch([leg]), by: alice)
        #expect(transaction.weight == 27_000 + Weights.callData(transaction.envelope.data))
        try ledger.decide(transaction)
        let local = UInt128(transaction.weight) - 9_000
        #expect(ledger.core(0).header.burned.units == local * base)
        let height = try ledger.decide()
        #expect(height.record(0)?.sent.first?.fee == Amount(9_000 * (base + tip)))
    }

    @Test func aFailedTransactionPaysAllOfItsFeeAtHome() throws {
        var ledger = try ledger()
        let transaction = try ledger.signed(.claimEscrow, by: alice)
        try ledger.decide(transaction)
        #expect(ledger.core(0).header.burned.units == UInt128(transaction.weight) * base)
        #expect(
            try vault(ledger.core(0), of: TestLedger.proposer) == UInt128(transaction.weight) * tip)
    }

    // FEE-4: the proposer lives on shard 0, the treasury on the beacon.
    @Test func vaultsAreSweptAtTheEndOfTheEpoch() throws {
        var ledger = try ledger { $0.baseFeeDestination = .treasury }
        try ledger.decide(ledger.signed(.single(to: bob.address, value: Amount(1)), by: alice))
        try ledger.decide()
        #expect(ledger.core(0).due.count == 2)
        #expect(ledger.core(1).due.count == 1)
        #expect(!ledger.driver.hasWork)
        try ledger.decide(after: 20_000)
        #expect(ledger.driver.mandatory == [0, 1])
        let height = try ledger.decide()
        #expect(
            height.system(0).contains(
                .swept(
                    beneficiary: TestLedger.proposer, value: Amount(12_000 * tip), sent: nil)))
        #expect(ledger.driver.mandatory == [0, 2])
        try ledger.settle()
        let proposer = try ledger.driver.account(TestLedger.proposer).balance.units
        #expect(proposer == 12_000 * tip + 9_000 * (base + tip))
        let treasury = try ledger.core(2).tree.object(ObjectKey(.treasury, key: []), MemoryPages())
        #expect(treasury?.value == Amount(12_000 * base))
        #expect(try vault(ledger.core(0), of: ReservedAddress.treasury) == 0)
        #expect(ledger.core(0).due.count + ledger.core(1).due.count == 0)
        #expect(ledger.core(0).header.burned == .zero)
    }

    @Test func aSweepReachesABeneficiaryThatRefusesCredits() throws {
        var ledger = try ledger(proposer: bob.address)
        try ledger.decide(ledger.signed(.setCreditPolicy(.refuse), by: bob))
        try ledger.decide(ledger.signed(.single(to: carol.address, value: Amount(1)), by: alice))
        let before = try ledger.balance(bob)
        let own = try vault(ledger.core(1), of: bob.address)
        try ledger.decide(after: 20_000)
        try ledger.settle()
        #expect(try ledger.balance(bob) == before + own + 21_000 * tip)
    }

    /// A vault whose sweep found no place on the due queue gets one with the next fee.
    @Test func aVaultWithoutASweepIsQueuedLater() throws {
        var ledger = try ledger { $0.dueBound = 1 }
        let leg = TransferLeg(
            to: carol.address, value: Amount(5),
            terms: .runAt(BeaconTime(milliseconds: ledger.now.milliseconds + 1_500)))
        try ledger.decide(ledger.signed(.batch([leg]), by: alice))
        #expect(ledger.core(0).due.count == 1)
        try ledger.decide()
        try ledger.decide()
        try ledger.decide()
        #expect(ledger.core(0).due.count == 0)
        try ledger.decide(ledger.signed(.single(to: carol.address, value: Amount(1)), by: alice))
        #expect(ledger.core(0).due.count == 1)
    }
}

/// FEE-3.
@Suite struct FeeMarketTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let fee: Amount
        let used: Weight
        var elapsed: UInt64 = 0
        var minimum: UInt128 = 0
        let next: Amount

        init(
            _ fee: UInt128, used: Weight, elapsed: UInt64 = 0, minimum: UInt128 = 0, _ next: UInt128
        ) {
            self.fee = Amount(fee)
            self.used = used
            self.elapsed = elapsed
            self.minimum = minimum
            self.next = Amount(next)
        }

        var testDescription: String { "\(fee) after \(used), \(elapsed) ms" }
    }

    /// Of a block limit of 200.
    @Test(arguments: [
        Case(1_000, used: 100, 1_000),
        Case(1_000, used: 200, 1_125),
        Case(1_000, used: 150, 1_062),
        Case(1_000, used: 50, 938),
        Case(1_000, used: 0, 875),
        Case(1_000, used: 0, minimum: 900, 900),
        Case(1, used: 200, 2),
        Case(0, used: 101, 1),
        Case(7, used: 0, 7),
        Case(1_000, used: 100, elapsed: 999, 1_000),
        Case(1_000, used: 100, elapsed: 1_000, 875),
        Case(1_000, used: 100, elapsed: 2_999, 766),
        Case(1_000, used: 200, elapsed: 1_000, 985),
        Case(1_000_000, used: 200, elapsed: .max, minimum: 10, 10),
        Case(.max, used: 200, .max),
        Case(.max, used: 0, .max - .max / 8),
        Case(.max, used: 100, elapsed: .max, minimum: 5, 7),
    ])
    func followsTheTable(_ item: Case) {
        #expect(
            FeeMarket.baseFee(
                after: item.fee, used: item.used, limit: 200, elapsed: item.elapsed, idle: 1_000,
                minimum: Amount(item.minimum)) == item.next)
    }

    @Test func aFullShardBecomesDearAndCheapAgain() throws {
        let accounts = TestAccount.all(shards: 2)
        var ledger = try TestLedger {
            $0.blockWeight = 42_000
            $0.heartbeatMilliseconds = 1_000
        }
        for _ in 0..<3 {
            let transactions = try (0..<2).map {
                try ledger.signed(
                    .single(to: accounts[1].address, value: Amount(1)), by: accounts[0], later: $0)
            }
            _ = try ledger.offer(transactions, after: 10)
        }
        // 100, then 112, 126 for the third block and 141 for the next.
        #expect(ledger.core(0).header.baseFee == Amount(126))
        #expect(ledger.core(0).baseFee(ledger.view) == Amount(141))
        try ledger.decide(after: 5_000)
        #expect(ledger.core(0).baseFee(ledger.view) == Amount(TestLedger.baseFee))
    }
}
