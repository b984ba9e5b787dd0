/// Why a calculation of the compute economy has no result.
package enum EconomyError: Error, Hashable, Sendable {
    /// The result, or a sum on the way to it, exceeds its type.
    case overflow
    /// A proof that took no time.
    case zeroProofTime
    /// A rate for a stake of nothing.
    case zeroRate
    /// A stake for no days.
    case zeroTerm
    /// A median of nothing.
    case noAttestation
    /// A node's index is ahead of the pool's.
    case indexAhead
}
