import TallyCrypto
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallySimulation
import Testing

/// A ledger of three shards whose log rolls, whose checkpoints overlap with later heights and whose
/// log is pruned, all within some dozen heights.
enum CrashSetup {
    static let heights = 36
    static let workloadSeed: UInt64 = 20_261

    static func setup() throws -> NodeSetup {
        let layout = try #require(ShardLayout(shardCount: 3))
        var parameters = NetworkParameters(chainID: 1_337, layout: layout)
        parameters.minimumBaseFee = Amount(10)
        parameters.heartbeatMilliseconds = 1_000_000
        let accounts = accounts
        return NodeSetup(
            genesis: try Genesis(
                parameters: parameters, time: BeaconTime(milliseconds: 1_000_000),
                accounts: accounts.map {
                    Genesis.Opening(address: $0, balance: Amount(1_000_000_000_000))
                }, validators: [accounts[0]]),
            proposer: accounts[0], checkpoints: CheckpointPolicy(heights: 5),
            limits: JournalLimits(payloadBytes: 1 << 20, segmentBytes: 6_000))
    }

    /// Spread over all shards, more than a bucket each.
    static var accounts: [Address] {
        (0..<96).map { number in
            SHA256.hash(.object, Array("account \(number)".utf8)).withBytes {
                Address(loading: UnsafeRawBufferPointer(rebasing: $0[..<20]))
            }
        }
    }

    /// Made once: all tests compare with it.
    private static let reference = Result { try makeReference() }

    private static func makeReference() throws -> ReferenceRun {
        let setup = try setup()
        let factory = WorkloadTransactions(
            chainID: setup.genesis.parameters.chainID, maxFee: Amount(1_000), tip: Amount(1))
        return try ReferenceRun(
            setup, Workload(accounts: accounts, factory: factory), heights: heights + 4,
            transactionsPerHeight: 12, seed: workloadSeed)
    }

    static func matrix<Node: CrashableNode>(_ node: Node.Type) throws -> CrashMatrix<Node> {
        let setup = try setup()
        return try CrashMatrix(setup, try reference.get(), diskSeed: 7)
    }
}
