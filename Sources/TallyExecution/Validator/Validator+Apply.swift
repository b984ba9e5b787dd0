import TallyPrimitives
import TallyTransactions

extension ValidatorOperation {
    /// Where the operation is handled.
    func home(of sender: Address) -> OperationHome {
        switch self {
        case .placeholder: .sender
        }
    }
}

extension BlockExecutor {
    /// Handles an operation whose value has been taken from its sender: all of its effects, or none
    /// and the reason.
    mutating func handle(
        _ operation: ValidatorOperation, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        switch operation {
        case .placeholder: .malformed
        }
    }

    /// Runs an entry whose time has come.
    mutating func run(_ due: ValidatorDue, _ entry: DueEntry) throws(ExecutionError) {
        switch due {
        case .placeholder: break
        }
    }
}
