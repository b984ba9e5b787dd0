package import TallyExecution
import TallyPrimitives

/// What a new network's parameters begin as; a genesis document states them all (ECON-28).
package enum NetworkProfile: String, Sendable, CaseIterable {
    /// A ledger of transfers.
    case none
    /// The compute economy of EMC: nodes, proofs, jobs, trades and their rewards.
    case emc

    /// Sets what the profile says, and nothing else.
    package func apply(to parameters: inout NetworkParameters) {
        switch self {
        case .none: break
        case .emc:
            parameters.economy = .emc
            // S1:280: 43,200 blocks of nominally 2 s.
            parameters.epochMilliseconds = 86_400_000
            // With 8 decimals, a transfer's 21,000 are 0.00021 of a token.
            parameters.minimumBaseFee = Amount(1)
            parameters.baseFeeDestination = .treasury
        }
    }
}
