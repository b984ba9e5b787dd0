package import TallyPrimitives

/// Runs `body` with a generator of its own for each of `count` seeds, derived from `base`.
///
/// A failure names its seed, so that `base: thatSeed, count: 1` repeats it.
package func forEachSeed(
    base: UInt64, count: Int, _ body: (UInt64, inout SeededGenerator) throws -> Void
) rethrows {
    for i in 0..<UInt64(count) {
        let seed = base &+ i
        var generator = SeededGenerator(seed: seed)
        do {
            try body(seed, &generator)
        } catch {
            print("failed with seed \(seed)")
            throw error
        }
    }
}
