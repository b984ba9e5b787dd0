import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState

/// An endpoint's state, recomputed from its leaves.
struct AuditedState: Sendable {
    var totals: EndpointTotals
    /// By peer index.
    var streams: [StreamState]

    /// Rebuilds the tree from pages, compares it with a header, counts what is in it.
    /// - Parameter isDeep: hold all objects in memory and check what always holds between them.
    init(
        _ header: ShardHeader, _ parameters: NetworkParameters, pages: some PageReader,
        isDeep: Bool = false, _ findings: inout AuditFindings
    ) {
        let id = header.endpoint
        var totals = EndpointTotals(endpoint: id)
        totals.height = header.height
        var objects: [Hash32: StateObject] = [:]
        var all: [(key: ObjectKey, object: StateObject)] = []
        var faults: [AuditFinding] = []
        do throws(StateError) {
            let tree = try StateTree(loading: pages, kinds: Set(ObjectKind.allCases)) {
                key, object in
                totals.add(object)
                if isDeep { all.append((key, object)) }
                if object.kind == .stream { objects[key.path] = object }
                if let error = Self.fault(object) {
                    faults.append(.object(id, object.kind, error))
                }
            }
            if tree.sum != header.stateSum {
                faults.append(.leafSum(id, stored: header.stateSum, computed: tree.sum))
            }
            if tree.root != header.stateRoot {
                faults.append(.stateRoot(id, stored: header.stateRoot, computed: tree.root))
            }
        } catch { faults.append(.state(id, error)) }
        if isDeep, let violation = Self.violation(header, parameters, all) {
            faults.append(.invariant(id, violation))
        }
        streams = parameters.layout.endpoints.map { peer in
            do throws(RLPError) {
                return try StreamState(objects[StreamState.key(peer: peer).path])
            } catch {
                faults.append(.object(id, .stream, error))
                return StreamState()
            }
        }
        self.totals = totals
        for fault in faults { findings.add(fault) }
    }

    /// The first invariant between objects that does not hold.
    private static func violation(
        _ header: ShardHeader, _ parameters: NetworkParameters,
        _ objects: [(key: ObjectKey, object: StateObject)]
    ) -> InvariantViolation? {
        let context = BlockContext(
            chain: header.chain, parameters: parameters, endpoint: header.endpoint,
            height: header.height, time: header.time, baseFee: header.baseFee,
            beneficiary: header.beneficiary)
        do throws(InvariantViolation) {
            try StateAudit(context, objects, minted: header.minted).check()
            return nil
        } catch { return error }
    }

    /// Why an object does not decode; streams are decoded with their peers known.
    private static func fault(_ object: StateObject) -> RLPError? {
        do throws(RLPError) {
            switch object.kind {
            case .account: _ = try Account(object)
            case .due: _ = try DueEntry(object)
            // The families' invariants decode their own.
            case .vault, .escrow, .stream, .treasury, .meta, .node, .round, .order, .bid, .offer,
                .owed, .epoch, .pool, .validator:
                break
            }
            return nil
        } catch { return error }
    }
}

/// The pages of a checkpoint with changes over it that are not written: the state after a replay.
struct OverlayPages<Base: PageReader>: PageReader {
    private let base: Base
    /// By storage key, ascending; `nil` is deleted.
    private var buckets: [(key: [UInt8], bytes: [UInt8]?)] = []
    private var payloads: [Hash32: [UInt8]?] = [:]

    init(_ base: Base, _ changes: [PageChange]) {
        self.base = base
        for change in changes {
            switch change {
            case .putBucket(let prefix, let bytes): buckets.append((prefix.storageKey, bytes))
            case .deleteBucket(let prefix): buckets.append((prefix.storageKey, nil))
            case .putPayload(let path, let bytes): payloads[path] = .some(bytes)
            case .deletePayload(let path): payloads[path] = .some(nil)
            }
        }
        buckets.sort { $0.key.lexicographicallyPrecedes($1.key) }
    }

    func withBucket<R>(
        _ prefix: BucketPrefix, _ body: (UnsafeRawBufferPointer) throws(StateError) -> R
    ) throws(StateError) -> R? {
        preconditionFailure("an overlay is loaded whole, never searched")
    }

    func payload(_ path: Hash32) throws(StateError) -> [UInt8]? {
        if let changed = payloads[path] { return changed }
        return try base.payload(path)
    }

    /// Merges both in the order of keys.
    func forEachBucket(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StateError) -> Void
    ) throws(StateError) {
        var next = 0
        func visit(_ change: (key: [UInt8], bytes: [UInt8]?)) throws(StateError) {
            guard let bytes = change.bytes else { return }
            try Self.borrow(change.key) { (key) throws(StateError) in
                try Self.borrow(bytes) { (bytes) throws(StateError) in try body(key, bytes) }
            }
        }
        try base.forEachBucket { (key, bytes) throws(StateError) in
            while next < buckets.count, buckets[next].key.lexicographicallyPrecedes(key) {
                try visit(buckets[next])
                next += 1
            }
            if next < buckets.count, buckets[next].key.elementsEqual(key) {
                try visit(buckets[next])
                next += 1
            } else {
                try body(key, bytes)
            }
        }
        while next < buckets.count {
            try visit(buckets[next])
            next += 1
        }
    }

    private static func borrow(
        _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(StateError) -> Void
    ) throws(StateError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(StateError) in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }
}
