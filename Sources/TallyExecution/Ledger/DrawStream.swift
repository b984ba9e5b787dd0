import TallyCrypto
import TallyPrimitives

/// Words of SHA-256 in counter mode, four of a hash, and what is drawn with them (TASK-4, SEED-6).
struct DrawStream {
    private let domain: HashDomain
    private let prefix: [Hash32]
    private var counter: UInt64 = 0
    private var words: [UInt64] = []

    /// - Parameter prefix: what the stream follows from: a seed, and what is drawn.
    init(_ domain: HashDomain, _ prefix: Hash32...) {
        self.domain = domain
        self.prefix = prefix
    }

    /// All subsets of `count` of the numbers below `population` are equally likely.
    /// Source: R. Floyd in J. Bentley, "Programming pearls: a sample of brilliance", CACM 1987.
    /// - Returns: ascending.
    mutating func draw(_ count: Int, of population: UInt64) -> [UInt64] {
        precondition(UInt64(count) <= population, "a draw of more than there is")
        var chosen: Set<UInt64> = []
        for last in (population - UInt64(count))..<population {
            // `last` is above all that was chosen before.
            if !chosen.insert(next(upTo: last)).inserted { chosen.insert(last) }
        }
        return chosen.sorted()
    }

    /// A number of `0 ... last`, each as likely.
    mutating func next(upTo last: UInt64) -> UInt64 {
        while true {
            if let number = Self.reduce(nextWord(), upTo: last) { return number }
        }
    }

    /// The word's remainder; `nil` for the words from the last multiple of `last + 1` on, which
    /// would favour small numbers: fewer than one of 2^45 for any task's answer.
    static func reduce(_ word: UInt64, upTo last: UInt64) -> UInt64? {
        guard last < .max else { return word }
        let count = last + 1
        // 2^64 mod count, without 2^64.
        let surplus = (UInt64.max % count + 1) % count
        return word <= UInt64.max - surplus ? word % count : nil
    }

    private mutating func nextWord() -> UInt64 {
        if words.isEmpty {
            let block = SHA256.hash(domain) { hasher in
                for hash in prefix { hasher.update(hash) }
                hasher.update(counter)
            }.words
            counter += 1
            words = [block.3, block.2, block.1, block.0]
        }
        return words.removeLast()
    }
}
