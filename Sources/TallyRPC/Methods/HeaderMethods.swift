import TallyClient
import TallyConsensus
import TallyEngine
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Headers of shards and beacon, with every field that their hashes cover.
enum HeaderMethods {
    static func shardHead(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        let endpoint = try arguments.endpoint(0, snapshot.layout)
        let height = snapshot.endpoints[Int(endpoint.index)].header.height
        try write(endpoint, height, snapshot, ledger, &out)
    }

    /// Null at a height that anchors no block of the shard.
    static func shardBlock(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        let endpoint = try arguments.endpoint(0, snapshot.layout)
        switch try arguments.block(1) {
        case .latest, .pending:
            let height = snapshot.endpoints[Int(endpoint.index)].header.height
            try write(endpoint, height, snapshot, ledger, &out)
        case .height(let height): try write(endpoint, height, snapshot, ledger, &out)
        case .hash(let hash):
            let height = try height(of: hash, endpoint, snapshot, ledger)
            try write(endpoint, height, snapshot, ledger, &out)
        }
    }

    /// A shard block's hash, or that of the beacon block which anchors it.
    private static func height(
        of hash: Hash32, _ endpoint: EndpointID, _ snapshot: LedgerSnapshot,
        _ ledger: LedgerDispatcher
    ) throws(RPCFailure) -> Height {
        let known = try reading { () throws(ReadError) -> Height? in
            if let height = try snapshot.beaconHeight(hash) { return height }
            if let height = try snapshot.height(ofBlock: hash, of: endpoint) { return height }
            let genesis = try ledger.proofs.genesis.headers(of: snapshot.genesis)
            return genesis[Int(endpoint.index)].hash == hash ? .genesis : nil
        }
        if let known { return known }
        let newest = snapshot.height.value
        throw RPCFailure(
            RPCFailure.resourceNotFoundCode,
            "no beacon block has this hash, and the newest "
                + "\(LedgerSnapshot.searchedBlocks) anchor no block of the shard with it: ask by "
                + "height",
            data: [
                "reason": "unknownBlock", "retryable": true,
                "from": JSON(Height(newest - min(newest, LedgerSnapshot.searchedBlocks - 1))),
                "through": JSON(snapshot.height),
            ])
    }

    private static func write(
        _ endpoint: EndpointID, _ height: Height, _ snapshot: LedgerSnapshot,
        _ ledger: LedgerDispatcher, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let found = try reading { () throws(ReadError) -> ShardBlockDocument? in
            if height == .genesis {
                let headers = try ledger.proofs.genesis.headers(of: snapshot.genesis)
                return ShardBlockDocument(
                    header: headers[Int(endpoint.index)], beaconHash: snapshot.genesisHeader.hash,
                    transactionCount: 0, hasSystemResult: false)
            }
            guard let block = try snapshot.shardBlock(endpoint, height),
                let row = try snapshot.beaconBlock(height)
            else { return nil }
            return ShardBlockDocument(
                header: block.header, beaconHash: row.header.hash,
                transactionCount: block.transactionCount,
                hasSystemResult: block.systemResult != nil)
        }
        if let found { out.value(found.json) } else { out.null() }
    }

    private struct ShardBlockDocument {
        let header: ShardHeader
        let beaconHash: Hash32
        let transactionCount: UInt32
        let hasSystemResult: Bool

        var json: JSON {
            .object(
                JSONObject(
                    HeaderDocument.members(header, hash: header.hash) + [
                        .init("beaconHash", JSON(beaconHash)),
                        .init("transactionCount", JSON(transactionCount)),
                        .init("hasSystemResult", .bool(hasSystemResult)),
                    ]))
        }
    }

    /// Null above the head.
    static func beaconBlock(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        let selector = try arguments.block(0)
        let document = try reading { () throws(ReadError) -> JSON? in
            let height: Height?
            switch selector {
            case .latest, .pending: height = snapshot.height
            case .height(let value): height = value
            case .hash(let hash): height = try snapshot.beaconHeight(hash)
            }
            guard let height, let row = try snapshot.beaconBlock(height) else { return nil }
            var anchors = row.anchors.map { anchorJSON($0.endpoint, $0.hash) }
            if height == .genesis {
                anchors = try ledger.proofs.genesis.headers(of: snapshot.genesis).map {
                    anchorJSON($0.endpoint, $0.hash)
                }
            }
            return .object(
                JSONObject(
                    HeaderDocument.members(row.header, hash: row.header.hash) + [
                        .init("anchors", .array(anchors)),
                        .init("finality", try finality(row, snapshot)),
                    ]))
        }
        if let document { out.value(document) } else { out.null() }
    }

    private static func finality(
        _ row: BeaconRow, _ snapshot: LedgerSnapshot
    ) throws(ReadError) -> JSON {
        guard let certificate = row.certificate else { return FinalityDocument.genesis }
        let elections = try snapshot.elections(fixing: certificate.height).compactMap { row in
            row.certificate.map { (row.header, $0) }
        }
        return FinalityDocument.json(certificate, snapshot.genesis, elections: elections)
    }

    private static func anchorJSON(_ endpoint: EndpointID, _ hash: Hash32) -> JSON {
        ["shard": JSON(endpoint.index), "hash": JSON(hash)]
    }

    static func forAddress(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let address = try arguments.address(0)
        let layout = ledger.publisher.current.layout
        let isReserved = ReservedAddress.contains(address)
        out.object { out in
            out.member("address") { $0.hex(address) }
            out.key("shard")
            if isReserved { out.null() } else { out.integer(layout.home(of: address).value) }
            out.member("shardCount") { $0.integer(layout.shardCount) }
            out.member("isReserved") { $0.bool(isReserved) }
        }
    }
}

extension RPCArguments {
    /// A shard's number, or the number of shards for the beacon's own endpoint.
    func endpoint(_ index: Int, _ layout: ShardLayout) throws(RPCFailure) -> EndpointID {
        let value = try quantity(index)
        guard value < UInt64(layout.endpointCount) else {
            throw RPCFailure(
                RPCFailure.invalidParamsCode,
                "invalid argument \(index): there are \(layout.shardCount) shards, from 0; "
                    + "\(layout.shardCount) is the beacon",
                data: ["reason": "unknownShard", "retryable": false])
        }
        return EndpointID(UInt16(value))
    }
}
