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
package struct LedgerReplay<Pages: PageReader & Sendable, Outboxes: OutboxReader> {
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
    /// - Parameter work: how its shard blocks are executed, which know nothing of each other.
    package mutating func apply(
        _ block: BeaconBlock, _ work: some WorkMap = InOrder()
    ) throws(RestoreError) {
        let height = block.header.height
        guard height > beacon.head.height else { return }
        guard height == beacon.head.height.next else {
            throw .heightGap(expected: beacon.head.height.next, actual: height)
        }
        let headers = block.anchors.map(\.header)
        if let rejection = try check(block.header, headers) { throw .anchor(height, rejection) }
        let candidates = try execute(block, work)
        beacon.commit(block.header, headers)
        let records = candidates.compactMap { $0?.record }
        for record in records {
            for receipt in record.sent {
                let place = receipt.reference
                sent[Int(place.source.index)][Int(place.destination.index)].append(receipt)
            }
        }
        let ahead = endpoints.indices.filter { endpoints[$0].appliedHeight == height }
        try advance(to: height, candidates, headers, work)
        for index in ahead { try restoreInbound(index) }
        blocks.append((block.header, records))
    }

    private func check(
        _ header: BeaconHeader, _ headers: [ShardHeader]
    ) throws(RestoreError) -> AnchorRejection? {
        if let rejection = beacon.checkAnchors(header, headers, mandatory: [])
            ?? beacon.checkRandomness(header)
        {
            return rejection
        }
        // A checkpoint that is ahead no longer knows whom its past elected: a quorum sealed that.
        guard let own = endpoints.last, own.appliedHeight == beacon.head.height,
            let pages = pages.last
        else { return nil }
        do throws(ExecutionError) {
            return beacon.checkElection(header, try own.elected(pages: pages))
        } catch { throw .execution(header.height, own.endpoint, error) }
    }

    /// - Throws: `.checkpointOrder` when the log ended before a shard's checkpoint.
    package func finish() throws(RestoreError) {
        for core in endpoints where core.appliedHeight != beacon.head.height {
            throw .checkpointOrder(
                core.endpoint, shard: core.appliedHeight, beacon: beacon.head.height)
        }
    }

    private func execute(
        _ block: BeaconBlock, _ work: some WorkMap
    ) throws(RestoreError) -> [Candidate?] {
        let view = beacon.view
        let anchors = block.anchors.filter {
            endpoints[Int($0.header.endpoint.index)].appliedHeight < view.height
        }
        let (cores, pages) = (endpoints, pages)
        let results = work.map(anchors.count) { position in
            let anchor = anchors[position]
            let index = Int(anchor.header.endpoint.index)
            return Result { () throws(ExecutionError) in
                try cores[index].check(anchor, view, pages: pages[index])
            }
        }
        var candidates: [Candidate?] = Array(repeating: nil, count: endpoints.count)
        for (anchor, result) in zip(anchors, results) {
            let id = anchor.header.endpoint
            switch result {
            case .success(.success(let candidate)): candidates[Int(id.index)] = candidate
            case .success(.failure(let rejection)): throw .block(view.height, id, rejection)
            case .failure(let error): throw .execution(view.height, id, error)
            }
        }
        return candidates
    }

    /// Moves every endpoint that is not ahead to a height. What is freed by that, most of an old tree,
    /// takes as long as what is done.
    private mutating func advance(
        to height: Height, _ candidates: [Candidate?], _ headers: [ShardHeader],
        _ work: some WorkMap
    ) throws(RestoreError) {
        let behind = endpoints.indices.filter { endpoints[$0].appliedHeight < height }
        let arrived = behind.map { deliveries($0, headers) }
        let failures = endpoints.withUnsafeMutableBufferPointer { buffer in
            // SAFETY: a piece of work changes the endpoint of its own index only, and all are done
            // before the buffer is given back.
            nonisolated(unsafe) let cores = buffer
            return work.map(behind.count) { position -> ExecutionError? in
                let index = behind[position]
                do throws(ExecutionError) {
                    try cores[index].advance(to: height, candidates[index], arrived[position])
                    return nil
                } catch { return error }
            }
        }
        for (index, failure) in zip(behind, failures) {
            if let failure { throw .execution(height, endpoints[index].endpoint, failure) }
        }
    }

    /// What a height's headers anchored for an endpoint.
    private func deliveries(_ index: Int, _ headers: [ShardHeader]) -> [Delivery] {
        let id = endpoints[index].endpoint
        return headers.compactMap { header in
            guard let item = header.out.first(where: { $0.peer == id }) else { return nil }
            let source = Int(header.endpoint.index)
            let range = endpoints[index].inbound[source].range.count..<item.entry.end
            return Delivery(
                source: header.endpoint, entry: item.entry,
                receipts: receipts(from: source, to: index, range))
        }
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
