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
            "highest     round \(report.highestRound) decided; after the last fault at most "
                + "\(report.roundsAfterFaults) above the first",
            "restarts    \(report.restarts); evidence \(report.evidence); halts \(report.halts)",
            "faults      \(faults.isEmpty ? "none" : faults.joined(separator: ", "))",
            "speed       \(speed(report, cpuSeconds)) simulated seconds a CPU second",
            "digest      \(hex(report.digest))",
        ]
        if let measure = report.measure { lines.append("measured    \(text(measure))") }
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
            "highestRound": JSON(UInt64(report.highestRound)),
            "roundsAfterFaults": JSON(UInt64(report.roundsAfterFaults)),
            "simulatedSecondsPerCPUSecond": JSON(speed(report, cpuSeconds)),
            "measure": report.measure.map(json) ?? .null, "faults": .object(faults),
            "scenario": last.map { .string($0.scenario) } ?? .null,
            "digest": .string(hex(report.digest)),
        ]
    }

    /// Simulated seconds a second of all processors together.
    private static func speed(_ report: SimulationReport, _ cpuSeconds: Double) -> UInt64 {
        UInt64(Double(report.microseconds) / 1_000_000 / max(cpuSeconds, 0.001))
    }

    // MARK: Measures

    private static func text(_ measure: Measure) -> String {
        switch measure {
        case .undisturbed(let final, let interval, let delay, let heights):
            "final \(ratio(final, delay)) message delays after the proposal, a proposal every "
                + "\(ratio(interval, delay)) delays, over \(heights) heights"
        case .partition(let recovery, let timeout):
            "the next height everywhere \(ratio(recovery, timeout)) round timeouts after a "
                + "partition of 60 s, at most"
        }
    }

    private static func json(_ measure: Measure) -> JSON {
        switch measure {
        case .undisturbed(let final, let interval, let delay, let heights):
            [
                "delayMicroseconds": JSON(delay), "finalMicroseconds": json(final),
                "finalDelays": .string(ratio(final, delay)),
                "intervalMicroseconds": json(interval),
                "intervalDelays": .string(ratio(interval, delay)), "heights": JSON(heights),
            ]
        case .partition(let recovery, let timeout):
            [
                "timeoutMicroseconds": JSON(timeout), "recoveryMicroseconds": JSON(recovery),
                "recoveryTimeouts": .string(ratio(recovery, timeout)),
            ]
        }
    }

    private static func json(_ range: ClosedRange<UInt64>) -> JSON {
        ["least": JSON(range.lowerBound), "most": JSON(range.upperBound)]
    }

    /// One number where all are equal.
    private static func ratio(_ range: ClosedRange<UInt64>, _ unit: UInt64) -> String {
        let least = ratio(range.lowerBound, unit)
        return range.lowerBound == range.upperBound
            ? least : "\(least) to \(ratio(range.upperBound, unit))"
    }

    /// With as many decimals as it takes, from one to three, rounded up: what is promised is a most.
    private static func ratio(_ value: UInt64, _ unit: UInt64) -> String {
        let thousandths = (value * 1000 + unit - 1) / unit
        var digits = String(1000 + thousandths % 1000).dropFirst()
        while digits.count > 1, digits.last == "0" { digits = digits.dropLast() }
        return "\(thousandths / 1000).\(digits)"
    }

    private static func hex(_ digest: UInt64) -> String {
        let digits = String(digest, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
