import Foundation
import TallyBench
import TallyClient

/// Results as text for people.
enum BenchText {
    static func number(_ value: Double) -> String {
        let magnitude = abs(value)
        if magnitude < 10 { return String(format: "%.2f", value) }
        return String(format: magnitude < 100 ? "%.1f" : "%.0f", value)
    }

    static func percent(_ share: Double) -> String { String(format: "%+.1f %%", share * 100) }

    /// The line on a terminal while a run goes on.
    static func progress(_ tick: LoadRun.Tick, of seconds: Int, since last: LoadRun.Tick?) -> String
    {
        let offered = tick.offered - (last?.offered ?? 0)
        let final = tick.final - (last?.final ?? 0)
        func quantile(_ share: Double) -> String {
            guard !tick.latencies.isEmpty else { return "–" }
            let place = Int(Double(tick.latencies.count - 1) * share)
            return number(Double(tick.latencies[place]) / 1e6)
        }
        return "\(tick.second)/\(seconds) s  offered \(offered)/s  final \(final)/s  p50 "
            + "\(quantile(0.5)) ms  p99 \(quantile(0.99)) ms  backlog \(tick.backlog)"
    }

    static func text(_ results: BenchResults, directory: String?) -> String {
        var parts: [String] = []
        for (number, repetition) in results.repetitions.enumerated() {
            parts.append(text(repetition, number + 1, of: results.repetitions.count))
        }
        if results.repetitions.count > 1 { parts.append(summary(results)) }
        if let directory {
            parts.append("Wrote \(directory)/results.json, seconds.csv and report.html.")
        }
        return parts.joined(separator: "\n\n")
    }

    private static func text(_ repetition: Repetition, _ index: Int, of count: Int) -> String {
        let rates = repetition.rates
        let stages = repetition.stages
        var lines = [
            "Repetition \(index) of \(count): offered \(number(rates.offered))/s, accepted "
                + "\(number(rates.accepted))/s, final \(number(rates.final))/s, settled "
                + "\(number(rates.settled))/s",
            Table(
                ["ms", "p50", "p90", "p99", "p99.9", "max", "count"],
                [
                    ("accepted", stages.accepted), ("included", stages.included),
                    ("final", stages.final), ("settled", stages.settled),
                ].map { name, stage in
                    let quantiles = stage.quantiles
                    return [name]
                        + [
                            quantiles.p50, quantiles.p90, quantiles.p99, quantiles.p999,
                            quantiles.max,
                        ].map(number) + ["\(quantiles.count)"]
                }
            ).text,
        ]
        let counts = repetition.counts
        lines.append(
            "\(counts.acknowledged) acknowledged, \(counts.final) final, \(counts.failed) failed, "
                + "\(counts.unsuccessful) without effect, \(counts.resubmitted) sent again")
        if let cpu = repetition.costs.cpuMicroseconds, let bytes = repetition.costs.bytesWritten {
            let fsyncs = repetition.costs.fsyncs.map { ", \(number($0)) fsyncs" } ?? ""
            lines.append(
                "a transaction: \(number(cpu)) CPU-µs of all nodes, \(number(bytes)) bytes written"
                    + fsyncs)
        }
        let generator = repetition.generator
        lines.append(
            "generator: \(number(generator.cpuMicroseconds)) CPU-µs a transaction, "
                + "\(number(generator.lateShare * 100)) % late, worst "
                + "\(number(generator.worstLagMilliseconds)) ms")
        lines.append(
            "sustained: "
                + (repetition.sustained.holds
                    ? "yes" : "no, \(repetition.sustained.reason ?? "")")
                + "; books balance: \(repetition.conservation.holds ? "yes" : "NO")")
        for node in repetition.presence {
            lines.append(
                "\(node.node) at height \(node.height): "
                    + "\(counts.acknowledged - node.missing) of \(counts.acknowledged) acknowledged "
                    + "transactions present, \(node.repeated) repeated, \(node.differing) blocks "
                    + "differ")
        }
        lines += repetition.invalid.map { "NOT VALID: \($0)" }
        lines += repetition.faults.map { "FAULT: \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func summary(_ results: BenchResults) -> String {
        Table(
            ["figure", "median", "least", "most", "unit"],
            Figure.allCases.compactMap { figure in
                results.summary[figure.rawValue].map {
                    [
                        figure.rawValue, number($0.median), number($0.least), number($0.most),
                        figure.unit,
                    ]
                }
            }
        ).text
    }

    /// What `--json` prints: the results without the seconds, which are in the files.
    static func json(_ results: BenchResults, directory: String?) throws -> JSON {
        var short = results
        for index in short.repetitions.indices { short.repetitions[index].seconds = [] }
        let json = try JSON.parse(try short.encoded())
        guard case .object(let object) = json else { return json }
        return .object(
            JSONObject(
                object.members + [.init("out", directory.map { .string($0) } ?? .null)]))
    }
}
