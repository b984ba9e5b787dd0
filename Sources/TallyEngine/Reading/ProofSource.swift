package import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyState
import TallyTransactions

/// What proofs are made of besides a snapshot; one for all requests.
package struct ProofSource: Sendable {
    package let genesis = GenesisAnchors()
    private let nodes: StreamNodes

    /// - Parameter receiptsPerRequest: how much of a long stream one request reads at most when the
    ///   stream is first asked about; the default takes a fraction of a second.
    package init(receiptsPerRequest: UInt64 = 1 << 16) {
        nodes = StreamNodes(requestLimit: receiptsPerRequest)
    }

    /// How much a receipt's proof is to show.
    package enum ReceiptEvidence: String, CaseIterable, Sendable {
        /// It was sent.
        case sent
        /// It was consumed too.
        case consumed
        /// And what came of it.
        case outcome
    }

    /// Blocks that are looked through for the one which says where a stream stood: a receipt that
    /// waits longer than so many beacon blocks is out of reach.
    private static let searchLimit: UInt64 = 4_096

    // MARK: Proofs

    /// What an account is, below the newest header of its shard.
    /// - Parameter anchor: the beacon block that is trusted; `nil` for the one that anchors the header.
    package func account(
        _ address: Address, at anchor: Height?, _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> LedgerProof {
        let endpoint = EndpointID(snapshot.layout.home(of: address))
        let state = snapshot.endpoints[Int(endpoint.index)]
        let height = state.header.height
        if let anchor, anchor < height {
            throw .stateUnavailable(from: height, through: snapshot.height)
        }
        let block = try anchored(endpoint, height, snapshot)
        let proof: StateProof
        do throws(StateError) {
            proof = try state.tree.proof(ObjectKey.account(address).path, state.view)
        } catch { throw .read(.state(error)) }
        return try proven(
            .account(AccountClaim(address: address, block: block, state: proof)),
            from: height, through: anchor ?? height, snapshot)
    }

    /// That a receipt was sent, and what became of it.
    /// - Parameter evidence: `nil` shows as much as there is.
    package func receipt(
        _ place: ReceiptReference, _ evidence: ReceiptEvidence?, at anchor: Height?,
        _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> LedgerProof {
        let receipt = try snapshot.receipt(place)
        let consumption = try reading { () throws(ReadError) in try snapshot.consumed(place) }
        // RCPT-1: what was consumed had been anchored before.
        let newest = snapshot.endpoints[Int(place.source.index)].header.height
        let start = consumption.map { min(newest, Height($0.value - 1)) } ?? newest
        let (sentHeight, entry) = try sendingHeader(place, from: start, snapshot)
        let path = try nodes.proof(
            StreamID(source: place.source, destination: place.destination), count: entry.end,
            index: place.index, snapshot)
        var top = sentHeight
        var consumed: AnchoredHeader?
        var outcome: ResultClaim?
        if evidence != .sent {
            if let height = consumption {
                consumed = try anchored(place.destination, height, snapshot)
                if evidence != .consumed {
                    outcome = try result(place.destination, height, index: 0, snapshot).claim
                }
                top = height
            } else if evidence != nil {
                throw .notConsumed(cursor: snapshot.cursor(place))
            }
        }
        let claim = ReceiptClaim(
            receipt: receipt, sent: try anchored(place.source, sentHeight, snapshot), path: path,
            consumed: consumed, outcome: outcome)
        if let anchor, anchor < top { throw .anchorTooEarly(lowest: top) }
        return try proven(.receipt(claim), from: sentHeight, through: anchor ?? top, snapshot)
    }

    /// That a transaction is in a block, and what it did.
    package func transaction(
        _ hash: Hash32, at anchor: Height?, _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> LedgerProof {
        let found = try reading { () throws(ReadError) in try snapshot.position(of: hash) }
        guard let (endpoint, height, index) = found else { throw .unknownTransaction }
        if let anchor, anchor < height { throw .anchorTooEarly(lowest: height) }
        let result = try result(endpoint, height, index: index + 1, snapshot)
        guard let path = MerkleRangeProof(leaves: result.hashes, index: UInt64(index)) else {
            throw .read(.corruptRow(database: "transactions"))
        }
        let claim = TransactionClaim(
            raw: result.raw, block: try anchored(endpoint, height, snapshot),
            index: UInt64(index), path: path, result: result.claim)
        return try proven(
            .transaction(claim), from: height, through: anchor ?? height, snapshot)
    }

    // MARK: Parts

    /// The headers between, and the proof checked as whoever gets it will.
    private func proven(
        _ claim: ProofClaim, from lowest: Height, through top: Height, _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> LedgerProof {
        guard top <= snapshot.height else { throw .unknownBlock }
        guard top.value - lowest.value < UInt64(LedgerProof.maximumHeaders) else {
            throw .tooFarApart(
                from: lowest,
                through: Height(lowest.value + UInt64(LedgerProof.maximumHeaders) - 1))
        }
        var headers: [BeaconHeader] = []
        for height in lowest.value...top.value {
            headers.append(try row(Height(height), snapshot).header)
        }
        let proof = LedgerProof(headers: headers, claim: claim)
        let last = headers[headers.count - 1].hash
        do throws(LedgerProofError) {
            _ = try proof.verify(.beaconHash(last))
        } catch { throw .inconsistent(error) }
        return proof
    }

    private func row(
        _ height: Height, _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> BeaconRow {
        let row = try reading { () throws(ReadError) in try snapshot.beaconHeaders(height) }
        guard let row else { throw .read(.corruptRow(database: "beacon-blocks")) }
        return row
    }

    private func anchored(
        _ endpoint: EndpointID, _ height: Height, _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> AnchoredHeader {
        let anchors: [Hash32]
        let header: ShardHeader?
        if height == .genesis {
            let headers = try reading { () throws(ReadError) in
                try genesis.headers(of: snapshot.genesis)
            }
            anchors = headers.map(\.hash)
            header = headers[Int(endpoint.index)]
        } else {
            anchors = try row(height, snapshot).anchors.map(\.hash)
            header = try reading { () throws(ReadError) in
                try snapshot.shardHeader(endpoint, height)
            }
        }
        guard let header, let anchored = AnchoredHeader(header, among: anchors) else {
            throw .read(.corruptRow(database: "blocks"))
        }
        return anchored
    }

    /// The newest block at or below `start` that says where the stream stands: it is not older than
    /// the one that sent the receipt.
    private func sendingHeader(
        _ place: ReceiptReference, from start: Height, _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> (height: Height, entry: OutEntry) {
        let lowest = start.value - min(start.value, Self.searchLimit)
        for height in (lowest...start.value).reversed() {
            let header = try reading { () throws(ReadError) in
                try snapshot.shardHeader(place.source, Height(height))
            }
            guard let item = header?.out.first(where: { $0.peer == place.destination }) else {
                continue
            }
            guard item.entry.end > place.index else {
                throw .read(.corruptRow(database: "blocks"))
            }
            return (Height(height), item.entry)
        }
        throw .tooFarApart(from: Height(lowest), through: start)
    }

    /// A result of a block with its proof, 0 being the system's, and the transactions' hashes.
    /// - Complexity: reads the whole block.
    private func result(
        _ endpoint: EndpointID, _ height: Height, index: Int, _ snapshot: LedgerSnapshot
    ) throws(ProofRefusal) -> (claim: ResultClaim, raw: [UInt8], hashes: [Hash32]) {
        let block = try reading { () throws(ReadError) in
            try snapshot.provableBlock(endpoint, height, result: index)
        }
        guard let path = MerkleRangeProof(leaves: block.leaves, index: UInt64(index)) else {
            throw .read(.corruptRow(database: "transactions"))
        }
        let claim = ResultClaim(
            bytes: block.result, count: UInt64(block.leaves.count), path: path)
        return (claim, block.raw, block.hashes)
    }

    private func reading<R>(
        _ body: () throws(ReadError) -> R
    ) throws(ProofRefusal) -> R {
        do throws(ReadError) { return try body() } catch { throw .read(error) }
    }
}
