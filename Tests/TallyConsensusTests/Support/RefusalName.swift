import TallyConsensus

/// The reasons of a refusal, without what they say of the message: to see that each is in some
/// transcript. A new reason does not compile until it has a name, and the name wants a transcript.
enum RefusalName: CaseIterable {
    case tooLong, malformed, unknownValidatorSet, wrongBody, wrongJustification, wrongCertificate
    case wrongRound, notAValidator, notTheProposer, wrongSigner, tooFewPrepares, tooFewSeals
    case heightPast, heightAhead, roundOutsideWindow, superseded, duplicate, contradiction
    case wrongParent, timeBeforeParent, unasked, ownMessage
    // Of `unjustified`.
    case tooFewRoundChanges, certificateMissing, certificateNotHighest, certificateUncalledFor
    case certificateTooSmall, wrongDigest

    init(_ refusal: MessageRefusal) {
        self =
            switch refusal {
            case .tooLong: .tooLong
            case .malformed: .malformed
            case .unknownValidatorSet: .unknownValidatorSet
            case .wrongBody: .wrongBody
            case .wrongJustification: .wrongJustification
            case .wrongCertificate: .wrongCertificate
            case .wrongRound: .wrongRound
            case .notAValidator: .notAValidator
            case .notTheProposer: .notTheProposer
            case .wrongSigner: .wrongSigner
            case .tooFewPrepares: .tooFewPrepares
            case .tooFewSeals: .tooFewSeals
            case .unjustified(let error, _): Self(error)
            case .heightPast: .heightPast
            case .heightAhead: .heightAhead
            case .roundOutsideWindow: .roundOutsideWindow
            case .superseded: .superseded
            case .duplicate: .duplicate
            case .contradiction: .contradiction
            case .wrongParent: .wrongParent
            case .timeBeforeParent: .timeBeforeParent
            case .unasked: .unasked
            case .ownMessage: .ownMessage
            }
    }

    private init(_ error: JustificationError) {
        self =
            switch error {
            case .tooFewRoundChanges: .tooFewRoundChanges
            case .certificateMissing: .certificateMissing
            case .certificateNotHighest: .certificateNotHighest
            case .certificateUncalledFor: .certificateUncalledFor
            case .tooFewPrepares: .certificateTooSmall
            case .wrongDigest: .wrongDigest
            }
    }
}
