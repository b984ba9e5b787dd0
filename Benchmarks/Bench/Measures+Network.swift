import BenchSupport
import Foundation
import Glibc
import TallyBench
import TallyClient

/// The `tally` program that was built with this one.
enum TallyProgram {
    private static var path: String {
        get throws {
            guard let own = Bundle.main.executableURL else { throw BenchError("who am I?") }
            let path = own.deletingLastPathComponent().appending(path: "tally").path
            guard FileManager.default.isExecutableFile(atPath: path) else {
                throw BenchError("\(path) was not built")
            }
            return path
        }
    }

    /// What a command line prints with `--json`.
    static func json(_ arguments: [String], within seconds: Int) throws -> JSON {
        try JSON.parse(
            try ChildProcess.output(
                arguments + ["--json"], within: seconds, executable: try path))
    }

    /// One repetition of `tally bench run` on four validators.
    static func localnet(_ arguments: [String], seconds: Int) throws -> BenchResults {
        try bench(
            ["--target", "localnet", "--validators", "4"] + arguments, seconds: seconds)
    }

    static func bench(_ arguments: [String], seconds: Int) throws -> BenchResults {
        let json = try json(
            ["bench", "run", "--repetitions", "1", "--duration", "\(seconds)", "--until-eof"]
                + arguments, within: 180)
        return try BenchResults(Array(json.description.utf8), file: "tally bench run")
    }
}

extension BenchResults {
    /// The one repetition.
    func only() throws -> Repetition {
        guard let repetition = repetitions.first else { throw BenchError("nothing was run") }
        return repetition
    }

    /// Final transactions a second, as if the generator had run on a machine of its own: the cores'
    /// time that it took is not counted.
    func finalWithoutGenerator() throws -> Double {
        let repetition = try only()
        let seconds = max(1, repetition.generatorWindow(load))
        return repetition.rates.final * seconds
            / (seconds - min(seconds * 0.9, repetition.generator.cpuSeconds / Double(Clocks.cores)))
    }
}

extension Repetition {
    /// Seconds over which the generator's processor time was taken.
    fileprivate func generatorWindow(_ load: LoadOptions) -> Double {
        let offering = seconds.isEmpty ? load.offeredSeconds : Double(seconds.count)
        return min(load.offeredSeconds, offering)
    }
}

/// P3: how many message delays a block takes to be final.
enum Delays: Measurement {
    static let id = "P3"

    static func kinds(_ options: BenchOptions) -> [MeasureKind] {
        [
            MeasureKind(
                id: "P3", name: "finality after the proposal, simulated", unit: "δ",
                boundName: "PROPOSAL, PREPARE and COMMIT, a delay each",
                goal: Goal(.value, .atMost, 3.2, design: 3)),
            MeasureKind(
                id: "P3-interval", name: "between proposals, simulated", unit: "δ",
                boundName: "the two delays after which the next block may be proposed",
                goal: Goal(.value, .atMost, 2)),
        ]
    }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let kinds = kinds(options)
        let json = try TallyProgram.json(
            ["simulate", "--scenario", "undisturbed", "--validators", "4"], within: 120)
        guard let measure = json["measure"], let delay = measure["delayMicroseconds"]?.figure,
            let final = measure["finalMicroseconds"]?["most"]?.figure,
            let interval = measure["intervalMicroseconds"]?["most"]?.figure, delay > 0
        else { throw BenchError("the simulator said \(json)") }
        return [
            Measure(kinds[0], [Pair(final / delay, bound: 3)]),
            Measure(kinds[1], [Pair(interval / delay, bound: 2)]),
        ]
    }
}

/// P4: from when a transaction is meant to be sent until it is seen to be final, four validators.
enum Finality: Measurement {
    static let id = "P4"
    private static let rate = 50

    static func kinds(_ options: BenchOptions) -> [MeasureKind] {
        let bound = "three syncs of 4 KiB and five messages over loopback, one after the other"
        return [
            MeasureKind(
                id: "P4", name: "submit → final, 4 validators, \(rate)/s, median", unit: "ms",
                boundName: bound, goal: Goal(.value, .atMost, 20, design: 10)),
            MeasureKind(
                id: "P4-p99", name: "submit → final, 4 validators, \(rate)/s, 99 %", unit: "ms",
                boundName: bound, goal: Goal(.value, .atMost, 80, design: 40)),
        ]
    }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let kinds = kinds(options)
        var medians: [Pair] = []
        var tails: [Pair] = []
        var stages: [Repetition.Stages] = []
        for _ in 0..<(options.isQuick ? 1 : 3) {
            let bound = try LatencyBound.milliseconds()
            let results = try TallyProgram.localnet(
                ["--rate", "\(rate)", "--accounts", "200", "--warmup", "3"],
                seconds: options.isQuick ? 10 : 20)
            let repetition = try results.only()
            let final = repetition.stages.final.quantiles
            progress("P4: \(final.p50) and \(final.p99) ms beside \(bound) ms")
            medians.append(Pair(final.p50, bound: bound))
            tails.append(Pair(final.p99, bound: bound))
            stages.append(repetition.stages)
        }
        let details: [Measure.Detail] = [
            .init("accepted, median ms", Samples(stages.map(\.accepted.quantiles.p50)).median),
            .init(
                "block proposed, median ms", Samples(stages.map(\.included.quantiles.p50)).median),
            .init("settled, median ms", Samples(stages.map(\.settled.quantiles.p50)).median),
        ]
        return [Measure(kinds[0], medians, details: details), Measure(kinds[1], tails)]
    }
}

