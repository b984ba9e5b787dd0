import TallyCrypto
import TallyPrimitives

/// What of an answer is to be opened (TASK-4): distinct indices, ascending. Empty where an answer
/// is shown as a whole.
package struct ProofDraw: Hashable, Sendable {
    package let indices: [UInt64]

    /// What a seed draws of an answer, which its root names.
    init(count: Int, of population: UInt64, seed: Hash32, challenge: Hash32, root: Hash32) {
        var stream = DrawStream(.taskDraw, seed, challenge, root)
        indices = stream.draw(count, of: population)
    }

    static let whole = ProofDraw()
    private init() { indices = [] }
}
