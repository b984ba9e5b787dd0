package import TallyExecution
package import TallyPrimitives
package import TallyState

/// Why a stored ledger cannot be taken up again. None of these is repaired silently.
package enum RestoreError: Error, Equatable, Sendable {
    /// The stored pages do not form a state tree.
    case state(EndpointID, StateError)
    /// The tree's root is not the one that the stored header carries.
    case stateRootMismatch(EndpointID, stored: Hash32, computed: Hash32)
    /// The tree's money is not what the stored header says.
    case stateSumMismatch(EndpointID, stored: Amount, computed: Amount)
    /// A stored object does not decode.
    case corruptObject(EndpointID, ObjectKind, RLPError)
    /// The beacon's stored books do not decode.
    case corruptBeacon(RLPError)
    /// Receipts that were anchored and not consumed are missing, or are not those that were sent.
    case receiptsMissing(source: EndpointID, destination: EndpointID, Range<UInt64>)
    /// The log does not go on where the checkpoints end.
    case heightGap(expected: Height, actual: Height)
    /// A logged block is not one that this ledger could have decided.
    case anchor(Height, AnchorRejection)
    case block(Height, EndpointID, BlockRejection)
    case execution(Height, EndpointID, ExecutionError)
    /// A shard's checkpoint is older than the beacon's, which is written last.
    case checkpointOrder(EndpointID, shard: Height, beacon: Height)
}

extension RestoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .state(let id, let error): "endpoint \(id): stored state is damaged: \(error)"
        case .stateRootMismatch(let id, let stored, let computed):
            "endpoint \(id): the stored state has root \(computed), its header says \(stored)"
        case .stateSumMismatch(let id, let stored, let computed):
            "endpoint \(id): the stored state holds \(computed), its header says \(stored)"
        case .corruptObject(let id, let kind, let error):
            "endpoint \(id): a stored \(kind) does not decode: \(error)"
        case .corruptBeacon(let error): "the beacon's stored books do not decode: \(error)"
        case .receiptsMissing(let source, let destination, let range):
            "receipts \(range.lowerBound) to \(range.upperBound) from endpoint \(source) to "
                + "\(destination) are missing or not those that were sent"
        case .heightGap(let expected, let actual):
            "the beacon log goes on at height \(actual), expected \(expected)"
        case .anchor(let height, let rejection):
            "logged block \(height) cannot be anchored: \(rejection)"
        case .block(let height, let id, let rejection):
            "logged block \(height) of endpoint \(id) does not execute: \(rejection)"
        case .execution(let height, let id, let error):
            "logged block \(height) of endpoint \(id) cannot be executed: \(error)"
        case .checkpointOrder(let id, let shard, let beacon):
            "endpoint \(id) is at height \(shard), behind the beacon at \(beacon)"
        }
    }
}
