import TallyConsensus

/// What validators that keep the rules hold against each other (SIM-38).
extension NetworkRun {
    /// Whatever a validator that keeps the rules sends, however late and whatever it lost, others
    /// that keep them do not take for an offence.
    func checkRefusal(_ refusal: MessageRefusal, from sender: Int, _ node: VirtualValidator) {
        guard node.isHonest, nodes[sender].isHonest, refusal.blamesSender else { return }
        fail(
            .refusals,
            "node \(node.index) holds a message of honest node \(sender) for an offence: "
                + "\(refusal)")
    }
}

extension MessageRefusal {
    /// Whether nothing but a broken or lying sender explains it (NET-9). Said once more, since what
    /// checks does not trust what it checks.
    package var blamesSender: Bool {
        switch self {
        // Form and signatures do not depend on where the receiver is.
        case .tooLong, .malformed, .wrongBody, .wrongJustification, .wrongCertificate, .wrongRound,
            .notAValidator, .notTheProposer, .wrongSigner, .tooFewPrepares, .tooFewSeals,
            .unjustified:
            true
        // Time and distance do it. A contradiction is a matter of evidence (SIM-26).
        case .unknownValidatorSet, .heightPast, .heightAhead, .roundOutsideWindow, .superseded,
            .duplicate, .contradiction, .wrongParent, .timeBeforeParent, .unasked, .ownMessage:
            false
        }
    }
}
