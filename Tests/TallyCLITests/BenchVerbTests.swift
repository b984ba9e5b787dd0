import Foundation
import TallyClient
import Testing

@testable import TallyBench
@testable import TallyCLI

@Suite(.serialized) struct BenchVerbTests {
    @Test(.timeLimit(.minutes(2))) func measuresALedgerOfItsOwn() async throws {
        let scratch = try Scratch()
        let out = scratch["out"]
        let outcome = try await TallyProgram.run([
            "bench", "run", "--rate", "50", "--duration", "2", "--warmup", "0",
            "--repetitions", "1", "--accounts", "10", "--cross-ratio", "0.5", "--check-all",
            "--json", "--out", out,
        ])
        // A machine that is busy with other things makes the generator late, and nothing else wrong.
        let text = try String(contentsOfFile: out + "/results.json", encoding: .utf8)
        let results = try BenchResults(Array(text.utf8), file: "results.json")
        let repetition = try #require(results.repetitions.first)
        #expect(outcome.code == (repetition.invalid.isEmpty ? 0 : 1), "\(outcome.error)")
        #expect(repetition.counts.offered == 100)
        #expect(repetition.counts.final == 100)
        #expect(repetition.counts.settled == 100)
        #expect(repetition.counts.crossShard > 20)
        #expect(repetition.conservation.holds)
        #expect(repetition.conservation.fees != "0")
        #expect(repetition.presence.map(\.missing) == [0])
        #expect(repetition.faults.isEmpty)
        #expect(repetition.stages.final.quantiles.count == 100)
        #expect(repetition.stages.final.quantiles.p50 > 0)
        #expect(try #require(repetition.costs.cpuMicroseconds) > 0)
        #expect(!outcome.error.contains("\r"), "no progress line without a terminal")
        let json = try outcome.json
        #expect(json["schema"] == "tally-bench")
        #expect(json["out"] == .string(out))
        let html = try String(contentsOfFile: out + "/report.html", encoding: .utf8)
        #expect(html.hasPrefix("<!DOCTYPE html>"))
        let csv = try String(contentsOfFile: out + "/seconds.csv", encoding: .utf8)
        #expect(csv.hasPrefix("repetition,second,offered"))
    }

    @Test(arguments: [
        ["--rate", "0"], ["--closed", "5", "--rate", "7"], ["--target", "dev", "--rpc", "a:1"],
        ["--kill-every", "20"], ["--cross-ratio", "2"], ["--accounts", "1"], ["--keys", "f"],
        ["--repetitions", "0"], ["--target", "mainnet"],
    ])
    func refusesWrongUsage(arguments: [String]) async {
        let captured = CapturedConsole()
        let code = await CommandLineTool.run(
            ["bench", "run"] + arguments, console: captured.console)
        #expect(code == 2)
    }

    @Test func saysThatNobodyListens() async {
        let captured = CapturedConsole()
        let code = await CommandLineTool.run(
            ["bench", "run", "--rpc", "127.0.0.1:1", "--json"], console: captured.console)
        #expect(code == 1)
        #expect(captured.error.contains("\"unreachable\""))
    }

    @Test func comparisonFailsOnARegression() async throws {
        let scratch = try Scratch()
        func write(_ name: String, _ spread: (Double, Double, Double)) throws -> String {
            let results = BenchResults(
                program: "0", date: "", environment: .current,
                target: .init(kind: "dev", nodes: ["dev"], shards: 4), load: LoadOptions(),
                workload: LoadShape(), repetitions: [],
                summary: [
                    Figure.finalP99.rawValue: .init(
                        median: spread.0, least: spread.1, most: spread.2)
                ], search: nil)
            try Data(try results.encoded()).write(to: URL(filePath: scratch[name]))
            return scratch[name]
        }
        let old = try write("old.json", (100, 95, 105))
        let slow = try write("slow.json", (150, 140, 160))
        let captured = CapturedConsole()
        #expect(
            await CommandLineTool.run(
                ["bench", "compare", old, slow], console: captured.console) == 1)
        #expect(captured.output.contains("+50.0 %"))
        #expect(captured.error.contains("finalP99"))
        #expect(
            await CommandLineTool.run(
                ["bench", "compare", slow, old], console: CapturedConsole().console) == 0)
        #expect(
            await CommandLineTool.run(
                ["bench", "compare", old, slow, "--threshold", "60"],
                console: CapturedConsole().console) == 0)
        let other = CapturedConsole()
        try Data("{}".utf8).write(to: URL(filePath: scratch["x.json"]))
        #expect(
            await CommandLineTool.run(
                ["bench", "compare", old, scratch["x.json"], "--json"], console: other.console)
                == 1)
        #expect(other.error.contains("\"schema\""))
    }
}
