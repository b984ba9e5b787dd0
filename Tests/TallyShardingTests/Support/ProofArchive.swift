import TallyExecution
import TallyPrimitives
import TallySimulation
import TallyState
import TallyTransactions
import Testing

@testable import TallySharding

/// Everything a ledger ever was: what proofs of any height are made of.
struct ProofArchive {
    struct Stream: Hashable {
        let source: EndpointID
        let destination: EndpointID
    }

    /// By height.
    private(set) var headers: [BeaconHeader]
    private(set) var anchors: [[ShardHeader]]
    private(set) var trees: [[StateTree]]
    private(set) var records: [[BlockRecord]] = [[]]
    private(set) var streams: [Stream: [Receipt]] = [:]

    init(_ driver: LedgerDriver) throws {
        let states = try driver.genesis.states()
        headers = [driver.genesis.beaconHeader(states)]
        anchors = [states.map(\.header)]
        trees = [states.map(\.tree)]
    }

    mutating func append(_ height: DecidedHeight, _ driver: LedgerDriver) {
        headers.append(height.block.header)
        anchors.append(height.block.anchors.map(\.header))
        trees.append(driver.endpoints.map(\.tree))
        records.append(height.records)
        for receipt in height.records.flatMap(\.sent) {
            let stream = Stream(
                source: receipt.reference.source, destination: receipt.reference.destination)
            streams[stream, default: []].append(receipt)
        }
    }

    var top: Int { headers.count - 1 }

    func trust(_ height: Int) -> TrustAnchor { .beaconHash(headers[height].hash) }

    func anchored(_ endpoint: EndpointID, _ height: Int) throws -> AnchoredHeader {
        let header = try #require(anchors[height].first { $0.endpoint == endpoint })
        return try #require(AnchoredHeader(header, among: anchors[height].map(\.hash)))
    }

    /// Heights at which an endpoint has a block.
    func heights(of endpoint: EndpointID) -> [Int] {
        headers.indices.filter { anchors[$0].contains { $0.endpoint == endpoint } }
    }

    func proof(_ claim: ProofClaim, from low: Int, through high: Int) -> LedgerProof {
        LedgerProof(headers: Array(headers[low...high]), claim: claim)
    }

    // MARK: Claims

    func account(
        _ address: Address, at height: Int, _ layout: ShardLayout
    ) throws -> AccountClaim {
        let endpoint = EndpointID(layout.home(of: address))
        return AccountClaim(
            address: address, block: try anchored(endpoint, height),
            state: try trees[height][Int(endpoint.index)].proof(
                ObjectKey.account(address).path, MemoryPages()))
    }

    /// The place of a receipt in its stream as a block of its source says it.
    func path(_ receipt: Receipt, _ sent: AnchoredHeader) throws -> MerkleRangeProof {
        let place = receipt.reference
        let stream = Stream(source: place.source, destination: place.destination)
        let entry = try #require(
            sent.header.out.first { $0.peer == place.destination }?.entry)
        let leaves = try #require(streams[stream]).prefix(Int(entry.end)).map(\.leaf)
        return try #require(MerkleRangeProof(leaves: leaves, index: place.index))
    }

    /// Heights of the source's blocks that say where the stream stands, the receipt being in it.
    func sendings(_ receipt: Receipt) -> [Int] {
        headers.indices.filter { height in
            anchors[height].contains { header in
                header.endpoint == receipt.reference.source
                    && header.out.contains {
                        $0.peer == receipt.reference.destination
                            && $0.entry.end > receipt.reference.index
                    }
            }
        }
    }

    /// The height at which a receipt was consumed.
    func consumption(_ receipt: Receipt) -> Int? {
        records.firstIndex { blocks in
            blocks.contains { record in
                (record.systemResult?.events ?? []).contains {
                    $0.consumedReceipt == receipt.reference
                }
            }
        }
    }

    func result(_ endpoint: EndpointID, _ height: Int, _ index: Int) throws -> ResultClaim {
        let record = try #require(records[height].first { $0.header.endpoint == endpoint })
        let all = [record.systemResult?.encoded ?? []] + record.results.map(\.encoded)
        let path = try #require(
            MerkleRangeProof(leaves: all.map(ShardHeader.resultLeaf), index: UInt64(index)))
        return ResultClaim(bytes: all[index], count: UInt64(all.count), path: path)
    }

    func receipt(_ receipt: Receipt, sentAt height: Int, consumedAt end: Int?) throws
        -> ReceiptClaim
    {
        let sent = try anchored(receipt.reference.source, height)
        let destination = receipt.reference.destination
        return ReceiptClaim(
            receipt: receipt, sent: sent, path: try path(receipt, sent),
            consumed: try end.map { try anchored(destination, $0) },
            outcome: try end.map { try result(destination, $0, 0) })
    }

    func transaction(_ endpoint: EndpointID, _ height: Int, _ index: Int) throws
        -> TransactionClaim
    {
        let record = try #require(records[height].first { $0.header.endpoint == endpoint })
        let path = try #require(
            MerkleRangeProof(leaves: record.transactions.map(\.hash), index: UInt64(index)))
        return TransactionClaim(
            raw: record.transactions[index].raw, block: try anchored(endpoint, height),
            index: UInt64(index), path: path, result: try result(endpoint, height, index + 1))
    }
}

/// A random ledger whose states have more than one bucket, and all of its past.
struct ProofLedger {
    let driver: LedgerDriver
    let archive: ProofArchive
    let accounts: [Address]

    var layout: ShardLayout { driver.genesis.parameters.layout }

    init(shards: Int, heights: Int, _ generator: inout SeededGenerator) throws {
        let layout = try #require(ShardLayout(shardCount: shards))
        var parameters = NetworkParameters(chainID: 9, layout: layout)
        parameters.minimumBaseFee = Amount(10)
        parameters.epochMilliseconds = 5_000
        accounts = (0..<shards).flatMap { shard in
            (1...80).map { TestAccount.plain(shard: shard, of: shards, $0) }
        }
        let genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000_000),
            accounts: accounts.map { .init(address: $0, balance: Amount(1_000_000_000)) },
            validators: [accounts[0]])
        var driver = try LedgerDriver(genesis, proposer: accounts[0])
        let workload = Workload(
            accounts: accounts, factory: WorkloadTransactions(chainID: 9, maxFee: Amount(40)))
        var archive = try ProofArchive(driver)
        var now = genesis.time
        for _ in 0..<heights {
            now = BeaconTime(
                milliseconds: now.milliseconds + UInt64.random(in: 0...2_000, using: &generator))
            let transactions = try workload.transactions(
                Int.random(in: 0...(4 * shards), using: &generator), for: driver, at: now,
                using: &generator)
            let outcome = try driver.advance(HeightInput(now: now, transactions: transactions))
            archive.append(try #require(outcome.decided), driver)
        }
        self.driver = driver
        self.archive = archive
    }
}
