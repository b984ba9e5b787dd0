import TallyCrypto
package import TallyPrimitives

/// Which validators a task falls to (SEED-6): all sets are equally likely, and anybody who knows the
/// seed can say which it is.
package enum ValidatorDraw {
    /// Draws without replacement.
    /// Source: R. Floyd in J. Bentley, "Programming pearls: a sample of brilliance", CACM 1987.
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
        var stream = Stream(seed: seed, subject: subject)
        var chosen: Set<Int> = []
        for last in (validators.count - max(count, 0))..<validators.count {
            let number = stream.next(upTo: UInt64(last))
            // `last` is above all that was chosen before.
            if !chosen.insert(Int(number)).inserted { chosen.insert(last) }
        }
        return chosen.sorted().map { validators[$0] }
    }

    /// Words of SHA-256 in counter mode, four of a hash.
    private struct Stream {
        let seed: Hash32
        let subject: Hash32
        private var counter: UInt64 = 0
        private var words: [UInt64] = []

        init(seed: Hash32, subject: Hash32) {
            self.seed = seed
            self.subject = subject
        }

        /// A number of `0 ... last`, each as likely.
        mutating func next(upTo last: UInt64) -> UInt64 {
            while true {
                if words.isEmpty {
                    let block = SHA256.hash(.draw) {
                        $0.update(seed)
                        $0.update(subject)
                        $0.update(counter)
                    }.words
                    counter += 1
                    words = [block.3, block.2, block.1, block.0]
                }
                if let number = DrawStream.reduce(words.removeLast(), upTo: last) { return number }
            }
        }
    }
}
