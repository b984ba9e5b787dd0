import TallyPrimitives

/// Messages of heights a little ahead, as bytes: their signatures can be checked once Set(h) is known
/// (NET-29).
struct MessagesAhead: Sendable {
    /// How far above the last height whose set is known.
    static let heights: UInt64 = 8
    /// The most that is kept of a peer.
    static let frames = 64
    static let bytes = 1 << 20

    struct Kept: Hashable, Sendable {
        let wire: [UInt8]
        let height: Height
        let peer: Address
    }

    /// In the order in which they came.
    private var kept: [Kept] = []

    /// - Parameter known: the last height whose set is known.
    /// - Returns: whether it is kept.
    mutating func keep(
        _ wire: [UInt8], of height: Height, from peer: Address, known: Height
    ) -> Bool {
        guard height > known, height.value - known.value <= Self.heights else { return false }
        let share = kept.lazy.filter { $0.peer == peer }
        guard share.count < Self.frames,
            share.reduce(wire.count, { $0 + $1.wire.count }) <= Self.bytes
        else { return false }
        kept.append(Kept(wire: wire, height: height, peer: peer))
        return true
    }

    /// Those whose turn it is, in the order in which they came.
    mutating func take(through known: Height) -> [Kept] {
        guard kept.contains(where: { $0.height <= known }) else { return [] }
        let due = kept.filter { $0.height <= known }
        kept.removeAll { $0.height <= known }
        return due
    }

    mutating func forget(_ peer: Address) { kept.removeAll { $0.peer == peer } }
}
