import TallyClient
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// What Ethereum has no word for: nodes, proofs, jobs, trades and stakes (RPC-50).
enum ComputeMethods {
    static func node(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let owner = try arguments.address(0)
        let snapshot = ledger.publisher.current
        let home = EndpointID(snapshot.layout.home(of: owner))
        let object = try reading { () throws(ReadError) in
            try snapshot.object(ComputeNode.objectKey(of: owner), of: home)
        }
        guard let object else { return out.null() }
        let node = try decoding { () throws(RLPError) in try ComputeNode(object) }
        let claimable = try reading { () throws(ReadError) in
            try node.rewards.claimable { (key) throws(ReadError) in
                try snapshot.object(key, of: home)
            }
        }
        try write(object, claimable: claimable, &out)
    }

    /// An object that earns, with what its owner could claim now.
    private static func write(
        _ object: StateObject, claimable: Amount?, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try decoding { () throws(RLPError) in
            try ComputeDocument.write(object, &out) { out in
                out.member("claimable") { out in
                    if let claimable { out.quantity(claimable) } else { out.null() }
                }
            }
        }
    }

    static func proof(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let owner = try arguments.address(0)
        try write(ProofRound.objectKey(of: owner), of: owner, ledger, &out)
    }

    static func job(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let id = try arguments.objectID(0)
        try write(JobOrder.key(id), of: id.owner, ledger, &out)
    }

    static func bid(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let (order, bid) = (try arguments.objectID(0), try arguments.objectID(1))
        let key = JobBid.key(order: order, bid: bid)
        try write(key, of: order.owner, ledger, &out)
    }

    static func offer(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let id = try arguments.objectID(0)
        try write(Offer.key(id), of: id.owner, ledger, &out)
    }

    static func trade(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let (trade, seller) = (try arguments.objectID(0), try arguments.address(1))
        try write(OwedTrade.key(trade), of: seller, ledger, &out)
    }

    static func stake(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let owner = try arguments.address(0)
        let snapshot = ledger.publisher.current
        let beacon = snapshot.layout.beacon
        let object = try reading { () throws(ReadError) in
            try snapshot.object(RoleStake.key(of: owner), of: beacon)
        }
        guard let object else { return out.null() }
        let stake = try decoding { () throws(RLPError) in try RoleStake(object) }
        let claimable = try reading { () throws(ReadError) in
            try stake.rewards.claimable { (key) throws(ReadError) in
                try snapshot.object(key, of: beacon)
            }
        }
        try write(object, claimable: claimable, &out)
    }

    // MARK: Epochs

    static func epoch(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        let parameters = snapshot.genesis.parameters
        guard let economy = parameters.economy else { return out.null() }
        let length = parameters.epochMilliseconds
        let epoch = snapshot.header.time.milliseconds / length
        let opening = snapshot.genesis.time.milliseconds / length
        out.beginObject()
        out.member("epoch") { $0.integer(epoch) }
        // ECON-8: schedules count from 0.
        out.member("number") { $0.integer(epoch - min(opening, epoch)) }
        out.member("lengthMs") { $0.integer(length) }
        out.member("beganMs") { $0.integer(epoch * length) }
        out.member("timeMs") { $0.integer(snapshot.header.time.milliseconds) }
        out.member("seedNumber") { $0.quantity(snapshot.view.seed.number) }
        out.member("seed") { $0.hex(snapshot.view.seed.value) }
        out.member("decimals") { $0.integer(economy.decimals) }
        // ECON-25
        out.member("economy") { $0.hex(economy.encoded) }
        out.endObject()
    }

    static func emission(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        guard let economy = snapshot.genesis.parameters.economy else { return out.null() }
        let book = try reading { () throws(ReadError) in
            try snapshot.object(EmissionBook.key, of: snapshot.layout.beacon)
        }
        var minted: EmissionBook?
        if let book {
            minted = try decoding { () throws(RLPError) in try EmissionBook(book) }
        }
        out.beginObject()
        write("nodeRewards", economy.nodeRewards, minted?.nodes, &out)
        write("tradeRewards", economy.tradeRewards, minted?.trades, &out)
        write("developerGrants", economy.developerGrants, minted?.developers, &out)
        out.endObject()
    }

    private static func write(
        _ name: String, _ pool: EmissionPool, _ minted: Amount?, _ out: inout JSONWriter
    ) {
        out.key(name)
        out.beginObject()
        out.member("cap") { $0.quantity(pool.cap) }
        out.member("minted") { $0.quantity(minted ?? .zero) }
        out.endObject()
    }

    // MARK: Lists

    /// What a list may be of, by its name.
    static let kinds: [(name: String, kind: ObjectKind)] = [
        ("nodes", .node), ("proofs", .round), ("jobs", .order), ("bids", .bid),
        ("offers", .offer), ("trades", .owed), ("stakes", .validator),
    ]

    private static let defaultLimit: UInt64 = 100
    private static let maximumLimit: UInt64 = 1_000

    static func list(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        guard let word = try arguments.word(0),
            let kind = kinds.first(where: { $0.name == word })?.kind
        else { throw .invalidParams("missing value for required argument 0: kind") }
        let endpoint =
            kind == .validator
            ? snapshot.layout.beacon : try arguments.endpoint(1, snapshot.layout)
        let start = try arguments.optionalHash(2) ?? .zero
        let limit = min(
            max(try arguments.optionalQuantity(3) ?? defaultLimit, 1), maximumLimit)
        let page = try reading { () throws(ReadError) in
            try snapshot.objects(kind, of: endpoint, from: start, limit: Int(limit))
        }
        out.beginObject()
        out.key("items")
        out.beginArray()
        for (_, object) in page.objects {
            try decoding { () throws(RLPError) in try ComputeDocument.write(object, &out) }
        }
        out.endArray()
        out.member("nextCursor") { out in
            if let next = page.next { out.hex(next) } else { out.null() }
        }
        out.member("blockNumber") { $0.quantity(snapshot.height) }
        out.endObject()
    }

    // MARK: Reading

    /// An object that lies on an account's shard.
    private static func write(
        _ key: ObjectKey, of owner: Address, _ ledger: LedgerDispatcher, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        let endpoint = EndpointID(snapshot.layout.home(of: owner))
        let object = try reading { () throws(ReadError) in
            try snapshot.object(key, of: endpoint)
        }
        guard let object else { return out.null() }
        try decoding { () throws(RLPError) in try ComputeDocument.write(object, &out) }
    }

    /// What `body` decodes of the node's own state.
    private static func decoding<Value>(
        _ body: () throws(RLPError) -> Value
    ) throws(RPCFailure) -> Value {
        do throws(RLPError) {
            return try body()
        } catch { throw RPCFailure(ReadError.corruptRow(database: "buckets")) }
    }
}

extension RPCArguments {
    /// The id of an object (OBJ-1).
    fileprivate func objectID(_ index: Int) throws(RPCFailure) -> ObjectID {
        guard let id = ObjectID(word: try hash(index)) else {
            throw .invalidParams(
                "invalid argument \(index): an id is an address, 4 zero bytes and a number of 8")
        }
        return id
    }
}
