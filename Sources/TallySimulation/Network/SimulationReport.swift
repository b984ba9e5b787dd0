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
    package private(set) var faults = FaultHistogram()
    /// Over the digests of all results, in the order of their seeds.
    package var digest: UInt64 { trace.value }
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
        highestRound = max(highestRound, result.highestRound)
        faults.add(result.faults)
        trace.add(result.digest)
    }
}
