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

/// All others who have a stake vote one of them out.
struct Impeachment: Hashable, Sendable {
    /// Microseconds of virtual time from which they vote, as long as it is not out.
    let from: UInt64
    let accused: Address
}

/// Sets that stakes change (SIM-10, STAKE-13).
extension Scenario {
    /// Members that an elected set has at least (ECON-22).
    static let leastElected = 4

    /// Short epochs, stakes of most nodes, and some voted out again. Who stakes late mostly stakes more,
    /// so that members give way; those of the genesis sometimes all at once.
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
        let joining = addresses.filter { !genesis.validators.contains($0) }
        var order = random.shuffle(addresses)
        if joining.count >= Self.leastElected, random.pick(3) == 0 {
            order = random.shuffle(joining) + random.shuffle(genesis.validators)
        } else if let place = order.firstIndex(where: joining.contains) {
            // The first to be elected are not all of the genesis.
            order.swapAt(0, place)
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
        let accused = random.shuffle(stakes.map(\.owner)).prefix(Int(random.pick(0...2)))
        impeachments = accused.map {
            Impeachment(from: span + random.pick(5_000_000...40_000_000), accused: $0)
        }
    }
}
