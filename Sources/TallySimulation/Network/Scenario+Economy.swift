import TallyExecution
import TallyPrimitives
import TallySharding

/// Networks that have an economy (SIM-45).
extension Scenario {
    /// One seed in twenty, where nobody says it.
    static func hasEconomy(_ seed: UInt64, _ options: SimulationOptions) -> Bool {
        options.economy ?? (options.script == nil && seed % 20 == 11)
    }

    /// Another genesis: the same network with an economy, and validators that have money. Its numbers
    /// come from a generator of their own, so that the rest of the scenario is what it would be.
    static func withEconomy(_ genesis: Genesis, _ members: [Address], _ seed: UInt64) -> Genesis {
        var random = SeededGenerator(seed: seed ^ 0x6563_6f6e_6f6d_79)
        var parameters = genesis.parameters
        parameters.economy = .simulated(using: &random)
        parameters.epochMilliseconds = random.pick([5_000, 20_000, 60_000])
        parameters.dueBound = Int(random.pick([256, 65_536]))
        let validators = members.map {
            Genesis.Opening(address: $0, balance: Amount(1_000_000_000_000))
        }
        guard
            let founded = try? Genesis(
                parameters: parameters, time: genesis.time, accounts: genesis.accounts + validators,
                validators: genesis.validators)
        else { preconditionFailure("the genesis of an economy is sound") }
        return founded
    }

    /// So many heights that seeds are drawn (SEED-1) and rounds end, and traffic in most of them.
    mutating func tradeBriskly() {
        if options.heights == nil { heights = 48 }
        arrival = 1_500_000
    }
}
