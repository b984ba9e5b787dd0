import Foundation
import TallyPrimitives

extension Repetition {
    /// What was asked of the ledger around a run.
    struct Evidence: Sendable {
        var scan: BlockScan
        var before: UInt128
        var after: UInt128
        var presence: [NodePresence]
        var events: [Event]
        var signingSeconds: Double
        /// Sum of the nodes' counters, where they say so.
        var fsyncs: Double?
    }

    /// - Parameter transactions: those of the run.
    init(
        _ outcome: LoadOutcome, _ options: LoadOptions, transactions: [SignedTransaction],
        _ evidence: Evidence
    ) {
        let tracker = outcome.tracker
        // A closed loop may run out of transactions before its time.
        let start = UInt64(options.warmup * 1e9)
        let whole = UInt64(options.offeredSeconds * 1e9)
        let end = options.mode.isOpen ? whole : max(start + 1, min(outcome.offeringEnd, whole))
        let window = Window(start: start, end: end)
        let settledAt = { (index: Int) -> UInt64? in
            evidence.scan.settled[index].flatMap { tracker.heights[$0] }
        }
        stages = window.stages(tracker, settledAt)
        rates = window.rates(tracker, settledAt)
        seconds = Second.all(outcome.ticks, tracker, settledAt)
        let lost = tracker.offered - tracker.final
        counts = Counts(
            offered: tracker.offered, acknowledged: tracker.accepted, final: tracker.final,
            settled: evidence.scan.settled.count,
            crossShard: zip(tracker.entries, transactions).count {
                $0.final != nil && $1.isCross
            },
            failed: lost, unsuccessful: evidence.scan.unsuccessful,
            resubmitted: outcome.resubmitted, failovers: outcome.failovers,
            refusals: tracker.reasons, retries: tracker.retries)
        let failures = lost + evidence.scan.unsuccessful
        sustained = Sustained(
            seconds: seconds.filter {
                UInt64($0.second) * 1_000_000_000 > start
                    && UInt64($0.second) * 1_000_000_000 <= end
            }, rate: rates.offered,
            failureRatio: Double(failures) / Double(max(1, tracker.offered)))
        let final = Double(max(1, tracker.final))
        let last = outcome.ticks.last?.processes ?? []
        let cpu = last.reduce(0) { $0 + $1.cpuSeconds }
        costs = Costs(
            cpuMicroseconds: last.isEmpty ? nil : cpu * 1e6 / final,
            bytesWritten: last.isEmpty
                ? nil : Double(last.reduce(0) { $0 + $1.bytesWritten }) / final,
            fsyncs: evidence.fsyncs.map { $0 / final })
        generator = Generator(
            cpuSeconds: outcome.generatorSeconds,
            cpuMicroseconds: outcome.generatorSeconds * 1e6 / final,
            lateShare: outcome.lateShare,
            worstLagMilliseconds: Double(outcome.worstLag) / 1e6,
            signingSeconds: evidence.signingSeconds)
        conservation = Conservation(evidence)
        presence = evidence.presence
        events = evidence.events
        invalid = []
        faults = []
        judge(evidence, tracker)
    }

    /// BENCH-6, BENCH-8, BENCH-9
    private mutating func judge(_ evidence: Evidence, _ tracker: RunTracker) {
        if generator.lateShare > 0.01 {
            let share = String(format: "%.1f", generator.lateShare * 100)
            invalid.append("\(share) % of the transactions were offered more than 10 ms late")
        }
        if tracker.final == 0 { invalid.append("no transaction became final") }
        if evidence.scan.found != tracker.final {
            faults.append(
                "\(tracker.final) transactions were seen in blocks, and \(evidence.scan.found) "
                    + "have receipts there")
        }
        if !conservation.holds {
            faults.append(
                "balances before (\(conservation.before)) are not those after "
                    + "(\(conservation.after)) with fees (\(conservation.fees)) and what is in "
                    + "flight (\(conservation.inFlight))")
        }
        for node in presence where node.missing + node.repeated + node.differing > 0 {
            faults.append(
                "\(node.node): \(node.missing) acknowledged transactions are missing, "
                    + "\(node.repeated) are there more than once, \(node.differing) blocks differ")
        }
    }
}

extension LoadMode {
    var isOpen: Bool { if case .open = self { true } else { false } }
}

/// The seconds of a run that count.
private struct Window {
    let start: UInt64
    let end: UInt64

    /// Latencies of the transactions that were meant to be sent in it.
    func stages(_ tracker: RunTracker, _ settledAt: (Int) -> UInt64?) -> Repetition.Stages {
        var (accepted, included) = (LatencyHistogram(), LatencyHistogram())
        var (final, settled) = (LatencyHistogram(), LatencyHistogram())
        for (index, entry) in tracker.entries.enumerated()
        where entry.place != .waiting && entry.intended >= start && entry.intended < end {
            let begin = entry.intended
            func add(_ time: UInt64, _ histogram: inout LatencyHistogram) {
                histogram.record(nanoseconds: time - min(time, begin))
            }
            if let time = entry.accepted { add(time, &accepted) }
            if let time = entry.final {
                // The proposer's clock has milliseconds, and is another one.
                let proposed = UInt64(max(0, entry.proposed))
                add(min(time, proposed), &included)
                add(time, &final)
            }
            if let time = settledAt(index) { add(time, &settled) }
        }
        return Repetition.Stages(
            accepted: .init(accepted), included: .init(included), final: .init(final),
            settled: .init(settled))
    }

