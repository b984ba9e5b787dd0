import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyStore

/// The checkpoints under audit, opened to be read only.
struct AuditSource: Sendable {
    let genesis: Genesis
    /// Of height 0, by endpoint index, as `views` and `heads`.
    let states: [GenesisState]
    let views: [StoreView]
    /// `nil` for an endpoint without a checkpoint.
    let heads: [StoredHead?]
    /// The beacon's books; `nil` without a checkpoint.
    let books: [UInt8]?

    var layout: ShardLayout { genesis.parameters.layout }
    var beacon: Int { Int(layout.beacon.index) }
    /// Height of the beacon's checkpoint; 0 without one.
    var checkpoint: Height { applied(beacon) }

    /// Height of an endpoint's checkpoint; 0 without one.
    func applied(_ index: Int) -> Height { heads[index]?.appliedHeight ?? .genesis }

    init(
        directory: String, genesis: Genesis, limits: Limits, _ findings: inout AuditFindings
    ) throws(AuditError) {
        self.genesis = genesis
        do throws(StateError) { states = try genesis.states() } catch { throw .genesis(error) }
        var views: [StoreView] = []
        let layout = genesis.parameters.layout
        do throws(StoreError) {
            for endpoint in layout.endpoints {
                let path = DataLayout.endpoint(endpoint, layout, in: directory)
                views.append(
                    try EndpointStore(path: path, readOnly: true, limits: limits).view())
            }
        } catch { throw .store(error) }
        self.views = views
        let chain = genesis.hash
        var heads: [StoredHead?] = []
        for (endpoint, view) in zip(layout.endpoints, views) {
            let stored = try findings.read(endpoint, MetaKey.chain) { () throws(ReadError) in
                try view.chain()
            }
            if let stored, stored != chain {
                throw .wrongChain(endpoint, stored: stored, expected: chain)
            }
            let head = try findings.read(endpoint, MetaKey.head) { () throws(ReadError) in
                try view.head()
            }
            if let head, head.header.endpoint != endpoint {
                findings.add(.corruptRow(endpoint, database: "meta", key: MetaKey.head))
                heads.append(nil)
            } else {
                heads.append(head)
            }
        }
        self.heads = heads
        let last = views[views.count - 1]
        books = try findings.read(layout.beacon, MetaKey.books) { () throws(ReadError) in
            try last.books()
        }
        checkOrder(&findings)
        try checkGenesisHeader(&findings)
    }

    /// STORE-15: a start takes the row's word for it.
    private func checkGenesisHeader(_ findings: inout AuditFindings) throws(AuditError) {
        let view = views[beacon]
        let stored = try findings.read(layout.beacon, MetaKey.genesis) { () throws(ReadError) in
            try view.genesisHeader()
        }
        if let stored, stored != genesis.beaconHeader(states) {
            findings.add(.corruptRow(layout.beacon, database: "meta", key: MetaKey.genesis))
        }
    }

    /// STORE-12: the beacon's checkpoint is written after those of all shards.
    private func checkOrder(_ findings: inout AuditFindings) {
        for (index, endpoint) in layout.endpoints.enumerated() where index != beacon {
            if heads[index] == nil, checkpoint > .genesis {
                findings.add(.checkpointMissing(endpoint))
            } else if applied(index) < checkpoint {
                findings.add(
                    .checkpointOrder(endpoint, checkpoint: applied(index), beacon: checkpoint))
            }
        }
    }
}

extension AuditFindings {
    /// What `body` reads; a damaged row is a finding, and `nil`.
    mutating func read<T>(
        _ endpoint: EndpointID, _ key: [UInt8], _ body: () throws(ReadError) -> T?
    ) throws(AuditError) -> T? {
        do throws(ReadError) { return try body() } catch {
            switch error {
            case .store(let error): throw .store(error)
            case .state(let error): add(.state(endpoint, error))
            case .corruptRow(let database):
                add(.corruptRow(endpoint, database: database, key: key))
            case .historyAbsent(let base): throw .historyAbsent(below: base)
            }
            return nil
        }
    }
}
