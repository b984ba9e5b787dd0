import ArgumentParser
import TallyBench
import TallyClient
import TallyNode

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast a ledger makes transactions final.",
        discussion: """
            Examples:
              tally bench run
              tally bench run --target localnet --rate 1000 --duration 60 --out results
              tally bench compare before/results.json after/results.json
            """,
        subcommands: [BenchRunCommand.self, BenchCompareCommand.self])
}

struct BenchCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Say what changed between two results.",
        discussion: """
            A figure is worse when its median moved the wrong way by more than the threshold and the \
            repetitions of the two results do not overlap. Exit code 1 when one is worse. Results that did not \
            measure the same thing are refused.

            Example:
              tally bench compare before/results.json after/results.json --threshold 5
            """)

    @Argument(help: "results.json of the earlier run.", completion: .file(extensions: ["json"]))
    var before: String
    @Argument(help: "results.json of the later run.", completion: .file(extensions: ["json"]))
    var after: String
    @Option(
        name: .long,
        help: ArgumentHelp("Least change that counts, in per cent.", valueName: "percent"))
    var threshold = Comparison.defaultThreshold * 100
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard threshold.isFinite, (0...1_000).contains(threshold) else {
            throw ValidationError("--threshold is 0 to 1000")
        }
    }

    func run() throws {
        let comparison = try Comparison(
            try results(before), try results(after), threshold: threshold / 100)
        output.print(comparison.json, comparison.text)
        let worse = comparison.regressions.map(\.figure.rawValue)
        guard worse.isEmpty else {
            throw CommandFailure(
                "regression",
                "worse by more than \(threshold) %: \(worse.joined(separator: ", "))")
        }
    }

    private func results(_ file: String) throws -> BenchResults {
        try BenchResults(try Files.read(file, limit: 256 << 20), file: file)
    }
}

extension Comparison {
    var json: JSON {
        [
            "threshold": .figure(threshold),
            "figures": .array(
                lines.map { line in
                    [
                        "figure": .string(line.figure.rawValue), "unit": .string(line.figure.unit),
                        "before": line.before.json, "after": line.after.json,
                        "change": .figure(line.change), "verdict": .string(line.verdict.rawValue),
                    ]
                }),
        ]
    }

    var text: String {
        Table(
            ["figure", "before", "after", "change", ""],
            lines.map { line in
                [
                    line.figure.rawValue,
                    "\(BenchText.number(line.before.median)) \(line.figure.unit)",
                    "\(BenchText.number(line.after.median)) \(line.figure.unit)",
                    BenchText.percent(line.change), line.verdict.rawValue,
                ]
            }
        ).text
    }
}

extension BenchResults.Spread {
    var json: JSON {
        ["median": .figure(median), "least": .figure(least), "most": .figure(most)]
    }
}
