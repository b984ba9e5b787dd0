package import TallyExecution
package import TallyPrimitives
package import TallyState

/// Reads receipts that an endpoint's checkpoint holds.
package protocol OutboxReader {
    /// The stored receipts of a stream with indexes in `range`, in order; fewer if some are missing.
    func receipts(
        from source: EndpointID, to destination: EndpointID, _ range: Range<UInt64>
    ) -> [Receipt]
}

/// Brings checkpoints of different heights to the end of the beacon log (STORE-16).
///
/// The beacon's checkpoint is the oldest: it is written after those of all shards. Blocks of an
/// endpoint that is ahead are not executed again; what they sent is read from its checkpoint.
package struct LedgerReplay<Pages: PageReader, Outboxes: OutboxReader> {
    package private(set) var beacon: BeaconCore
    /// By index: the shards, then the beacon's own endpoint.
    package private(set) var endpoints: [ShardCore]
    /// Blocks executed so far, which no checkpoint holds, by height.
    package private(set) var blocks: [(header: BeaconHeader, records: [BlockRecord])] = []
    private let pages: [Pages]
    private let outboxes: Outboxes
    /// Receipts sent by executed blocks, by source and destination index.
    private var sent: [[[Receipt]]]

    /// - Parameter pages: of each endpoint's checkpoint, by index.
    package init(
        beacon: BeaconCore, endpoints: [ShardCore], pages: [Pages], outboxes: Outboxes
    ) throws(RestoreError) {
        precondition(pages.count == endpoints.count, "each endpoint has its pages")
        self.beacon = beacon
        self.endpoints = endpoints
        self.pages = pages
        self.outboxes = outboxes
        sent = Array(
            repeating: Array(repeating: [], count: endpoints.count), count: endpoints.count)
        let height = beacon.head.height
        // All of them first: a checkpoint that is too old also lacks receipts that others need.
        for core in endpoints where core.appliedHeight < height {
            throw .checkpointOrder(core.endpoint, shard: core.appliedHeight, beacon: height)
        }
        for index in endpoints.indices where endpoints[index].appliedHeight == height {
            try restoreInbound(index)
        }
    }

    /// Applies the next logged block; one that the beacon's checkpoint holds already is passed over.
    package mutating func apply(_ block: BeaconBlock) throws(RestoreError) {
        let height = block.header.height
        guard height > beacon.head.height else { return }
        guard height == beacon.head.height.next else {
            throw .heightGap(expected: beacon.head.height.next, actual: height)
        }
        let headers = block.anchors.map(\.header)
        if let rejection = beacon.check(block.header, headers, mandatory: []) {
            throw .anchor(height, rejection)
        }
        let candidates = try execute(block)
        beacon.commit(block.header, headers)
        let records = candidates.compactMap { $0?.record }
        for record in records {
            for receipt in record.sent {
                let place = receipt.reference
                sent[Int(place.source.index)][Int(place.destination.index)].append(receipt)
            }
        }
        for index in endpoints.indices {
            if endpoints[index].appliedHeight < height {
                try advance(index, to: height, candidates[index], headers)
            } else if endpoints[index].appliedHeight == height {
                try restoreInbound(index)
            }
        }
        blocks.append((block.header, records))
    }

    /// - Throws: `.checkpointOrder` when the log ended before a shard's checkpoint.
    package func finish() throws(RestoreError) {
        for core in endpoints where core.appliedHeight != beacon.head.height {
            throw .checkpointOrder(
                core.endpoint, shard: core.appliedHeight, beacon: beacon.head.height)
        }
    }

    private func execute(_ block: BeaconBlock) throws(RestoreError) -> [Candidate?] {
        let view = beacon.view
        var candidates: [Candidate?] = Array(repeating: nil, count: endpoints.count)
        for anchor in block.anchors {
            let index = Int(anchor.header.endpoint.index)
            guard endpoints[index].appliedHeight < view.height else { continue }
            let result: Result<Candidate, BlockRejection>
            do throws(ExecutionError) {
                result = try endpoints[index].check(anchor, view, pages: pages[index])
            } catch { throw .execution(view.height, anchor.header.endpoint, error) }
            switch result {
            case .success(let candidate): candidates[index] = candidate
            case .failure(let rejection):
                throw .block(view.height, anchor.header.endpoint, rejection)
            }
        }
        return candidates
    }

    private mutating func advance(
        _ index: Int, to height: Height, _ candidate: Candidate?, _ headers: [ShardHeader]
    ) throws(RestoreError) {
        let id = endpoints[index].endpoint
        var deliveries: [Delivery] = []
        for header in headers {
            guard let item = header.out.first(where: { $0.peer == id }) else { continue }
            let source = Int(header.endpoint.index)
            let range = endpoints[index].inbound[source].range.count..<item.entry.end
            deliveries.append(
                Delivery(
                    source: header.endpoint, entry: item.entry,
                    receipts: receipts(from: source, to: index, range)))
        }
        do throws(ExecutionError) {
            try endpoints[index].advance(to: height, candidate, deliveries)
        } catch { throw .execution(height, id, error) }
    }

    /// Puts back what was anchored and not consumed at the height of an endpoint's checkpoint.
    private mutating func restoreInbound(_ index: Int) throws(RestoreError) {
        let id = endpoints[index].endpoint
        for source in endpoints.indices where source != index {
            let entry = beacon.heads[source].out[index]
            let consumed = endpoints[index].streams[source].consumed
            guard entry.end >= consumed.count else {
                throw .receiptsMissing(
                    source: endpoints[source].endpoint, destination: id,
                    entry.end..<consumed.count)
            }
            let range = consumed.count..<entry.end
            var queue = InboundQueue(consumed: consumed)
            guard
                queue.deliver(
                    Delivery(
                        source: endpoints[source].endpoint, entry: entry,
                        receipts: receipts(from: source, to: index, range)))
            else {
                throw .receiptsMissing(
                    source: endpoints[source].endpoint, destination: id, range)
            }
            endpoints[index].restoreInbound(queue, from: endpoints[source].endpoint)
        }
    }

    /// Receipts of a stream: from the source's checkpoint, then from what was executed since.
    private func receipts(from source: Int, to index: Int, _ range: Range<UInt64>) -> [Receipt] {
        guard !range.isEmpty else { return [] }
        let executed = sent[source][index]
        let first = executed.first?.reference.index ?? .max
        var receipts: [Receipt] = []
        if range.lowerBound < first {
            receipts = outboxes.receipts(
                from: endpoints[source].endpoint, to: endpoints[index].endpoint,
                range.lowerBound..<min(range.upperBound, first))
        }
        let start = max(range.lowerBound, first)
        let end = min(range.upperBound, first == .max ? 0 : first + UInt64(executed.count))
        if start < end { receipts += executed[Int(start - first)..<Int(end - first)] }
        return receipts
    }
}
