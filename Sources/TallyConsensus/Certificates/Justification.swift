internal import TallyCrypto
package import TallyPrimitives

/// Why a block may be proposed in a round above 0 (IBFT-R4).
package struct Justification: Hashable, Sendable {
    /// Of a quorum, for exactly this height and round. Their certificates are left out but one.
    package let roundChanges: [Signed<RoundChangeStatement>]
    /// Of the highest report; `nil` when nobody reports anything.
    package let certificate: PreparedCertificate?

    package init(
        roundChanges: [Signed<RoundChangeStatement>], certificate: PreparedCertificate?
    ) {
        self.roundChanges = roundChanges
        self.certificate = certificate
    }

    /// What the signature of the proposal covers.
    package var hash: Hash32 { SHA256.hash(.justification, encoded) }
}

/// Why a justification does not permit its proposal.
package enum JustificationError: Error, Hashable, Sendable {
    /// Fewer distinct members than a quorum signed a ROUND-CHANGE for this height and round that
    /// reports a lower round or nothing.
    case tooFewRoundChanges(power: UInt64, quorum: UInt64)
    /// Something was reported, and the certificate of the highest report is missing.
    case certificateMissing(highest: Round)
    /// The certificate is not that of the highest report.
    case certificateNotHighest(highest: Round, certificate: Round)
    /// Nothing was reported, and still there is a certificate.
    case certificateUncalledFor
    /// Fewer distinct members than a quorum signed PREPAREs of the certificate.
    case tooFewPrepares(power: UInt64, quorum: UInt64)
    /// Another block was prepared.
    case wrongDigest(prepared: Hash32)
}
