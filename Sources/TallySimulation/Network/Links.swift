import TallyPrimitives

/// Which node reaches which, and how slowly.
struct Links {
    private let count: Int
    /// How many faults cut a link, from · count + to.
    private var cuts: [Int]
    /// Added to the delay of a link while it is clogged, in microseconds.
    private var clogs: [UInt64]

    init(count: Int) {
        self.count = count
        cuts = Array(repeating: 0, count: count * count)
        clogs = Array(repeating: 0, count: count * count)
    }

    func connects(_ from: Int, _ to: Int) -> Bool { cuts[from * count + to] == 0 }
    func clog(_ from: Int, _ to: Int) -> UInt64 { clogs[from * count + to] }

    mutating func cut(_ from: Int, _ to: Int, by change: Int) { cuts[from * count + to] += change }

    mutating func clog(_ from: Int, _ to: Int, _ delay: UInt64) {
        clogs[from * count + to] = delay
    }

    mutating func heal() {
        cuts = Array(repeating: 0, count: count * count)
        clogs = Array(repeating: 0, count: count * count)
    }
}
