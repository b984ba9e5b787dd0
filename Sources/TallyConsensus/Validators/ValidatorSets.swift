package import TallyPrimitives

/// The sets of the heights around the head, supplied by the owner: Set(h) is fixed by block
/// h − 2 (IBFT-R13).
package struct ValidatorSets: Hashable, Sendable {
    /// How many heights below the head are kept, for seals that come late.
    package static let recentHeights: UInt64 = 8

    private var table: [Height: ValidatorSet] = [:]

    /// - Parameter sets: those of the two heights above the head, and of recent ones where known.
    package init(_ sets: [Height: ValidatorSet]) { table = sets }

    /// `nil` where it is not fixed yet, or long past.
    package subscript(height: Height) -> ValidatorSet? { table[height] }

    mutating func insert(_ set: ValidatorSet, for height: Height) { table[height] = set }

    mutating func forget(below height: Height) {
        table = table.filter { $0.key >= height }
    }
}
