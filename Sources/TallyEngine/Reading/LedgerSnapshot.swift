import TallyCrypto
package import TallyExecution
package import TallyPrimitives
package import TallySharding
package import TallyState
import TallyTransactions

/// One endpoint as of a published height.
package struct EndpointSnapshot: Sendable {
    package let header: ShardHeader
    package let tree: StateTree
    /// The checkpoint that the tree's stored buckets lie in.
    package let view: StoreView
    package let history: History

    package init(header: ShardHeader, tree: StateTree, view: StoreView, history: History) {
        self.header = header
        self.tree = tree
        self.view = view
        self.history = history
    }
}

/// The whole ledger as of one height: what every reader reads, swapped whole (STORE-6). Whatever a
/// request answers comes from one of these.
package final class LedgerSnapshot: Sendable {
    package let genesis: Genesis
    /// The beacon block of height 0.
    package let genesisHeader: BeaconHeader
    package let chain: Hash32
    /// Of the newest beacon block.
    package let header: BeaconHeader
    package let hash: Hash32
    /// What the next blocks may know: heads of all endpoints.
    package let view: AnchoredView
    /// Sets of the heights around this one.
    package let schedule: ValidatorSchedule
    /// By index: the shards, then the beacon's own endpoint.
    package let endpoints: [EndpointSnapshot]
    package let beaconHistory: BeaconHistory

    package init(
        genesis: Genesis, genesisHeader: BeaconHeader, beacon: BeaconCore,
        endpoints: [EndpointSnapshot], beaconHistory: BeaconHistory
    ) {
        self.genesis = genesis
        self.genesisHeader = genesisHeader
        chain = beacon.chain
        header = beacon.head
        hash = beacon.headHash
        view = beacon.view
        schedule = beacon.schedule
        self.endpoints = endpoints
        self.beaconHistory = beaconHistory
    }

    package var height: Height { header.height }
    package var layout: ShardLayout { genesis.parameters.layout }
}

extension LedgerSnapshot {
    /// - Throws: `ReadError` for a damaged store.
    package func account(_ address: Address) throws(ReadError) -> Account {
        let endpoint = endpoints[Int(layout.home(of: address).value)]
        let object: StateObject?
        do throws(StateError) {
            object = try endpoint.tree.object(ObjectKey.account(address), endpoint.view)
        } catch { throw .state(error) }
        guard let object else { return .empty }
        do throws(RLPError) {
            return try Account(object)
        } catch { throw .corruptRow(database: "buckets") }
    }

    /// What waits in an owner's escrow (TX-7).
    package func escrow(of owner: Address) throws(ReadError) -> Amount {
        let endpoint = endpoints[Int(layout.home(of: owner).value)]
        do throws(StateError) {
            let object = try endpoint.tree.object(ObjectKey.escrow(owner), endpoint.view)
            return object?.value ?? .zero
        } catch { throw .state(error) }
    }

    /// The beacon block of a height; `nil` above this snapshot.
    package func beaconBlock(_ height: Height) throws(ReadError) -> BeaconRow? {
        guard height <= self.height else { return nil }
        if height == .genesis {
            return BeaconRow(header: genesisHeader, certificate: nil, anchors: [])
        }
        if let row = beaconHistory.row(height) { return row }
        try checkHistory(height)
        return try beaconEndpoint.view.beaconBlock(height)
    }

    /// The blocks that fixed another set than the one before, up to the one that fixed Set(height)
    /// (IBFT-R13), in order and without their anchors.
    /// - Complexity: O(elections of the ledger).
    package func elections(fixing height: Height) throws(ReadError) -> [BeaconRow] {
        guard genesis.parameters.economy != nil else { return [] }
        var rows = try beaconEndpoint.view.elections()
        let stored = rows.last?.header.height ?? .genesis
        rows += beaconHistory.rows(after: stored, through: self.height)
            .filter { $0.header.newValidators != nil }.map(\.election)
        return rows.filter { $0.header.height.next.next <= height }
    }

