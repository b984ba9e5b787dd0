import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding

/// A validator's stake that somebody is to send.
struct PlannedStake: Hashable, Sendable {
    /// Microseconds of virtual time from which it is sent until it is in the ledger.
    let from: UInt64
    let owner: Address
    let amount: Amount
}

/// Sets that stakes change (SIM-47, STAKE-13).
extension Scenario {
    /// Members that an elected set has at least (ECON-22).
    static let leastElected = 4

    /// Short epochs, and stakes of most nodes. Who stakes late stakes more, so that sets do not only
    /// grow: members give way, sometimes all of them.
    mutating func holdElections(_ random: inout SeededGenerator) {
        if genesis.parameters.economy == nil {
            genesis = Self.withEconomy(genesis, addresses, seed)
        }
        var parameters = genesis.parameters
        parameters.epochMilliseconds = random.pick([4_000, 8_000, 16_000])
        guard
            let founded = try? Genesis(
                parameters: parameters, time: genesis.time, accounts: genesis.accounts,
                validators: genesis.validators)
        else { preconditionFailure("the genesis of an economy is sound") }
        genesis = founded
        var order = random.shuffle(addresses)
        // The first to be elected are not all of the genesis.
        if let joining = order.firstIndex(where: { !genesis.validators.contains($0) }) {
            order.swapAt(0, joining)
        }
        let count = Int(random.pick(UInt64(Self.leastElected)...UInt64(order.count)))
        let span = random.pick([UInt64](arrayLiteral: 0, 20_000_000, 60_000_000))
        let isRising = random.pick(4) != 0
        stakes = order.prefix(count).enumerated().map { place, owner in
            let isFirst = place < Self.leastElected
            let least: UInt64 =
                isRising ? 1_000_000 * UInt64(1 + place / Self.leastElected) : 1_000_000
            return PlannedStake(
                from: isFirst ? random.pick(0...5_000_000) : random.pick(0...span), owner: owner,
                amount: Amount(UInt128(least + random.pick(0...999_999))))
        }
    }
}
