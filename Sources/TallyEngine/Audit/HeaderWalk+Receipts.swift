import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyStore

/// Receipts as the headers account for them.
extension HeaderWalk {
    /// More than the largest block can consume: a forged header must not make the audit run for ever.
    private static var mostConsumed: UInt64 { 1 << 22 }

    /// Moves the cursors of a block's header; each receipt passed has a row that says when.
    mutating func consume(_ block: Block, at height: Height) throws(AuditError) {
        let own = block.header.endpoint
        var passed: [ReceiptReference] = []
        for item in block.header.in {
            let peer = Int(item.peer.index)
            guard peer < streams.count, item.peer != own else { continue }
            let stream = streams[peer][Int(own.index)]
            // What a header must not say, `BeaconCore` has refused already.
            let cursor = item.entry.cursor
            guard cursor > stream.cursor, cursor <= stream.end,
                cursor - stream.cursor <= Self.mostConsumed
            else { continue }
            counts.receiptsConsumed +=
                streams[peer][Int(own.index)].consume(item.entry, at: height, &findings)
            for index in stream.cursor..<cursor {
                passed.append(
                    ReceiptReference(source: item.peer, destination: own, index: index))
            }
            if block.record == nil {
                try auditLegs(from: item.peer, to: own, stream.cursor..<cursor, height)
            }
        }
        let told = (block.systemResult?.events ?? []).compactMap(\.consumedReceipt)
        if told.sorted() != passed { findings.add(.consumptionEvents(height, own)) }
        if block.record == nil { try auditDueRows(block, at: height) }
    }

    private mutating func auditLegs(
        from source: EndpointID, to own: EndpointID, _ range: Range<UInt64>, _ height: Height
    ) throws(AuditError) {
        let view = self.source.views[Int(own.index)]
        var next = range.lowerBound
        var faults: [AuditFinding] = []
        var found = 0
        func place(_ index: UInt64) -> ReceiptReference {
            ReceiptReference(source: source, destination: own, index: index)
        }
        try view.forEachRow(
            in: view.databases.legs, from: RowKey.stream(source, range.lowerBound).bytes,
            below: RowKey.stream(source, range.upperBound).bytes, AuditError.store
        ) { (row) throws(AuditError) in
            guard let (_, index) = RowKey.decodeStream(row.key), range.contains(index) else {
                return
            }
            while next < index {
                faults.append(.legMissing(place(next), consumedAt: height))
                next += 1
            }
            let stored = RowKey.decodeHeight(row.value)
            if stored != height {
                faults.append(.legHeight(place(index), stored: stored, consumedAt: height))
            }
            next = index + 1
            found += 1
        }
        for index in next..<range.upperBound {
            faults.append(.legMissing(place(index), consumedAt: height))
        }
        rows[Int(own.index)].legs += found
        for fault in faults { findings.add(fault) }
    }

    private mutating func auditDueRows(_ block: Block, at height: Height) throws(AuditError) {
        let id = block.header.endpoint
        let view = source.views[Int(id.index)]
        for entry in (block.systemResult?.events ?? []).compactMap(\.ranEntry) {
            let stored = try findings.read(id, RowKey.sequence(entry).bytes) {
                () throws(ReadError) in
                try view.ran(entry)
            }
            if stored != nil { rows[Int(id.index)].due += 1 }
            if stored != height { findings.add(.dueRow(height, id, entry: entry)) }
        }
    }

    /// Reads every receipt that a block sent, exactly one at each index.
    mutating func send(_ block: Block, at height: Height) throws(AuditError) {
        let own = Int(block.header.endpoint.index)
        for item in block.header.out {
            let peer = Int(item.peer.index)
            guard peer < streams.count, peer != own, item.entry.end > streams[own][peer].end else {
                continue
            }
            var stream = streams[own][peer]
            var batch = stream.batch(to: item.entry.end)
            if let record = block.record {
                for receipt in record.sent where receipt.reference.destination == item.peer {
                    stream.take(receipt, at: receipt.reference.index, &batch, &findings)
                    counts.receiptsSent += 1
                }
            } else {
                try takeRows(&stream, &batch, to: item.entry.end)
            }
            stream.finish(batch, item.entry, at: height, &findings)
            streams[own][peer] = stream
        }
    }