    func rates(_ tracker: RunTracker, _ settledAt: (Int) -> UInt64?) -> Repetition.Rates {
        var counts = (offered: 0, accepted: 0, final: 0, settled: 0)
        let isInside = { (time: UInt64?) in time.map { $0 >= start && $0 < end } ?? false }
        for (index, entry) in tracker.entries.enumerated() where entry.place != .waiting {
            if isInside(entry.intended) { counts.offered += 1 }
            if isInside(entry.accepted) { counts.accepted += 1 }
            if isInside(entry.final) { counts.final += 1 }
            if isInside(settledAt(index)) { counts.settled += 1 }
        }
        let seconds = Double(end - start) / 1e9
        return Repetition.Rates(
            offered: Double(counts.offered) / seconds, accepted: Double(counts.accepted) / seconds,
            final: Double(counts.final) / seconds, settled: Double(counts.settled) / seconds)
    }
}

extension Repetition.Second {
    fileprivate static func all(
        _ ticks: [LoadRun.Tick], _ tracker: RunTracker, _ settledAt: (Int) -> UInt64?
    ) -> [Repetition.Second] {
        var settled = Array(repeating: 0, count: ticks.count)
        for index in tracker.entries.indices {
            guard let time = settledAt(index) else { continue }
            let second = Int(time / 1_000_000_000)
            if settled.indices.contains(second) { settled[second] += 1 }
        }
        var last = (offered: 0, accepted: 0, final: 0, failed: 0)
        return ticks.enumerated().map { place, tick in
            defer { last = (tick.offered, tick.accepted, tick.final, tick.failed) }
            func quantile(_ share: Double) -> Double? {
                guard !tick.latencies.isEmpty else { return nil }
                let index = Int((Double(tick.latencies.count) * share).rounded(.up)) - 1
                return Double(tick.latencies[max(0, index)] / 1_000) / 1_000
            }
            return Repetition.Second(
                second: tick.second, offered: tick.offered - last.offered,
                accepted: tick.accepted - last.accepted, final: tick.final - last.final,
                settled: settled[place], failed: tick.failed - last.failed, backlog: tick.backlog,
                p50: quantile(0.5), p99: quantile(0.99), processes: tick.processes)
        }
    }
}

extension Repetition.Conservation {
    fileprivate init(_ evidence: Repetition.Evidence) {
        before = String(evidence.before)
        after = String(evidence.after)
        fees = String(evidence.scan.fees)
        inFlight = String(evidence.scan.inFlight)
        holds = evidence.before == evidence.after + evidence.scan.fees + evidence.scan.inFlight
    }
}

extension Repetition.Sustained {
    /// Shorter windows say nothing about what holds.
    package static let leastSeconds = 60.0
    package static let mostFailures = 0.001

    /// - Parameters:
    ///   - seconds: those that count, in order.
    ///   - rate: transactions offered a second.
    package init(seconds: [Repetition.Second], rate: Double, failureRatio: Double) {
        let count = Double(seconds.count)
        let (slope, error) = Self.slope(seconds.map { Double($0.backlog) })
        self.seconds = count
        self.slope = slope
        self.slopeError = error
        self.failureRatio = failureRatio
        grows = slope - 2 * error > max(0, rate * 0.001)
        if grows {
            reason = "the backlog grows by \(String(format: "%.1f", slope)) a second"
        } else if failureRatio >= Self.mostFailures {
            reason = "\(String(format: "%.2f", failureRatio * 100)) % failed"
        } else if count < Self.leastSeconds {
            reason = "only \(Int(count)) s were measured"
        } else {
            reason = nil
        }
        holds = reason == nil
    }

    /// Whether nothing but the length of the window speaks against it.
    package var isHeldSoFar: Bool { !grows && failureRatio < Self.mostFailures }

    /// Least squares over 0, 1, 2 …, with the standard error of the slope.
    package static func slope(_ values: [Double]) -> (slope: Double, error: Double) {
        let n = Double(values.count)
        guard values.count > 2 else { return (0, 0) }
        let meanX = (n - 1) / 2
        let meanY = values.reduce(0, +) / n
        var (xx, xy) = (0.0, 0.0)
        for (index, value) in values.enumerated() {
            let x = Double(index) - meanX
            xx += x * x
            xy += x * (value - meanY)
        }
        let slope = xy / xx
        let rest = values.enumerated().reduce(0.0) { sum, item in
            let miss = item.element - meanY - slope * (Double(item.offset) - meanX)
            return sum + miss * miss
        }
        return (slope, (rest / (n - 2) / xx).squareRoot())
    }
}
