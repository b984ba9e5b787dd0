import TallyPrimitives

/// Scenarios with a name (SIM-40 to SIM-42).
extension Scenario {
    mutating func play(_ script: Script) {
        calm()
        switch script {
        case .undisturbed:
            // Checked for liveness from the beginning.
            healsAt = 0
        case .partition:
            arrival = 1_000_000
            healsAt = Self.partition.upperBound
        case .control:
            faulty = [0: [.equivocates], 1: [.equivocates]]
            healsAt = 60_000_000
        }
    }

    /// When the halves of a partition do not reach each other.
    static let partition: ClosedRange<UInt64> = 3_000_000...63_000_000

    /// Nothing goes wrong, disk and processor take no time, and there is always work: something
    /// that can be executed arrives in every message delay.
    mutating func calm() {
        isPipelined = true
        delay = 100_000
        jitter = 0
        firstTimeout = 1_000_000
        diskDelay = 0
        executionDelay = 0
        arrival = 40_000
        transactionsPerArrival = 4
        hasIllegal = false
    }
}
