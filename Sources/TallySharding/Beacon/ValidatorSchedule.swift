package import TallyConsensus
package import TallyPrimitives

/// Set(h) by height (IBFT-R13): who votes at a height is fixed by the block two heights below.
///
/// Until there are stakes these are the validators of the genesis, with a power of 1 each and the
/// genesis hash as seed. A simulation may script changes.
package struct ValidatorSchedule: Hashable, Sendable {
    /// From which height on a set votes, ascending.
    package struct Change: Hashable, Sendable {
        package let from: Height
        package let set: ValidatorSet

        package init(from: Height, _ set: ValidatorSet) {
            self.from = from
            self.set = set
        }
    }

    private let changes: [Change]

    /// - Parameter changes: from height 3 on, each height once: the genesis fixes those before.
    package init(_ genesis: Genesis, changes: [Change] = []) {
        precondition(changes.allSatisfy { $0.from.value > 2 }, "the genesis fixes two sets")
        let first: ValidatorSet
        do throws(ValidatorSetError) {
            first = try ValidatorSet(
                genesis.validators.map { Validator(address: $0, power: 1) }, seed: genesis.hash)
        } catch { preconditionFailure("a genesis has 1 to 512 validators, each once: \(error)") }
        self.changes =
            [Change(from: .genesis, first)] + changes.sorted { $0.from < $1.from }
    }

    /// Who votes at a height.
    package subscript(height: Height) -> ValidatorSet {
        let index = changes.lastIndex { $0.from <= height }
        return changes[index ?? 0].set
    }

    /// What an agreement that begins above `head` is given.
    package func sets(around head: Height) -> ValidatorSets {
        let oldest = head.value - min(head.value, ValidatorSets.recentHeights)
        var sets: [Height: ValidatorSet] = [:]
        for height in oldest...(head.value + 2) { sets[Height(height)] = self[Height(height)] }
        return ValidatorSets(sets)
    }
}