/// What finality takes where nothing is computed.
enum LatencyBound {
    private static let rounds = 50

    /// Median of: the block and two votes synced, and five messages (request, PROPOSAL, PREPARE,
    /// COMMIT, answer) between two sockets of this machine.
    static func milliseconds() throws -> Double {
        let path = NSTemporaryDirectory() + "tally-bench-sync-" + UUID().uuidString
        let file = open(path, O_CREAT | O_RDWR, 0o600)
        guard file >= 0 else { throw BenchError("cannot make \(path)") }
        defer {
            close(file)
            unlink(path)
        }
        let pair = try LoopbackPair()
        let block = [UInt8](repeating: 7, count: 4_096)
        var taken: [Double] = []
        for _ in 0..<rounds {
            let start = Clocks.wall
            for message in 0..<5 {
                try pair.pass(isBack: message % 2 == 1)
                guard (1...3).contains(message) else { continue }
                guard write(file, block, block.count) == block.count, fdatasync(file) == 0 else {
                    throw BenchError("cannot write \(path)")
                }
            }
            taken.append((Clocks.wall - start) * 1_000)
        }
        return Samples(taken).median
    }
}

/// Two ends of a connection over loopback.
private struct LoopbackPair: ~Copyable {
    private let near: Int32
    private let far: Int32

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        near = client
        let ready = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, address, &size) == 0
                    && connect(client, address, size) == 0
            }
        }
        far = ready ? accept(listener, nil, nil) : -1
        guard far >= 0 else { throw BenchError("no connection over loopback") }
        var one: Int32 = 1
        for end in [near, far] {
            setsockopt(
                end, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    func pass(isBack: Bool) throws {
        var message = [UInt8](repeating: 1, count: 200)
        let (from, to) = isBack ? (far, near) : (near, far)
        guard send(from, message, message.count, 0) == message.count,
            recv(to, &message, message.count, Int32(MSG_WAITALL)) == message.count
        else { throw BenchError("loopback failed") }
    }

    deinit {
        close(near)
        close(far)
    }
}

/// P5: final transactions a second of four validators that share this machine.
enum NetworkThroughput: Measurement {
    static let id = "P5"
    private static let validators = 4.0

    static func kinds(_ options: BenchOptions) -> [MeasureKind] {
        [
            MeasureKind(
                id: "P5", name: "final transfers, 4 validator processes, 4 shards", unit: "/s",
                boundName: "a quarter of the bare recoveries a second: each is made four times",
                goal: Goal(.ratio, .atLeast, 0.35, design: 0.7))
        ]
    }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let workload = try await Workload(
            WorkloadShape(accounts: 1_000, shards: 4, transfers: 20_000))
        let bound = try RecoverBound(workload.raws)
        var pairs: [Pair] = []
        var all: [Repetition] = []
        for _ in 0..<(options.isQuick ? 1 : 3) {
            let recoveries = try await bound.perSecond()
            let results = try TallyProgram.localnet(
                [
                    "--closed", "2000", "--accounts", "2000", "--warmup", "3", "--poll", "10",
                    "--closed-rate", "5000",
                ], seconds: options.isQuick ? 8 : 15)
            let rate = try results.finalWithoutGenerator()
            progress("P5: \(Int(rate))/s beside \(Int(recoveries)) recoveries/s")
            pairs.append(Pair(rate, bound: recoveries / validators))
            all.append(try results.only())
        }
        return [
            Measure(
                kinds(options)[0], pairs,
                details: [
                    .init(
                        "by the clock, generator included", Samples(all.map(\.rates.final)).median),
                    .init(
                        "nodes' CPU-µs a transfer",
                        Samples(all.map { $0.costs.cpuMicroseconds ?? 0 }).median),
                    .init(
                        "generator's CPU-µs a transfer",
                        Samples(all.map(\.generator.cpuMicroseconds)).median),
                    .init(
                        "final, median ms", Samples(all.map(\.stages.final.quantiles.p50)).median),
                ])
        ]
    }
}
