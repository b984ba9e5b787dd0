import TallySharding

// What programs match on when a proof is refused; the texts are for people.

extension ProofDocumentError {
    /// A stable name.
    package var code: String {
        switch self {
        case .noDocument: "noDocument"
        case .refused: "refused"
        case .malformed: "malformedHeader"
        case .proof(let error): error.code
        case .member: "memberMismatch"
        case .otherGenesis: "otherGenesis"
        case .notFinal: "notFinal"
        case .election: "elections"
        }
    }
}

extension LedgerProofError {
    fileprivate var code: String {
        switch self {
        case .tooLong: "proofTooLong"
        case .encoding: "malformedProof"
        case .headerCount: "headerCount"
        case .untrusted: "untrustedHeader"
        case .brokenChain: "brokenChain"
        case .unusedHeader: "unusedHeader"
        case .noBeaconHeader: "noBeaconHeader"
        case .layout: "layout"
        case .wrongChain: "wrongChain"
        case .anchor: "notAnchored"
        case .wrongHome: "wrongHome"
        case .state: "stateMismatch"
        case .notAnAccount: "notAnAccount"
        case .account: "malformedAccount"
        case .wrongSource: "wrongSource"
        case .noStream: "noStream"
        case .stream: "streamMismatch"
        case .wrongDestination: "wrongDestination"
        case .notConsumed: "notConsumed"
        case .outcomeWithoutConsumption: "outcomeWithoutConsumption"
        case .noOutcome: "noOutcome"
        case .transaction: "transactionMismatch"
        case .malformedTransaction: "malformedTransaction"
        case .result: "resultMismatch"
        case .malformedResult: "malformedResult"
        }
    }
}
