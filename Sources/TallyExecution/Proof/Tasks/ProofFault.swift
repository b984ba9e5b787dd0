package import TallyPrimitives
package import TallyState

/// A number that a task is made of.
package enum ProofParameter: Hashable, Sendable {
    case segments
    case stepsPerSegment
    case matrixSize
    case prefixBits
    case solutions
    case openings
}

/// Why parameters make no task (TASK-2).
package enum ProofTaskError: Error, Equatable, Sendable {
    /// The parameter is outside its range.
    case parameter(ProofParameter, UInt64)
    /// Verification would weigh more than `ProofTask.maximumWeight`.
    case tooHeavy(Weight)

    /// As a fault of an encoding.
    var ofEncoding: RLPError {
        switch self {
        case .parameter(_, let value), .tooHeavy(let value): .unknownValue(value)
        }
    }
}

/// Kind of a task, and of what is opened of its answer (TASK-1). The numbers are consensus.
package enum ProofKind: UInt8, Hashable, Sendable, CaseIterable {
    case chain = 1
    case matrix = 2
    case hash = 3
}

/// Why something is no proof that a task was done.
package enum ProofFault: Error, Equatable, Sendable {
    /// The bytes are no opening.
    case encoding(RLPError)
    /// More bytes than any opening for the task has.
    case tooLong(limit: Int)
    /// The opening is one for another kind of task.
    case wrongKind(expected: ProofKind, actual: ProofKind)
    /// The opening has another number of items than the task asks for.
    case wrongCount(expected: Int, actual: Int)
    /// Item `at` of the opening does not lead to the commitment: for a chain, also when its steps
    /// were not done.
    case path(at: Int, ProofError)
    /// A tile has another number of entries than it has places.
    case wrongTileSize(at: Int, actual: Int)
    /// An entry of a tile is not that of the product; `entry` counts row by row.
    case wrongEntry(at: Int, entry: Int)
    /// The solutions are not those committed to, or are of another challenge.
    case commitmentMismatch
    /// A nonce is not above the one before it.
    case notAscending(at: Int)
    /// The hash of a nonce begins with too few zero bits.
    case noSolution(at: Int)
}
