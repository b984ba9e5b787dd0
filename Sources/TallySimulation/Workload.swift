import TallyExecution
package import TallyPrimitives
import TallySharding
package import TallyTransactions

/// Random transfers of every kind between a fixed set of accounts: remote and local, in time and too
/// late, scheduled, to accounts that refuse them. Some cannot be executed; that is part of it.
package struct Workload: Sendable {
    package let accounts: [Address]
    package let factory: WorkloadTransactions
    /// Most legs of a batch.
    package var maximumLegs = 4
    /// Largest amount moved.
    package var maximumValue: UInt64 = 1_000
    /// Deadlines and schedules lie so far around the present at most.
    package var spreadMilliseconds: UInt64 = 3_000

    package init(accounts: [Address], factory: WorkloadTransactions) {
        precondition(!accounts.isEmpty, "a workload without accounts")
        self.accounts = accounts
        self.factory = factory
    }

    /// `count` transactions for the next height, sorted by the endpoint that takes them.
    /// - Throws: `DriverError` when the state cannot be read.
    package func transactions(
        _ count: Int, for driver: LedgerDriver, at now: BeaconTime,
        using generator: inout SeededGenerator
    ) throws(DriverError) -> [[Transaction]] {
        let layout = driver.genesis.parameters.layout
        var nonces: [Address: Nonce] = [:]
        var offered: [[Transaction]] = Array(repeating: [], count: layout.endpointCount)
        for _ in 0..<count {
            let sender = account(&generator)
            let nonce: Nonce
            if let next = nonces[sender] {
                nonce = next
            } else {
                nonce = try driver.account(sender).nonce
            }
            let operation = operation(at: now, &generator)
            // Every operation made here is well formed.
            guard let made = try? factory.transaction(operation, from: sender, nonce: nonce) else {
                preconditionFailure("a malformed operation: \(operation)")
            }
            nonces[sender] = nonce + 1
            offered[Int(layout.home(of: sender).value)].append(made)
        }
        return offered
    }

    /// One operation of any kind.
    package func operation(
        at now: BeaconTime, _ generator: inout SeededGenerator
    ) -> TransferOperation {
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<9:
            return .single(
                to: account(&generator),
                value: Amount(UInt128(UInt64.random(in: 0...maximumValue, using: &generator))))
        case 9..<16:
            let count = Int.random(in: 1...maximumLegs, using: &generator)
            return .batch((0..<count).map { _ in leg(at: now, &generator) })
        case 16: return .setCreditPolicy(.refuse)
        case 17: return .setCreditPolicy(.accept)
        default: return .claimEscrow
        }
    }

    private func leg(at now: BeaconTime, _ generator: inout SeededGenerator) -> TransferLeg {
        let value = Amount(UInt128(UInt64.random(in: 1...maximumValue, using: &generator)))
        let present = now.milliseconds
        let earliest = max(1, present > spreadMilliseconds ? present - spreadMilliseconds : 1)
        let time = BeaconTime(
            milliseconds: UInt64.random(
                in: earliest...(present + spreadMilliseconds), using: &generator))
        let terms: LegTerms =
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: .immediate
            case 1: .creditBy(time)
            default: .runAt(time)
            }
        return TransferLeg(to: account(&generator), value: value, terms: terms)
    }

    private func account(_ generator: inout SeededGenerator) -> Address {
        accounts[Int.random(in: 0..<accounts.count, using: &generator)]
    }
}
