/// What a simulation can find wrong (`Specs/simulation.md`).
package enum Checker: String, Hashable, Sendable, CaseIterable {
    case agreement, validity, certificate, authenticity, signatures, durability, evidence, memory
    case conservation, receipts, roots, invariants, recovery, liveness, execution, fork, refusals
    case rounds, parents, decisions
    /// Money of an economy is not what its events make of it (SIM-44).
    case economy
    /// A measure is not what is promised (SIM-40, SIM-41).
    case measures
}

/// The first rule that a run broke.
package struct SimulationFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let checker: Checker
    package let detail: String

    package var description: String { "\(checker.rawValue): \(detail)" }
}

/// How one seed went.
package struct SimulationResult: Hashable, Sendable {
    package let seed: UInt64
    /// The scenario that the seed stands for, in words.
    package var scenario = ""
    /// What to run to see it again.
    package var command = ""
    package var failure: SimulationFailure?
    /// Over everything that happened, in order: equal for equal runs.
    package var digest: UInt64 = 0
    /// Highest decided height.
    package var heights: UInt64 = 0
    /// Virtual time, in microseconds.
    package var microseconds: UInt64 = 0
    package var events = 0
    package var messages = 0
    package var transactions = 0
    package var receipts = 0
    /// Seeds that draws may come from (SEED-4).
    package var seeds: UInt64 = 0
    package var restarts = 0
    /// Checkpoints that were written.
    package var checkpoints = 0
    /// Highest round that decided.
    package var highestRound: UInt32 = 0
    /// Most rounds above the first that a block took after the last fault (SIM-33).
    package var roundsAfterFaults: UInt32 = 0
    /// Reports of evidence by honest validators.
    package var evidence = 0
    /// Honest validators that stopped at a fork.
    package var halts = 0
    package var faults = FaultHistogram()
    /// Of the scenarios that measure something.
    package var measure: Measure?

    init(seed: UInt64) { self.seed = seed }
}

/// What a named scenario is for. Times are exact: they are virtual, in microseconds.
package enum Measure: Hashable, Sendable {
    /// Least and most, over heights and validators: from PROPOSAL to final, and between PROPOSALs.
    case undisturbed(
        final: ClosedRange<UInt64>, interval: ClosedRange<UInt64>, delay: UInt64, heights: Int)
    /// From the end of a partition until everybody has decided a new height.
    case partition(recovery: UInt64, timeout: UInt64)
}

/// A hash over words that is cheap to go on with: tells runs apart, protects nothing.
struct TraceDigest {
    private(set) var value: UInt64 = 0x9e37_79b9_7f4a_7c15

    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0xff51_afd7_ed55_8ccd
        value ^= value >> 32
    }
}
