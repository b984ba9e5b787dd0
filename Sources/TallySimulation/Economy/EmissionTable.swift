package import TallyExecution
package import TallyPrimitives

/// What an economy paid its nodes, epoch by epoch (SIM-46).
package struct EmissionTable: Hashable, Sendable {
    package struct Node: Hashable, Sendable {
        package let owner: Address
        package let shard: ShardID
        package let power: ComputePower
        /// The term of its stake; `nil` for none.
        package let termDays: UInt32?
        package let weight: RewardWeight
    }

    package struct Row: Hashable, Sendable {
        /// From 0 at the opening.
        package let epoch: UInt64
        /// For nodes, in this epoch.
        package let minted: Amount
        /// What nodes were paid for it, in their order.
        package let rewards: [Amount]
        /// What was minted and no node was paid: rounding.
        package let treasury: Amount
        /// Minted for nodes up to the end of this epoch.
        package let total: Amount
        /// What epochs up to this one would have minted, had there been weight (EPOCH-3).
        package let unminted: Amount
    }

    package let decimals: UInt8
    package let nodes: [Node]
    package var rows: [Row] = []

    /// What the schedule gave to some epochs in a row, minted or not.
    /// - Parameter epochs: within the rows.
    package func scheduled(_ epochs: Range<Int>) -> Amount {
        func all(_ count: Int) -> UInt128 {
            count == 0 ? 0 : rows[count - 1].total.units + rows[count - 1].unminted.units
        }
        return Amount(all(epochs.upperBound) - all(epochs.lowerBound))
    }
}
