import Synchronization
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState

/// Nodes of the streams' ranges, computed from the receipts when a proof needs them.
///
/// Streams only grow, so a node over leaves that exist never changes. Kept are those over runs of
/// `runLength` leaves, in memory: 32 bytes for each 1,024 receipts. The nodes below are computed
/// again for every proof.
final class StreamNodes: Sendable {
    private let runs = Mutex<[StreamID: [Hash32]]>([:])

    /// Leaves of a run; a power of two.
    static let runLength: UInt64 = 1_024
    private static let runHeight = 10
    private let requestLimit: UInt64

    /// - Parameter requestLimit: receipts that one request reads to extend the kept nodes; the next
    ///   request goes on from there.
    init(requestLimit: UInt64) { self.requestLimit = requestLimit }

    /// Proof of the receipt at `index` of the first `count` of a stream.
    /// - Throws: `.indexing` when more must be read than one request may, `.receiptsPruned`, `.read`.
    /// - Complexity: reads some 3,000 receipts when the nodes of all runs are known.
    func proof(
        _ stream: StreamID, count: UInt64, index: UInt64, _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> MerkleRangeProof {
        let reader = StreamReader(stream, snapshot)
        let known = try extend(stream, through: count, reader)
        let proof = try MerkleRangeProof(count: count, index: index) {
            (order, height) throws(ProofRefusal) in
            if height < Self.runHeight {
                return try reader.node(from: order << UInt64(height), count: 1 << UInt64(height))
            }
            let width = 1 << (height - Self.runHeight)
            let first = Int(order) * width
            return MerkleRange.subtree(known[first..<(first + width)])
        }
        guard let proof else { throw .unknownReceipt(end: count) }
        return proof
    }

    /// The nodes of all whole runs of the first `count` receipts.
    private func extend(
        _ stream: StreamID, through count: UInt64, _ reader: StreamReader
    ) throws(ProofRefusal) -> [Hash32] {
        var known = runs.withLock { $0[stream] ?? [] }
        let wanted = Int(count / Self.runLength)
        let limit = known.count + Int(requestLimit / Self.runLength)
        let before = known.count
        while known.count < min(wanted, limit) {
            known.append(
                try reader.node(
                    from: UInt64(known.count) * Self.runLength, count: Self.runLength))
        }
        if known.count > before {
            runs.withLock { runs in
                if runs[stream, default: []].count < known.count { runs[stream] = known }
            }
        }
        guard known.count >= wanted else {
            throw .indexing(done: UInt64(known.count) * Self.runLength, of: count)
        }
        return known
    }
}

/// Everything that one endpoint sends to another.
struct StreamID: Hashable, Sendable {
    let source: EndpointID
    let destination: EndpointID
}

/// Leaves of one stream as of one snapshot.
private struct StreamReader {
    private let stream: StreamID
    private let endpoint: EndpointSnapshot
    /// Of the blocks that the store may not hold yet.
    private let recent: [UInt64: Receipt]

    init(_ stream: StreamID, _ snapshot: LedgerSnapshot) {
        self.stream = stream
        endpoint = snapshot.endpoints[Int(stream.source.index)]
        recent = endpoint.history.sent(to: stream.destination)
    }

    /// The node over `count` leaves, a power of two, from `start` on.
    func node(from start: UInt64, count: UInt64) throws(ProofRefusal) -> Hash32 {
        var range = MerkleRange.empty
        for index in start..<(start + count) { range.append(try receipt(index).leaf) }
        guard let node = range.peaks.first, range.peaks.count == 1 else {
            preconditionFailure("a run of \(count) leaves")
        }
        return node
    }

    func receipt(_ index: UInt64) throws(ProofRefusal) -> Receipt {
        if let known = recent[index] { return known }
        let stored: Receipt?
        do throws(ReadError) {
            stored = try endpoint.view.receipt(to: stream.destination, index)
        } catch { throw .read(error) }
        guard let stored else { throw .receiptsPruned(below: index + 1) }
        return stored
    }
}

extension LedgerSnapshot {
    /// A receipt that was anchored.
    func receipt(_ place: ReceiptReference) throws(ProofRefusal) -> Receipt {
        let end = sentEnd(place)
        guard place.index < end else { throw .unknownReceipt(end: end) }
        let stream = StreamID(source: place.source, destination: place.destination)
        return try StreamReader(stream, self).receipt(place.index)
    }
}

extension MerkleRange {
    /// The node over a power of two of subtrees of one size.
    fileprivate static func subtree(_ nodes: ArraySlice<Hash32>) -> Hash32 {
        var level = Array(nodes)
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map {
                innerHash(level[$0], level[$0 + 1])
            }
        }
        guard let top = level.first else { preconditionFailure("a subtree of no nodes") }
        return top
    }
}
