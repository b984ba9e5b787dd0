package import TallyConsensus
package import TallyExecution
package import TallyJournal
package import TallyPrimitives
package import TallySharding
package import TallyStore

/// Why the engine stopped, or did not start.
package enum EngineError: Error, Sendable {
    case store(StoreError)
    case read(ReadError)
    case journal(JournalOpenError)
    /// The log could not be written: nothing after the last published height was acknowledged.
    case journalWrite(JournalStorageError)
    case journalRefused(JournalRefusal)
    /// What the logs say does not go together.
    case logs(LogRecoveryError)
    case restore(RestoreError)
    /// The data directory belongs to another network.
    case genesisMismatch(endpoint: EndpointID, stored: Hash32, expected: Hash32)
    /// A record of the log does not decode although its checksum holds.
    case logRecord(Height, BlockDecodingError)
    /// Our own proposal breaks a rule: an invariant is broken somewhere.
    case ownProposal(Height, AnchorRejection)
    /// A decided block does not lead to what others agreed on: this copy of the ledger, or this
    /// program, differs from theirs.
    case decision(Height, BlockRefusal)
    /// Two blocks of one height are final: too many validators broke the rules.
    case fork(Ibft.Fork)
    case execution(EndpointID, ExecutionError)
}

extension EngineError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .store(let error): error.description
        case .read(let error): error.description
        case .journal(.storage(.diskFull(let segment))):
            "no space is left to recover the beacon log (\(segment)): nothing acknowledged is lost; "
                + "free space and start again"
        case .journal(.storage(let error)): "the beacon log cannot be read: \(error)"
        case .journal(.log(let error)): error.description
        case .journalWrite(.diskFull(let segment)):
            "no space left for the beacon log (\(segment)): nothing acknowledged is lost; free "
                + "space and start again"
        case .journalWrite(.failed(let segment, let code)):
            "writing the beacon log (\(segment?.description ?? "its directory")) failed with "
                + "errno \(code): nothing acknowledged is lost; check the disk and start again"
        case .journalRefused(let refusal): "the beacon log takes no records: \(refusal)"
        case .logs(let error): error.description
        case .restore(let error): error.description
        case .genesisMismatch(let endpoint, let stored, let expected):
            "the data of endpoint \(endpoint) belongs to the chain with genesis \(stored), not to "
                + "\(expected): check the data directory and genesis.json"
        case .logRecord(let height, let error):
            "record \(height) of the beacon log does not decode: \(error)"
        case .ownProposal(let height, let rejection):
            "the block proposed for height \(height) breaks a rule: \(rejection)"
        case .decision(let height, let refusal):
            "the block decided for height \(height) does not execute here (\(refusal)): this "
                + "node's data or program differ from the other validators'; let it synchronise again"
        case .fork(let fork):
            "two blocks of height \(fork.height) have a quorum, \(fork.decided) here and "
                + "\(fork.other.digest): nothing is decided until this is resolved"
        case .execution(let endpoint, let error): "endpoint \(endpoint) is unusable: \(error)"
        }
    }
}
