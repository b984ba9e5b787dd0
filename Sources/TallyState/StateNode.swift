import TallyCrypto
import TallyPrimitives

/// A subtree, by value: its commitment, and where its contents are.
///
/// A node lies inside its parent's `Fork`, so that hashing a fork reads one object and a bucket
/// in the page store costs no object at all: some 160 bytes a bucket for the whole tree.
struct StateNode: Sendable {
    enum Content: Sendable {
        /// A bucket without objects, or one that lies in the page store.
        case stored
        /// A bucket in memory.
        case page([UInt8])
        /// A bucket in memory with external payloads that the page store does not have.
        case dirty(DirtyPage)
        /// More than 24 objects.
        case fork(Fork)
    }

    let hash: Hash32
    let sum: Amount
    /// The count, and in the highest bit whether something below lies in memory only: known here,
    /// so that a new parent need not touch its children's objects.
    private let countAndResidence: UInt64
    let content: Content

    private static let resident: UInt64 = 1 << 63

    init(hash: Hash32, sum: Amount, count: UInt64, content: Content) {
        self.hash = hash
        self.sum = sum
        self.content = content
        let hasResident =
            switch content {
            case .stored: false
            case .page, .dirty: true
            case .fork(let fork): fork.left.hasResident || fork.right.hasResident
            }
        countAndResidence = hasResident ? count | Self.resident : count
    }

    /// Objects. At most 24 exactly when this is a bucket (STATE-5).
    var count: UInt64 { countAndResidence & ~Self.resident }
    var hasResident: Bool { countAndResidence & Self.resident != 0 }

    static let empty = StateNode(
        hash: SHA256.hash(.bucket, []), sum: .zero, count: 0, content: .stored)

    var isBucket: Bool { count <= UInt64(Record.bucketLimit) }

    /// External payloads put or deleted in this bucket since the last checkpoint.
    var payloadChanges: [PayloadChange] {
        if case .dirty(let page) = content { page.payloadChanges } else { [] }
    }

    /// The same subtree with its contents elsewhere.
    func with(_ content: Content) -> StateNode {
        StateNode(hash: hash, sum: sum, count: count, content: content)
    }

    /// A bucket of at most 24 records.
    static func bucket(
        _ bytes: UnsafeRawBufferPointer, count: Int, sum: Amount, payloadChanges: [PayloadChange]
    ) -> StateNode {
        if bytes.isEmpty, payloadChanges.isEmpty { return empty }
        let copy = Array(bytes)
        return StateNode(
            hash: Record.hash(bytes), sum: sum, count: UInt64(count),
            content: payloadChanges.isEmpty
                ? .page(copy) : .dirty(DirtyPage(copy, payloadChanges)))
    }

    /// The parent of two subtrees with more than 24 objects together.
    static func fork(_ left: StateNode, _ right: StateNode) throws(StateError) -> StateNode {
        guard let sum = left.sum.adding(right.sum) else { throw .sumOverflow }
        let hash = forkHash(left.hash, left.sum, right.hash, right.sum)
        return StateNode(
            hash: hash, sum: sum, count: left.count + right.count,
            content: .fork(Fork(left, right)))
    }

    /// STATE-6: `SHA256(inner tag ‖ left hash ‖ left sum ‖ right hash ‖ right sum)`.
    static func forkHash(
        _ leftHash: Hash32, _ leftSum: Amount, _ rightHash: Hash32, _ rightSum: Amount
    ) -> Hash32 {
        func words(_ sum: Amount) -> (UInt64, UInt64) {
            (
                UInt64(truncatingIfNeeded: sum.units >> 64).bigEndian,
                UInt64(truncatingIfNeeded: sum.units).bigEndian
            )
        }
        let left = leftHash.words
        let right = rightHash.words
        let image = (
            (left.0.bigEndian, left.1.bigEndian, left.2.bigEndian, left.3.bigEndian),
            words(leftSum),
            (right.0.bigEndian, right.1.bigEndian, right.2.bigEndian, right.3.bigEndian),
            words(rightSum)
        )
        return withUnsafeBytes(of: image) { bytes in SHA256.hash(.inner) { $0.update(bytes) } }
    }
}

/// Two subtrees that hold more than 24 objects together. Immutable and shared between trees.
final class Fork: Sendable {
    let left: StateNode
    let right: StateNode

    init(_ left: StateNode, _ right: StateNode) {
        self.left = left
        self.right = right
    }
}

/// A bucket in memory that differs from the last checkpoint in external payloads too.
final class DirtyPage: Sendable {
    let bytes: [UInt8]
    /// Ascending by path.
    let payloadChanges: [PayloadChange]

    init(_ bytes: [UInt8], _ payloadChanges: [PayloadChange]) {
        self.bytes = bytes
        self.payloadChanges = payloadChanges
    }
}

/// An external payload put (`bytes`) or deleted (`nil`) since the last checkpoint.
struct PayloadChange: Equatable, Sendable {
    let path: Hash32
    let bytes: [UInt8]?
}
