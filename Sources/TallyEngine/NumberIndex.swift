import TallyPrimitives

/// Finds the numbers of items whose keys are hashes already: addresses, hashes of transactions.
///
/// A dictionary hashes such a key once more, by SipHash, and moves keys about when it grows. Here one
/// multiplication mixes it with a seed of the process, so that nobody can grind keys that collide, and
/// a cell holds no key: 32 bits of the hash, and the number plus one; 0 is empty. Whether a number is
/// that of the key is asked of whoever holds the items.
///
/// Open addressing with linear probing, at most half full. The 32 bits say where a cell belongs, so
/// that neither growing nor removing looks at an item.
struct NumberIndex: Sendable {
    private var cells: [UInt64]
    private(set) var count = 0

    /// Seeded as the standard library's dictionaries are.
    private static let processSeed: (UInt64, UInt64) = (randomWord(0), randomWord(1))

    private static func randomWord(_ number: Int) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(number)
        return UInt64(truncatingIfNeeded: hasher.finalize())
    }

    private let seed = Self.processSeed

    /// - Parameter capacity: items that fit before the index grows.
    init(capacity: Int = 8) {
        let count = 1 << (Int.bitWidth - (2 * max(capacity, 8) - 1).leadingZeroBitCount)
        cells = Array(repeating: 0, count: count)
    }

    // MARK: Keys

    func hash(_ key: Hash32) -> UInt32 { mixed(key.words.0, key.words.1) }

    func hash(_ key: Address) -> UInt32 {
        let (a, b, c) = key.words
        return mixed(a, b ^ UInt64(c) &* 0x9e37_79b9_7f4a_7c15)
    }

    /// Both halves of a product of seeded words, as in wyhash (Wang Yi, "wyhash and wyrand", 2019).
    private func mixed(_ a: UInt64, _ b: UInt64) -> UInt32 {
        let (high, low) = (a ^ seed.0).multipliedFullWidth(by: b ^ seed.1)
        let word = high ^ low
        return UInt32(truncatingIfNeeded: word ^ word >> 32)
    }

    // MARK: Numbers

    /// The number with this hash that `isIt`; `nil` when there is none.
    func number(_ hash: UInt32, where isIt: (Int) -> Bool) -> Int? {
        guard count > 0 else { return nil }
        let mask = cells.count - 1
        var place = Int(hash) & mask
        while cells[place] != 0 {
            let number = Self.number(cells[place])
            if Self.hash(cells[place]) == hash, isIt(number) { return number }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Enters a number that is not entered.
    mutating func insert(_ number: Int, _ hash: UInt32) {
        precondition(number < UInt32.max, "an index of 2^32 numbers")
        count += 1
        if 2 * count > cells.count { grow() }
        enter(UInt64(hash) << 32 | UInt64(number + 1))
    }

    /// Removes a number that was entered with this hash.
    mutating func remove(_ number: Int, _ hash: UInt32) {
        let mask = cells.count - 1
        let cell = UInt64(hash) << 32 | UInt64(number + 1)
        var hole = Int(hash) & mask
        while cells[hole] != cell {
            precondition(cells[hole] != 0, "only what was entered is removed")
            hole = (hole + 1) & mask
        }
        count -= 1
        // What follows without a gap moves up, unless that is before the place where it belongs.
        var next = (hole + 1) & mask
        while cells[next] != 0 {
            let distance = (next - Int(Self.hash(cells[next]))) & mask
            if distance >= (next - hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        cells[hole] = 0
    }

    private static func hash(_ cell: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: cell >> 32) }
    private static func number(_ cell: UInt64) -> Int { Int(cell & 0xffff_ffff) - 1 }

    private mutating func enter(_ cell: UInt64) {
        let mask = cells.count - 1
        var place = Int(Self.hash(cell)) & mask
        while cells[place] != 0 { place = (place + 1) & mask }
        cells[place] = cell
    }

    private mutating func grow() {
        let old = cells
        cells = Array(repeating: 0, count: 2 * old.count)
        for cell in old where cell != 0 { enter(cell) }
    }
}
