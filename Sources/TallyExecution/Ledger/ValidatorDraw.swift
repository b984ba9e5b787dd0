import TallyCrypto
package import TallyPrimitives

/// Which validators a task falls to (SEED-6): all sets are equally likely, and anybody who knows the
/// seed can say which it is.
package enum ValidatorDraw {
    /// Draws without replacement.
    /// - Parameters:
    ///   - count: how many; all where there are no more.
    ///   - validators: distinct, ascending.
    ///   - seed: randomness that was not known when the subject was bound (SEED-5).
    ///   - subject: what the task is about, so that no two draws of a seed are the same.
    /// - Returns: ascending.
    package static func draw(
        _ count: Int, of validators: [Address], seed: Hash32, subject: Hash32
    ) -> [Address] {
        guard count < validators.count else { return validators }
        var stream = DrawStream(.draw, seed, subject)
        return stream.draw(max(count, 0), of: UInt64(validators.count)).map {
            validators[Int($0)]
        }
    }
}