    private mutating func takeRows(
        _ stream: inout StreamAudit, _ batch: inout StreamAudit.Batch, to end: UInt64
    ) throws(AuditError) {
        let own = Int(stream.source.index)
        let view = source.views[own]
        let (from, to) = (stream.source, stream.destination)
        var found: [(index: UInt64, receipt: Receipt?)] = []
        try view.forEachRow(
            in: view.databases.outbox, from: RowKey.stream(to, stream.end).bytes,
            below: RowKey.stream(to, end).bytes, AuditError.store
        ) { (row) throws(AuditError) in
            guard let (_, index) = RowKey.decodeStream(row.key) else { return }
            found.append((index, Self.receipt(row)))
        }
        for (index, receipt) in found {
            let place = ReceiptReference(source: from, destination: to, index: index)
            try checkPlace(place, receipt)
            stream.take(receipt, at: index, &batch, &findings)
        }
        rows[own].outbox += found.count
        counts.receiptsSent += found.count
    }

    private static func receipt(_ row: StoredRow) -> Receipt? {
        do throws(RLPError) { return try Receipt(encoded: row.value) } catch { return nil }
    }

    /// RCPT-2: a receipt is named by its place. Elsewhere it is a second one, or a stray.
    private mutating func checkPlace(
        _ place: ReceiptReference, _ receipt: Receipt?
    ) throws(AuditError) {
        guard let receipt else {
            findings.add(.receiptCorrupt(place))
            return
        }
        let named = receipt.reference
        guard named != place else { return }
        var original: Receipt?
        if named.source == place.source {
            let view = source.views[Int(place.source.index)]
            original = try findings.read(
                place.source, RowKey.stream(named.destination, named.index).bytes
            ) { () throws(ReadError) in try view.receipt(to: named.destination, named.index) }
        }
        findings.add(
            original?.reference == named
                ? .receiptDoubled(named, at: place) : .receiptMisplaced(at: place, names: named))
    }

    /// What lies past the ends and cursors of the newest stored headers must not be there.
    mutating func auditBeyond(_ index: Int) throws(AuditError) {
        let own = EndpointID(UInt16(index))
        let view = source.views[index]
        // Past the last endpoint lies nothing either: hence one peer more than there are.
        for peer in 0...streams.count {
            let id = EndpointID(UInt16(peer))
            let end = peer < streams.count ? streams[index][peer].end : 0
            let cursor = peer < streams.count ? streams[peer][index].cursor : 0
            var below: [UInt8]?
            if peer < streams.count { below = RowKey.stream(EndpointID(UInt16(peer + 1)), 0).bytes }
            var sent: [(place: ReceiptReference, receipt: Receipt?)] = []
            try view.forEachRow(
                in: view.databases.outbox, from: RowKey.stream(id, end).bytes, below: below,
                AuditError.store
            ) { (row) throws(AuditError) in
                guard let (to, number) = RowKey.decodeStream(row.key) else { return }
                sent.append(
                    (
                        ReceiptReference(source: own, destination: to, index: number),
                        Self.receipt(row)
                    ))
            }
            for (place, receipt) in sent {
                findings.add(.receiptBeyondEnd(place, end: end))
                try checkPlace(place, receipt)
            }
            rows[index].outbox += sent.count
            var legs: [ReceiptReference] = []
            try view.forEachRow(
                in: view.databases.legs, from: RowKey.stream(id, cursor).bytes, below: below,
                AuditError.store
            ) { (row) throws(AuditError) in
                guard let (from, number) = RowKey.decodeStream(row.key) else { return }
                legs.append(ReceiptReference(source: from, destination: own, index: number))
            }
            for leg in legs { findings.add(.legBeyondCursor(leg, cursor: cursor)) }
            rows[index].legs += legs.count
        }
    }

    /// The endpoint's state and the receipts agree about every stream.
    mutating func compare(_ states: [StreamState], of index: Int) {
        let own = EndpointID(UInt16(index))
        for peer in states.indices where peer != index {
            let id = EndpointID(UInt16(peer))
            let (out, arrived) = (streams[index][peer], streams[peer][index])
            let state = states[peer]
            if state.sent.count != out.end || state.sentValue != out.sentValue
                || out.isWhole && state.sent != out.sent
            {
                findings.add(.streamState(own, peer: id, .sent))
            }
            if state.consumed.count != arrived.cursor
                || state.consumedValue != arrived.consumedValue
                || arrived.isWhole && state.consumed != arrived.consumed
            {
                findings.add(.streamState(own, peer: id, .consumed))
            }
        }
    }
}
