package import TallyPrimitives

/// Numbers addresses in the order in which they first come: 0, 1, 2, …
///
/// Execution looks up several addresses a transaction, which a `Dictionary` makes several per cent of
/// its whole cost: SipHash on 20 bytes that are hash outputs already. Here one multiplication mixes
/// them with a seed of the process, so that nobody can grind addresses that collide; the seed decides
/// where a number is found, never the number.
///
/// Open addressing with linear probing, at most half full. A cell holds the number plus one and the
/// upper half of the hash, so that nearly every address compared is the right one; 0 is empty.
package struct AddressTable {
    private var cells: [UInt64]
    /// By number.
    private var addresses: [Address] = []

    /// Seeded as the standard library's dictionaries are.
    private static let processSeed: (UInt64, UInt64) = (randomWord(0), randomWord(1))

    private static func randomWord(_ number: Int) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(number)
        return UInt64(truncatingIfNeeded: hasher.finalize())
    }

    private let seed = Self.processSeed

    /// - Parameter capacity: addresses that fit before the table grows.
    package init(capacity: Int = 8) {
        cells = Array(repeating: 0, count: Self.cellCount(for: capacity))
        addresses.reserveCapacity(capacity)
    }

    private static func cellCount(for capacity: Int) -> Int {
        1 << (Int.bitWidth - (2 * max(capacity, 8) - 1).leadingZeroBitCount)
    }

    package var count: Int { addresses.count }

    package subscript(number: Int) -> Address { addresses[number] }

    /// The number of `address`; `nil` when it has none.
    package func number(of address: Address) -> Int? { search(address, hash(address)).number }

    /// The cell of `address`, with its number, or the empty one that it would get.
    private func search(_ address: Address, _ hash: UInt64) -> (place: Int, number: Int?) {
        let tag = hash >> 32
        var place = Int(truncatingIfNeeded: hash) & (cells.count - 1)
        while cells[place] != 0 {
            let number = Int(cells[place] & 0xffff_ffff) - 1
            if cells[place] >> 32 == tag, addresses[number] == address { return (place, number) }
            place = (place + 1) & (cells.count - 1)
        }
        return (place, nil)
    }

    /// The number of `address`, which gets one if it has none.
    package mutating func insert(_ address: Address) -> (number: Int, isNew: Bool) {
        if 2 * (addresses.count + 1) > cells.count { grow() }
        let hash = hash(address)
        let (place, number) = search(address, hash)
        if let number { return (number, false) }
        precondition(addresses.count < UInt32.max - 1, "an address table of 2^32 addresses")
        addresses.append(address)
        cells[place] = Self.cell(hash, addresses.count - 1)
        return (addresses.count - 1, true)
    }

    private mutating func grow() {
        cells = Array(repeating: 0, count: 2 * cells.count)
        for (number, address) in addresses.enumerated() {
            let hash = hash(address)
            var place = Int(truncatingIfNeeded: hash) & (cells.count - 1)
            while cells[place] != 0 { place = (place + 1) & (cells.count - 1) }
            cells[place] = Self.cell(hash, number)
        }
    }

    private static func cell(_ hash: UInt64, _ number: Int) -> UInt64 {
        (hash & 0xffff_ffff_0000_0000) | UInt64(number + 1)
    }

    /// Both halves of a product of seeded words, as in wyhash (Wang Yi, "wyhash and wyrand", 2019).
    private func hash(_ address: Address) -> UInt64 {
        let (a, b, c) = address.words
        let (high, low) = (a ^ seed.0).multipliedFullWidth(
            by: b ^ seed.1 ^ UInt64(c) &* 0x9e37_79b9_7f4a_7c15)
        return high ^ low
    }
}
