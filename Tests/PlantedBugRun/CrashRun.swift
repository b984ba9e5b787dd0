import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallySimulation

/// One node over a simulated disk, cut off at effects that the seed draws, compared with a run that
/// nothing happened to. A group of seeds shares a ledger; each has crashes of its own.
enum CrashRun {
    private static let seedsOfALedger: UInt64 = 64
    private static let heights = 36
    private static let crashesOfASeed = 6

    /// The ledger of the last seed: the next one mostly has the same.
    // SAFETY: the process has one thread.
    private nonisolated(unsafe) static var last: (number: UInt64, matrix: Matrix)?
    private typealias Matrix = CrashMatrix<SimulatedNode>

    static func run(_ seed: UInt64) throws {
        let number = seed / seedsOfALedger
        let matrix: Matrix
        if let last, last.number == number {
            matrix = last.matrix
        } else {
            matrix = try makeMatrix(number)
            last = (number, matrix)
        }
        var random = SeededGenerator(seed: seed)
        for _ in 0..<crashesOfASeed { try crash(matrix, &random) }
    }

    private static func crash(_ matrix: Matrix, _ random: inout SeededGenerator) throws {
        let point = CrashPoint(
            Int.random(in: 0..<(matrix.effects.count - 40), using: &random), moment(&random))
        let loss = SimulatedDisk.Loss.allCases.randomElement(using: &random) ?? .everything
        var again: CrashPoint?
        var shortage: DiskShortage?
        switch Int.random(in: 0..<4, using: &random) {
        case 0: again = CrashPoint(Int.random(in: 0..<12, using: &random), moment(&random))
        case 1:
            shortage = DiskShortage(
                at: max(0, point.effect - Int.random(in: 0..<8, using: &random)),
                failures: Int.random(in: 1...4, using: &random))
        default: break
        }
        _ = try matrix.crash(at: point, loss, seed: random.next(), again: again, shortage: shortage)
    }

    private static func moment(_ random: inout SeededGenerator) -> CrashMoment {
        CrashMoment.allCases.randomElement(using: &random) ?? .after
    }

    private static func makeMatrix(_ number: UInt64) throws -> Matrix {
        var random = SeededGenerator(seed: number)
        guard let layout = ShardLayout(shardCount: 3) else {
            preconditionFailure("a layout of 3 shards")
        }
        var parameters = NetworkParameters(chainID: 1_337, layout: layout)
        parameters.minimumBaseFee = Amount(10)
        parameters.heartbeatMilliseconds = 1_000_000
        let accounts = LedgerRun.accounts(96, number)
        let genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000_000),
            accounts: accounts.map { .init(address: $0, balance: Amount(1_000_000_000_000)) },
            validators: [accounts[0]])
        var setup = NodeSetup(
            genesis: genesis, proposer: accounts[0],
            checkpoints: CheckpointPolicy(heights: UInt64.random(in: 3...8, using: &random)),
            limits: JournalLimits(
                payloadBytes: 1 << 20,
                segmentBytes: Int.random(in: 3_000...12_000, using: &random)))
        setup.paceSeed = random.next()
        let factory = WorkloadTransactions(
            chainID: parameters.chainID, maxFee: Amount(1_000), tip: Amount(1))
        let reference = try ReferenceRun(
            setup, Workload(accounts: accounts, factory: factory), heights: heights + 4,
            transactionsPerHeight: 12, seed: random.next())
        return try CrashMatrix(setup, reference, diskSeed: random.next())
    }
}
