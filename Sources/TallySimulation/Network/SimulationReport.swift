/// What many seeds add up to.
package struct SimulationReport: Sendable {
    package private(set) var passed = 0
    /// That of the lowest seed that failed.
    package private(set) var failed: SimulationResult?
    package private(set) var microseconds: UInt64 = 0
    package private(set) var heights: UInt64 = 0
    package private(set) var events = 0
    package private(set) var messages = 0
    package private(set) var transactions = 0
    package private(set) var receipts = 0
    package private(set) var restarts = 0
    package private(set) var checkpoints = 0
    package private(set) var evidence = 0
    package private(set) var halts = 0
    package private(set) var highestRound: UInt32 = 0
    package private(set) var roundsAfterFaults: UInt32 = 0
    package private(set) var faults = FaultHistogram()
    /// Over the digests of all results, in the order of their seeds.
    package var digest: UInt64 { trace.value }
    /// Of all seeds, the extremes.
    package private(set) var measure: Measure?
    private var trace = TraceDigest()

    package init() {}

    /// Adds the result of the next seed.
    package mutating func add(_ result: SimulationResult) {
        if result.failure == nil { passed += 1 } else { failed = failed ?? result }
        microseconds += result.microseconds
        heights += result.heights
        events += result.events
        messages += result.messages
        transactions += result.transactions
        receipts += result.receipts
        restarts += result.restarts
        checkpoints += result.checkpoints
        evidence += result.evidence
        halts += result.halts
        roundsAfterFaults = max(roundsAfterFaults, result.roundsAfterFaults)
        highestRound = max(highestRound, result.highestRound)
        faults.add(result.faults)
        if let other = result.measure { measure = measure?.joined(other) ?? other }
        trace.add(result.digest)
    }
}

extension Measure {
    /// The extremes of both; of two kinds, the first.
    func joined(_ other: Measure) -> Measure {
        switch (self, other) {
        case (
            .undisturbed(let final, let interval, let delay, let heights),
            .undisturbed(let otherFinal, let otherInterval, _, let otherHeights)
        ):
            .undisturbed(
                final: final.joined(otherFinal), interval: interval.joined(otherInterval),
                delay: delay, heights: heights + otherHeights)
        case (.partition(let recovery, let timeout), .partition(let other, _)):
            .partition(recovery: max(recovery, other), timeout: timeout)
        case (.undisturbed, .partition), (.partition, .undisturbed): self
        }
    }
}

extension ClosedRange<UInt64> {
    fileprivate func joined(_ other: Self) -> Self {
        Swift.min(lowerBound, other.lowerBound)...Swift.max(upperBound, other.upperBound)
    }
}
