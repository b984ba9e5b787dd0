import TallyPrimitives

extension BlockExecutor {
    /// RCPT-13: takes in what another endpoint tells at the end of an epoch.
    mutating func settleEpoch(_ receipt: Receipt) throws(ExecutionError) {
        bounce(receipt, .malformed)
    }

    /// Runs an entry whose time has come.
    mutating func run(_ due: EpochDue, _ entry: DueEntry) throws(ExecutionError) {
        switch due {
        case .placeholder: break
        }
    }
}
