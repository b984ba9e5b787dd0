import TallyCrypto
import TallyPrimitives

/// What of an answer is to be opened (TASK-4): distinct indices, ascending. Empty where an answer
/// is shown as a whole.
package struct ProofDraw: Hashable, Sendable {
    package let indices: [UInt64]

    /// All subsets of `count` of the numbers below `population` are equally likely.
    /// Source: R. Floyd in J. Bentley, "Programming pearls: a sample of brilliance", CACM 1987.
    init(count: Int, of population: UInt64, seed: Hash32, challenge: Hash32, root: Hash32) {
        precondition(UInt64(count) <= population, "a draw of more than there is")
        var stream = DrawStream(seed: seed, challenge: challenge, root: root)
        var chosen: [UInt64] = []
        for last in (population - UInt64(count))..<population {
            let number = stream.next(upTo: last)
            chosen.append(chosen.contains(number) ? last : number)
        }
        indices = chosen.sorted()
    }

    static let whole = ProofDraw()
    private init() { indices = [] }
}

/// Words of SHA-256 in counter mode, four of a hash.
struct DrawStream {
    private let seed: Hash32
    private let challenge: Hash32
    private let root: Hash32
    private var counter: UInt64 = 0
    private var words: [UInt64] = []

    init(seed: Hash32, challenge: Hash32, root: Hash32) {
        self.seed = seed
        self.challenge = challenge
        self.root = root
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
            let block = SHA256.hash(.taskDraw) {
                $0.update(seed)
                $0.update(challenge)
                $0.update(root)
                $0.update(counter)
            }.words
            counter += 1
            words = [block.3, block.2, block.1, block.0]
        }
        return words.removeLast()
    }
}
