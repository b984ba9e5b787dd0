import Glibc
package import TallyJournal
package import TallyPrimitives
package import TallySharding
package import TallyStore

/// Why a snapshot was not made, is not what it says, or was not restored (SNAP-8).
package enum SnapshotError: Error, Equatable, Sendable {
    // Making
    /// The directory is there already.
    case exists(path: String)
    /// Nothing above height 0 is final.
    case nothingFinal
    /// State is to be had for these heights only.
    case heightUnavailable(asked: Height, from: Height, through: Height)

    // The ledger or the disk
    case file(path: String, errno: Int32)
    case store(StoreError)
    case read(ReadError)
    case journal(JournalOpenError)
    case engine(description: String)

    // What a snapshot says
    case manifestForm
    case unknownFormat(Int)
    /// It belongs to another network.
    case genesis(stated: String, expected: Hash32)
    /// Something else than a snapshot of this format has; a path for instance.
    case fileName(String)
    /// Files of a section are not numbered from 0 on, or stand in another order.
    case fileOrder(String)
    case missingFile(String)
    case strangeFile(String)
    case fileSize(String, stated: Int, actual: Int)
    case fileDigest(String)
    case malformedFile(String, offset: Int)
    /// The headers do not lead from one to the next, or do not anchor what is beside them.
    case chain(Height)
    /// No header of the endpoint is among them, and they do not begin at the genesis.
    case chainTooShort(EndpointID)
    /// The seals have less power than a quorum has.
    case certificate(power: UInt64, quorum: UInt64)
    /// A set does not follow from the one before.
    case election(ElectionChainError)
    /// The elections are not those that the headers carry.
    case missingElection
    /// The block is final, but not the one that the operator named.
    case unexpectedHead(Hash32, expected: Hash32)
    /// A row too many, too few or not the one that is due.
    case row(EndpointID, SnapshotTable)
    /// The newest block is not what its header commits to.
    case block(EndpointID)
    case restore(RestoreError)
    /// Σsum + in flight ≠ genesis + minted − burned.
    case supply
    /// What the manifest says here is not what the files lead to.
    case manifestField(String)
}

extension SnapshotError {
    /// What programs match on.
    package var code: String {
        switch self {
        case .exists: "exists"
        case .nothingFinal: "nothingFinal"
        case .heightUnavailable: "heightUnavailable"
        case .file: "file"
        case .store: "store"
        case .read: "read"
        case .journal: "log"
        case .engine: "engine"
        case .manifestForm: "manifestForm"
        case .unknownFormat: "unknownFormat"
        case .genesis: "wrongGenesis"
        case .fileName: "fileName"
        case .fileOrder: "fileOrder"
        case .missingFile: "missingFile"
        case .strangeFile: "strangeFile"
        case .fileSize: "fileSize"
        case .fileDigest: "fileDigest"
        case .malformedFile: "malformedFile"
        case .chain: "chain"
        case .chainTooShort: "chainTooShort"
        case .certificate, .election(.tooFewSeals): "tooFewSeals"
        case .election, .missingElection: "elections"
        case .unexpectedHead: "unexpectedHead"
        case .row: "row"
        case .block: "block"
        case .restore(.stateRootMismatch): "stateRoot"
        case .restore(.stateSumMismatch): "stateSum"
        case .restore(.receiptsMissing): "receipts"
        case .restore: "state"
        case .supply: "supply"
        case .manifestField: "manifestField"
        }
    }
}

extension SnapshotError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exists(let path): "there is something at \(path) already"
        case .nothingFinal: "this ledger has no block above height 0: there is nothing to keep"
        case .heightUnavailable(let asked, let from, let through):
            "there is no state of height \(asked): the directory has that of \(from) to \(through)"
        case .file(let path, let errno): "\(path): \(Self.text(errno))"
        case .store(let error): error.description
        case .read(let error): error.description
        case .journal(.storage(let error)): "the beacon log cannot be read: \(error)"
        case .journal(.log(let error)): error.description
        case .engine(let description): description
        case .manifestForm: "\(SnapshotManifest.name) is no manifest of a snapshot"
        case .unknownFormat(let format):
            "the snapshot has format \(format), this program reads format "
                + "\(SnapshotManifest.currentFormat)"
        case .genesis(let stated, let expected):
            "the snapshot is of the network with genesis \(stated), not of \(expected)"
        case .fileName(let name): "the manifest names a file '\(name)', which no snapshot has"
        case .fileOrder(let name): "the manifest names the file \(name) where another is due"
        case .missingFile(let name): "the file \(name) is missing: copy it again"
        case .strangeFile(let name): "the file \(name) is no part of the snapshot: remove it"
        case .fileSize(let name, let stated, let actual):
            "the file \(name) has \(actual) bytes instead of \(stated): copy it again"
        case .fileDigest(let name): "the file \(name) is damaged: copy it again"
        case .malformedFile(let name, let offset):
            "the file \(name) is malformed at byte \(offset), though its digest fits the manifest"
        case .chain(let height): "the headers do not lead to that of height \(height)"
        case .chainTooShort(let id):
            "the headers do not reach back to the newest block of endpoint \(id)"
        case .certificate(let power, let quorum):
            "the block is not final: its seals have a power of \(power), a quorum has \(quorum)"
        case .election(let error): error.description
        case .missingElection:
            "the elections of the snapshot are not those of its headers"
        case .unexpectedHead(let head, let expected):
            "the snapshot ends in block \(head), not in \(expected)"
        case .row(let id, let table):
            "endpoint \(id): the rows of table \(table) are not those that are due"
        case .block(let id):
            "endpoint \(id): the newest block is not the one that its header commits to"
        case .restore(let error): error.description
        case .supply: "the money of the snapshot is not that of the genesis, minted and burned"
        case .manifestField(let field):
            "what the manifest says in '\(field)' is not what the files lead to"
        }
    }

    private static func text(_ errno: Int32) -> String { String(cString: strerror(errno)) }
}
