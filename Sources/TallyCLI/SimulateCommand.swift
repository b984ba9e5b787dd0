import ArgumentParser
import Glibc
import TallyClient
import TallySimulation

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run whole networks in virtual time, with faults, from a seed.",
        discussion: """
            Validators with the real agreement, ledger and log over a simulated network, clock \
            and disk. The seed decides everything: the same seed is the same run. Stops at the \
            first seed that breaks a rule, with exit code 1 and a line `failed: seed N: RULE: …`; \
            the line `again: …` is the command that shows it once more.

            Without --faults the seed chooses which faults there are, often none of some class; each \
            class named with --faults happens in every run. Scenarios with a name: \
            `undisturbed` measures message delays to finality and between blocks, `partition` the \
            round timeouts until the next block after a minute in halves, and `control` lets two \
            of four validators break the rules unknown to the checkers, so it has to fail.

            Examples:
              tally simulate --seed 42
              tally simulate --seed 1 --seeds 2000 --jobs 2
              tally simulate --seed 7 --validators 4 --faults network,process
              tally simulate --scenario undisturbed --validators 7
            """)

    @Option(name: .long, help: "First seed.")
    var seed: UInt64 = 1

    @Option(name: .long, help: "How many seeds to run.")
    var seeds: UInt64 = 1

    @Option(name: .long, help: "Validators, 1 to 31; else as the seed has it.")
    var validators: Int?

    @Option(name: .long, help: "Shards, 1 to 16; else as the seed has it.")
    var shards: Int?

    @Option(name: .long, help: "A scenario with a name; goes without --faults.")
    var scenario: Script?

    @Option(name: .long, help: "Heights that a run reaches at least; else as the seed has it.")
    var heights: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Faults that happen in every run, by comma: \(FaultList.names); none; or all, from "
                + "which the seed chooses. (default: all)",
            valueName: "list"))
    var faults: FaultList?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether the network has a compute economy; else as the seed has it.")
    var economy: Bool?

    @Option(name: .long, help: "Seeds that run at once.")
    var jobs = 1

    @OptionGroup var output: OutputOptions

    func validate() throws {
        try check("seed", seed, 0...(.max - 1))
        try check("seeds", seeds, 1...(.max - seed), " from seed \(seed)")
        try check("validators", validators, 1...SimulationOptions.mostValidators)
        try check("shards", shards, 1...16)
        try check("heights", heights, 1...10_000)
        try check("jobs", jobs, 1...256)
        if scenario != nil, economy == true {
            throw ValidationError("--scenario goes without --economy")
        }
        guard scenario == nil || faults == nil else {
            throw ValidationError("--scenario goes without --faults")
        }
        let cause = scenario.map { "scenario \($0.rawValue)" } ?? "these --faults"
        try check("validators", validators, options.validatorRange, " for \(cause)")
    }

    private func check<Number: FixedWidthInteger>(
        _ name: String, _ value: Number?, _ range: ClosedRange<Number>, _ cause: String = ""
    ) throws {
        guard let value, !range.contains(value) else { return }
        let isOne = range.lowerBound == range.upperBound
        let bounds = isOne ? "" : "\(range.lowerBound) to "
        throw ValidationError("--\(name) is \(bounds)\(range.upperBound)\(cause)")
    }

    private var options: SimulationOptions {
        SimulationOptions(
            validators: validators, shards: shards, heights: heights, faults: faults?.value,
            script: scenario, economy: economy)
    }

    func run() async throws {
        let options = options
        let start = clock()
        let (report, last) = await simulate(options)
        let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        output.print(
            SimulationText.json(report, last, cpuSeconds: seconds),
            SimulationText.text(report, last, cpuSeconds: seconds))
        guard let failed = report.failed else { return }
        throw CommandFailure(
            "simulation", "seed \(failed.seed) breaks a rule; to see it again: \(failed.command)")
    }

    /// Results in the order of seeds, up to the first failure.
    private func simulate(
        _ options: SimulationOptions
    ) async -> (SimulationReport, last: SimulationResult?) {
        var report = SimulationReport()
        var last: SimulationResult?
        var ended: [UInt64: SimulationResult] = [:]
        let end = seed + seeds
        await withTaskGroup(of: SimulationResult.self) { group in
            var next = seed
            var wanted = seed
            func start() {
                guard next < end else { return }
                let seed = next
                next += 1
                group.addTask { Simulation.run(seed: seed, options: options) }
            }
            for _ in 0..<jobs { start() }
            while let result = await group.next() {
                ended[result.seed] = result
                while report.failed == nil, let result = ended.removeValue(forKey: wanted) {
                    report.add(result)
                    last = result
                    wanted += 1
                }
                if report.failed == nil { start() }
            }
        }
        return (report, last)
    }
}

/// Classes of faults on the command line.
struct FaultList: ExpressibleByArgument {
    /// `nil` for all: the seed chooses.
    let value: Set<FaultClass>?

    static var names: String { FaultClass.allCases.map(\.rawValue).joined(separator: ", ") }

    init?(argument: String) {
        switch argument {
        case "all": value = nil
        case "none": value = []
        default:
            var classes: Set<FaultClass> = []
            for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
                guard let faults = FaultClass(rawValue: String(name)) else { return nil }
                classes.insert(faults)
            }
            value = classes
        }
    }

    static var allValueStrings: [String] { FaultClass.allCases.map(\.rawValue) + ["all", "none"] }
}

extension Script: ExpressibleByArgument {}
