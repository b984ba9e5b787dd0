package import TallyExecution
package import TallyPrimitives

/// A round of a node.
package struct RoundName: Hashable, Sendable {
    package let node: Address
    package let number: UInt64

    package init(node: Address, number: UInt64) {
        self.node = node
        self.number = number
    }
}

/// What a validator sees of the ledger, as of one beacon block, and what it saw itself.
package struct ValidatorView: Sendable {
    package var height: Height
    package var time: BeaconTime
    package var layout: ShardLayout
    package var economy: EconomyParameters
    /// Rounds in which it may have been drawn.
    package var rounds: [ProofRound]
    /// Milliseconds between opening and commitment as the validator's own clock had them.
    package var observed: [RoundName: UInt64]
    /// Orders whose results arbiters vote on.
    package var orders: [JobOrder]
    package var stake: RoleStake?

    package init(
        height: Height, time: BeaconTime, layout: ShardLayout, economy: EconomyParameters,
        rounds: [ProofRound] = [], observed: [RoundName: UInt64] = [:], orders: [JobOrder] = [],
        stake: RoleStake? = nil
    ) {
        self.height = height
        self.time = time
        self.layout = layout
        self.economy = economy
        self.rounds = rounds
        self.observed = observed
        self.orders = orders
        self.stake = stake
    }
}