    /// The height below which blocks are absent; 0 where none is (SNAP-11).
    package var historyBase: Height { get throws(ReadError) { try beaconEndpoint.view.base() } }

    private func checkHistory(_ height: Height) throws(ReadError) {
        let base = try historyBase
        if height < base { throw .historyAbsent(below: base) }
    }

    package func beaconHeight(_ hash: Hash32) throws(ReadError) -> Height? {
        if hash == self.hash { return height }
        if hash == genesisHeader.hash { return .genesis }
        if let found = beaconHistory.height(of: hash) { return upToHere(found) }
        return upToHere(try beaconEndpoint.view.beaconHeight(hash))
    }

    /// The height, unless a later snapshot knows it only.
    private func upToHere(_ found: Height?) -> Height? {
        guard let found, found <= height else { return nil }
        return found
    }

    var beaconEndpoint: EndpointSnapshot { endpoints[Int(layout.beacon.index)] }

    /// The shard block of an endpoint at a height, without its transactions.
    package func shardBlock(
        _ endpoint: EndpointID, _ height: Height
    ) throws(ReadError) -> StoredBlock? {
        guard height <= self.height, Int(endpoint.index) < endpoints.count else { return nil }
        let snapshot = endpoints[Int(endpoint.index)]
        if let record = snapshot.history.block(height) {
            return StoredBlock(
                header: record.header, systemResult: record.systemResult,
                transactionCount: UInt32(record.transactions.count))
        }
        if height > .genesis { try checkHistory(height) }
        return try snapshot.view.block(height)
    }

    /// The headers of a block, which also a ledger that began from a snapshot has as far back as the
    /// newest block of any endpoint then (SNAP-5).
    package func beaconHeaders(_ height: Height) throws(ReadError) -> BeaconRow? {
        let base = try historyBase
        guard height > .genesis, height < base else { return try beaconBlock(height) }
        guard let row = try beaconEndpoint.view.beaconBlock(height) else {
            throw .historyAbsent(below: base)
        }
        return row
    }

    /// As ``beaconHeaders(_:)``.
    func shardHeader(
        _ endpoint: EndpointID, _ height: Height
    ) throws(ReadError) -> ShardHeader? {
        let base = try historyBase
        guard height < base else { return try shardBlock(endpoint, height)?.header }
        return try endpoints[Int(endpoint.index)].view.block(height)?.header
    }

    /// A signed transaction by its place in a shard block.
    package func transaction(
        _ endpoint: EndpointID, _ height: Height, _ index: Int
    ) throws(ReadError) -> StoredTransaction? {
        guard height <= self.height, Int(endpoint.index) < endpoints.count else { return nil }
        let snapshot = endpoints[Int(endpoint.index)]
        if let record = snapshot.history.block(height) {
            guard index < record.transactions.count else { return nil }
            let transaction = record.transactions[index]
            return StoredTransaction(
                raw: transaction.raw, sender: transaction.sender, result: record.results[index])
        }
        return try snapshot.view.transaction(height, index)
    }

    /// The height at which a receipt was consumed.
    package func consumed(_ reference: ReceiptReference) throws(ReadError) -> Height? {
        let endpoint = endpoints[Int(reference.destination.index)]
        if let found = endpoint.history.consumed(reference) { return upToHere(found) }
        return upToHere(try endpoint.view.consumed(from: reference.source, reference.index))
    }

    /// The height at which a due entry ran.
    package func ran(_ endpoint: EndpointID, _ sequence: UInt64) throws(ReadError) -> Height? {
        let snapshot = endpoints[Int(endpoint.index)]
        if let found = snapshot.history.ran(sequence) { return upToHere(found) }
        return upToHere(try snapshot.view.ran(sequence))
    }

    /// Base fee of the next block of an endpoint.
    package func nextBaseFee(_ endpoint: EndpointID) -> Amount {
        endpoints[Int(endpoint.index)].header.nextBaseFee(
            at: view.time, genesis.parameters)
    }
}
