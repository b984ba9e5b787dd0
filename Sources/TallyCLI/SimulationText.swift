import TallyClient
import TallySimulation

/// What `tally simulate` prints.
enum SimulationText {
    static func text(
        _ report: SimulationReport, _ last: SimulationResult?, cpuSeconds: Double
    ) -> String {
        var lines: [String] = []
        if report.passed + (report.failed == nil ? 0 : 1) == 1, let last {
            lines.append("scenario    \(last.scenario)")
        }
        let faults = report.faults.entries.map { "\($0.fault.rawValue) \($0.count)" }
        let seconds = Double(report.microseconds) / 1_000_000
        lines += [
            "seeds       \(report.passed) passed, \(report.failed == nil ? 0 : 1) failed",
            "simulated   \(Int(seconds)) s, \(report.heights) heights, "
                + "\(report.transactions) transactions, \(report.receipts) receipts, "
                + "\(report.messages) messages",
            "highest     round \(report.highestRound) decided",
            "restarts    \(report.restarts); evidence \(report.evidence); halts \(report.halts)",
            "faults      \(faults.isEmpty ? "none" : faults.joined(separator: ", "))",
            "speed       \(Int(seconds / max(cpuSeconds, 0.001))) simulated seconds a CPU second",
            "digest      \(hex(report.digest))",
        ]
        if let failed = report.failed, let failure = failed.failure {
            lines += [
                "failed: seed \(failed.seed): \(failure)", "scenario: \(failed.scenario)",
                "again: \(failed.command)",
            ]
        }
        return lines.joined(separator: "\n")
    }

    static func json(
        _ report: SimulationReport, _ last: SimulationResult?, cpuSeconds: Double
    ) -> JSON {
        let faults = JSONObject(
            report.faults.entries.map { .init($0.fault.rawValue, JSON($0.count)) })
        let failure: JSON =
            report.failed.flatMap { failed in
                failed.failure.map {
                    [
                        "seed": JSON(failed.seed), "checker": .string($0.checker.rawValue),
                        "detail": .string($0.detail), "scenario": .string(failed.scenario),
                        "command": .string(failed.command),
                    ]
                }
            } ?? .null
        return [
            "passed": JSON(report.passed), "failure": failure,
            "simulatedMilliseconds": JSON(report.microseconds / 1000),
            "cpuMilliseconds": JSON(UInt64(cpuSeconds * 1000)),
            "heights": JSON(report.heights), "transactions": JSON(report.transactions),
            "receipts": JSON(report.receipts), "messages": JSON(report.messages),
            "events": JSON(report.events), "restarts": JSON(report.restarts),
            "evidence": JSON(report.evidence), "halts": JSON(report.halts),
            "highestRound": JSON(UInt64(report.highestRound)), "faults": .object(faults),
            "scenario": last.map { .string($0.scenario) } ?? .null,
            "digest": .string(hex(report.digest)),
        ]
    }

    private static func hex(_ digest: UInt64) -> String {
        let digits = String(digest, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
