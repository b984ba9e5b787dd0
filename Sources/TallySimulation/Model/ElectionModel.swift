import TallyConsensus
package import TallyPrimitives
package import TallySharding

/// Who votes, as headers carry it and the events of stakes elect it: Set(h) is whom the blocks below
/// h − 2 elected (SIM-47, IBFT-R13, STAKE-13).
package struct ElectionModel: Sendable {
    private let genesis: [Address]
    private var elected: [Address] = []
    /// By the newest header that carried a set.
    private var announced: [Address]

    package init(_ genesis: Genesis) {
        self.genesis = genesis.validators
        announced = genesis.validators
    }

    /// Takes the next decided header.
    /// - Parameter elected: as the events up to and of its block say; nobody is the genesis.
    package mutating func check(
        _ header: BeaconHeader, elected: [Address]
    ) throws(ModelViolation) {
        let expected = self.elected.isEmpty ? genesis : self.elected
        self.elected = elected
        if let set = header.newValidators {
            guard set.validators.allSatisfy({ $0.power == 1 }) else { throw .election("power") }
            announced = set.addresses
        }
        guard announced == expected else { throw .election("members") }
    }
}
