package import TallyConsensus
package import TallyPrimitives

/// Proofs of the last decisions: who is a little behind is helped from memory (IBFT-R11).
package struct RecentFinals: Sendable {
    /// Bounds the memory that they take.
    static let maximumCount = 64
    static let maximumBytes = 64 << 20

    private var list: [Final] = []
    private var bytes = 0

    package init() {}

    package subscript(height: Height) -> Final? { list.last { $0.height == height } }
    package subscript(digest: Hash32) -> Final? {
        list.last { $0.certificate.digest == digest }
    }

    package mutating func append(_ final: Final) {
        list.append(final)
        bytes += final.block.body.count
        while list.count > Self.maximumCount || (list.count > 1 && bytes > Self.maximumBytes) {
            bytes -= list.removeFirst().block.body.count
        }
    }
}
