package import TallyPrimitives

/// Why a message is not accepted. One case a rule, so that a peer can be judged by it.
package enum MessageRefusal: Error, Hashable, Sendable {
    // Before any signature
    /// Longer than any message of its kind (IBFT-R12).
    case tooLong(bytes: Int, limit: Int)
    case malformed(RLPError)
    /// Set(height) is not fixed here, or long forgotten: the height is far from ours.
    case unknownValidatorSet(Height)
    /// The body is no block, or not the one that the statement names (IBFT-R16).
    case wrongBody
    /// A justification in round 0, none above, or another than the one signed.
    case wrongJustification
    /// A certificate without report, a report without certificate, or they differ.
    case wrongCertificate
    /// ROUND-CHANGE to round 0, or a report of the target round or above.
    case wrongRound

    // Signatures
    /// The sender has no vote on this height.
    case notAValidator(Address)
    /// The sender may not propose in this round (IBFT-R17).
    case notTheProposer(Address)
    /// The sender of the envelope is not the signer (IBFT-R8).
    case wrongSigner(claimed: Address)
    /// Distinct valid PREPAREs below a quorum (IBFT-R7).
    case tooFewPrepares(power: UInt64, quorum: UInt64)
    /// Distinct valid seals below a quorum (IBFT-R7, IBFT-R14).
    case tooFewSeals(power: UInt64, quorum: UInt64)
    /// A signed justification that breaks IBFT-R4: the sender can be punished for it.
    case unjustified(JustificationError, Evidence)

    // Against the state
    /// Below the open heights.
    case heightPast(Height)
    /// Above the open heights.
    case heightAhead(Height)
    /// Outside the window of rounds that is kept for each sender (IBFT-R12).
    case roundOutsideWindow(Round)
    /// An older message than one we hold of the sender.
    case superseded
    case duplicate
    /// Another message of the same height and round is held; evidence is reported beside.
    case contradiction
    /// A block of a later round that is not on the final parent.
    case wrongParent(Hash32)
    /// The block is older than its parent (IBFT-R15).
    case timeBeforeParent(BeaconTime)
    /// The query or answer is not ours to deal with.
    case unasked
    /// Our own message came back.
    case ownMessage
}

extension MessageRefusal {
    /// Whether only a broken or lying node sends such a message; distance and time explain the
    /// others (NET-9).
    package var isOffence: Bool {
        switch self {
        case .tooLong, .malformed, .wrongBody, .wrongJustification, .wrongCertificate, .wrongRound,
            .notAValidator, .notTheProposer, .wrongSigner, .tooFewPrepares, .tooFewSeals,
            .unjustified:
            true
        case .unknownValidatorSet, .heightPast, .heightAhead, .roundOutsideWindow, .superseded,
            .duplicate, .contradiction, .wrongParent, .timeBeforeParent, .unasked, .ownMessage:
            false
        }
    }
}
