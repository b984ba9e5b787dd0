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
        let place = ObjectPlace.node(of: try arguments.address(0))
        let snapshot = ledger.publisher.current
        guard let object = try snapshot.object(at: place) else { return out.null() }
        let node = try decoding { () throws(RLPError) in try place.decode(object) }
        try write(object, claimable: try snapshot.claimable(node), &out)
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
        try write(.round(of: try arguments.address(0)), ledger, &out)
    }

    static func job(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try write(.order(try arguments.objectID(0)), ledger, &out)
    }

    static func bid(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let (order, bid) = (try arguments.objectID(0), try arguments.objectID(1))
        try write(.bid(bid, for: order), ledger, &out)
    }

    static func offer(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        try write(.offer(try arguments.objectID(0)), ledger, &out)
    }

    static func trade(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let (trade, seller) = (try arguments.objectID(0), try arguments.address(1))
        try write(.trade(trade, seller: seller), ledger, &out)
    }

    static func stake(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let place = ObjectPlace.stake(of: try arguments.address(0))
        let snapshot = ledger.publisher.current
        guard let object = try snapshot.object(at: place) else { return out.null() }
        let stake = try decoding { () throws(RLPError) in try place.decode(object) }
        try write(object, claimable: try snapshot.claimable(stake), &out)
    }

    private static func write<Object>(
        _ place: ObjectPlace<Object>, _ ledger: LedgerDispatcher, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        guard let object = try ledger.publisher.current.object(at: place) else {
            return out.null()
        }
        try decoding { () throws(RLPError) in try ComputeDocument.write(object, &out) }
    }

    // MARK: Epochs

    static func epoch(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        guard let economy = snapshot.genesis.parameters.economy,
            let epoch = CurrentEpoch(snapshot)
        else { return out.null() }
        out.beginObject()
        out.member("epoch") { $0.integer(epoch.epoch) }
        out.member("number") { $0.integer(epoch.number) }
        out.member("lengthMs") { $0.integer(epoch.length) }
        out.time("beganMs", epoch.began)
        out.time("timeMs", epoch.time)
        out.member("seedNumber") { $0.quantity(epoch.seed.number) }
        out.member("seed") { $0.hex(epoch.seed.value) }
        out.member("decimals") { $0.integer(economy.decimals) }
        // ECON-25
        out.member("economy") { $0.hex(economy.encoded) }
        out.endObject()
    }

    static func emission(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        guard let emission = try ledger.publisher.current.emission() else { return out.null() }
        out.beginObject()
        write("nodeRewards", emission.nodeRewards, &out)
        write("tradeRewards", emission.tradeRewards, &out)
        write("developerGrants", emission.developerGrants, &out)
        out.endObject()
    }

    private static func write(
        _ name: String, _ pool: Emission.Pool, _ out: inout JSONWriter
    ) {
        out.key(name)
        out.beginObject()
        out.member("cap") { $0.quantity(pool.cap) }
        out.member("minted") { $0.quantity(pool.minted) }
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
