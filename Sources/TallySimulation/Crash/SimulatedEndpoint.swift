import TallyExecution
import TallyPrimitives
package import TallySharding
package import TallyState
import TallyTransactions

/// An endpoint and what its node keeps about its store, as `EndpointStorage` does.
package struct SimulatedEndpoint: Sendable {
    package private(set) var core: ShardCore
    /// The checkpoint in which the tree's stored buckets lie.
    package private(set) var pages: MemoryPages
    /// The tree that the store holds.
    private var checkpointed: StateTree
    /// Blocks that no checkpoint holds.
    package private(set) var records: [BlockRecord]
    private var pending: Pending?

    private struct Pending: Sendable {
        let tree: StateTree
        let recordCount: Int
        var batch: SimulatedStore.Batch
    }

    init(
        core: ShardCore, pages: MemoryPages, checkpointed: StateTree, records: [BlockRecord]
    ) {
        self.core = core
        self.pages = pages
        self.checkpointed = checkpointed
        self.records = records
    }

    mutating func advance(
        to height: Height, _ candidate: Candidate?, _ deliveries: [Delivery]
    ) throws(ExecutionError) {
        try core.advance(to: height, candidate, deliveries)
        if let candidate { records.append(candidate.record) }
    }

    /// What the checkpoint under way writes.
    var batch: SimulatedStore.Batch {
        guard let pending else { preconditionFailure("no checkpoint was taken") }
        return pending.batch
    }

    mutating func takeCheckpoint() {
        precondition(pending == nil, "one checkpoint at a time")
        var batch = SimulatedStore.Batch()
        batch.pages = core.tree.pageChanges(since: checkpointed)
        let head = SimulatedHead(appliedHeight: core.appliedHeight, header: core.header)
        batch.rows.append((.head, head.encoded))
        for record in records {
            batch.rows.append((.block(record.header.height), SimulatedBlock(record).encoded))
            for receipt in record.sent {
                let place = receipt.reference
                batch.rows.append((.sent(place.destination, place.index), receipt.encoded))
            }
        }
        pending = Pending(tree: core.tree, recordCount: records.count, batch: batch)
    }

    mutating func addBeacon(books: [UInt8], _ headers: [BeaconHeader]) {
        pending?.batch.rows.append((.books, books))
        for header in headers {
            pending?.batch.rows.append((.beaconBlock(header.height), header.encoded))
        }
    }

    mutating func abandonCheckpoint() { pending = nil }

    mutating func finishCheckpoint(_ stored: MemoryPages) {
        guard let pending else { preconditionFailure("no checkpoint was taken") }
        self.pending = nil
        pages = stored
        core.flush(pending.tree)
        checkpointed = pending.tree.flushed(pending.tree)
        records.removeFirst(pending.recordCount)
    }
}
