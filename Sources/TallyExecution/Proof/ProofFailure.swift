/// Why an operation or a request of the Proof family had no effect. Numbers 40 to 63.
package enum ProofFailure: UInt8, FamilyFailure {
    /// The account has no node with rounds.
    case noRounds = 40
    /// The node is in another round.
    case wrongRound = 41
    /// There is no challenge to answer: the seed is not known, or the round is over.
    case notOpen = 42
    /// The round has a commitment.
    case alreadyCommitted = 43
    /// The time for it has passed.
    case tooLate = 44
    /// What is to be opened is not drawn: there is no commitment, or no seed yet.
    case notDrawn = 45
    /// The answer was opened.
    case alreadyRevealed = 46
    /// The weight is not that of the rounds' task.
    case wrongWeight = 47
    /// The opening does not decode, or is longer than any of the task.
    case malformedOpening = 48
    /// The opening is one of another kind of task.
    case wrongKind = 49
    /// The opening has another number of items than the task asks for.
    case wrongCount = 50
    /// An item does not lead to the commitment.
    case wrongPath = 51
    /// A tile has the wrong size or a wrong entry.
    case wrongTile = 52
    /// The solutions are not those committed to.
    case wrongSolutions = 53
    /// A nonce is out of order or no solution.
    case noSolution = 54
    /// The sender was not drawn to attest the round.
    case notAttester = 55
    /// The sender has attested the round.
    case attestedTwice = 56
    /// A time of 0.
    case zeroTime = 57
    /// The node lives on another shard than the first of the call.
    case foreignNode = 58
}

extension ProofFailure {
    /// What is wrong with an opening.
    init(_ fault: ProofFault) {
        self =
            switch fault {
            case .encoding, .tooLong: .malformedOpening
            case .wrongKind: .wrongKind
            case .wrongCount: .wrongCount
            case .path: .wrongPath
            case .wrongTileSize, .wrongEntry: .wrongTile
            case .commitmentMismatch: .wrongSolutions
            case .notAscending, .noSolution: .noSolution
            }
    }
}
