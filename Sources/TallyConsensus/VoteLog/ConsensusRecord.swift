package import TallyPrimitives

/// What has to be durable before its consequences may be seen (IBFT-R9).
///
/// Votes hold the signed message itself: it is sent again as it is, never built again.
package enum ConsensusRecord: Hashable, Sendable {
    // Vote log
    /// Without the body, which is an ``undecided(_:)`` record before it.
    case proposal(Signed<ProposalStatement>, Justification?)
    case prepare(Prepare)
    case commit(Commit, PreparedCertificate)
    case roundChange(RoundChange)
    /// Votes were lost. The nonce asks for heads; we vote above `until`, nowhere while it is `nil`.
    case observing(nonce: Hash32, until: Height?)

    // Beacon log
    /// The body of a block that may be decided: it is proposed, committed to or reported.
    case undecided(ProposedBlock)
    /// The block is final; its body is an ``undecided(_:)`` record before it.
    case decision(FinalCertificate)

    /// Which file it belongs to.
    package enum Log: Hashable, Sendable {
        case votes
        case beacon
    }

    package var log: Log {
        switch self {
        case .proposal, .prepare, .commit, .roundChange, .observing: .votes
        case .undecided, .decision: .beacon
        }
    }
}

/// Names one request to persist. They grow; durability is confirmed in their order.
package struct PersistToken: Hashable, Comparable, Sendable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package static func < (a: PersistToken, b: PersistToken) -> Bool { a.value < b.value }
}
