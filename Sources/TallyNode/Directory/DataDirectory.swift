import TallyEngine
package import TallyPrimitives
import TallySharding
package import TallyStore

/// Why a data directory is not used.
package enum DataDirectoryError: Error, Hashable, Sendable {
    /// Another process holds it, or it cannot be created.
    case store(StoreError)
    case file(FileError)
    /// Something else lives here; `entry` is the first stranger.
    case foreign(path: String, entry: String)
    /// There is no ledger here.
    case empty(path: String)
    /// There is a ledger here already.
    case notEmpty(path: String)
    case malformedVersion(path: String)
    /// Written by another version of this program.
    case unknownVersion(path: String, found: UInt32, supported: UInt32)
    case genesis(path: String, GenesisDocumentError)
    /// `genesis.json` is not the one that the directory was made with.
    case genesisMismatch(path: String, recorded: Hash32, found: Hash32)
}

extension DataDirectoryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .store(let error): error.description
        case .file(let error): error.description
        case .foreign(let path, let entry):
            "\(path) holds '\(entry)', which is no part of a ledger; choose an empty directory"
        case .empty(let path):
            "there is no ledger in \(path); create one with `tally init` or `tally dev`"
        case .notEmpty(let path): "there is a ledger in \(path) already"
        case .malformedVersion(let path):
            "\(path)/VERSION is damaged; restore it from a backup of the directory"
        case .unknownVersion(let path, let found, let supported):
            "\(path) has format \(found), this program reads format \(supported); use the "
                + "program that wrote it"
        case .genesis(let path, let error): "\(path)/genesis.json: \(error)"
        case .genesisMismatch(let path, let recorded, let found):
            "\(path) belongs to the network with genesis \(recorded), but its genesis.json "
                + "has the hash \(found); restore the file"
        }
    }
}

/// A data directory, locked until the value ends.
package struct DataDirectory: ~Copyable, Sendable {
    package let path: String
    private let lock: DirectoryLock

    package static let versionName = "VERSION"
    package static let genesisName = "genesis.json"
    package static let configurationName = "config.toml"
    package static let keysName = "keys"
    /// The certificate that peers see, with its key.
    package static let certificateName = "peer.pem"

    /// Locks the directory, creating it if need be.
    /// - Throws: `.foreign` when it is neither empty nor a ledger's, `.store`, `.file`.
    package init(path: String) throws(DataDirectoryError) {
        try Self.checkEntries(path)
        do throws(StoreError) {
            lock = try DirectoryLock(directory: path)
        } catch { throw .store(error) }
        self.path = path
    }

    /// Whether a ledger was created here. The version is written last.
    package static func hasLedger(_ path: String) throws(DataDirectoryError) -> Bool {
        do throws(FileError) {
            return try Files.mode(of: path + "/" + versionName) != nil
        } catch { throw .file(error) }
    }

    /// The network of the ledger.
    /// - Throws: `.empty`, `.malformedVersion`, `.unknownVersion`, `.genesis`, `.genesisMismatch`.
    package func genesis() throws(DataDirectoryError) -> GenesisDocument {
        try Self.genesis(path)
    }

    /// As `genesis()`, of a directory that is not locked.
    package static func genesis(_ path: String) throws(DataDirectoryError) -> GenesisDocument {
        guard try hasLedger(path) else { throw .empty(path: path) }
        let recorded = try version(path)
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try Files.read(path + "/" + genesisName)
        } catch { throw .file(error) }
        let document: GenesisDocument
        do throws(GenesisDocumentError) {
            document = try GenesisDocument(json: bytes)
        } catch { throw .genesis(path: path, error) }
        let found = document.genesis.hash
        guard found == recorded else {
            throw .genesisMismatch(path: path, recorded: recorded, found: found)
        }
        return document
    }

    /// Makes the directory that of a new ledger.
    /// - Throws: `.notEmpty`, `.file`.
    package func create(_ document: GenesisDocument) throws(DataDirectoryError) {
        guard try !Self.hasLedger(path) else { throw .notEmpty(path: path) }
        let version = "\(EndpointStore.formatVersion)\n\(document.genesis.hash)\n"
        do throws(FileError) {
            try Files.write(document.text, to: path + "/" + Self.genesisName)
            try Files.write(Array(version.utf8), to: path + "/" + Self.versionName)
        } catch { throw .file(error) }
    }

    /// The genesis hash recorded beside the format version.
    private static func version(_ path: String) throws(DataDirectoryError) -> Hash32 {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try Files.read(path + "/" + versionName, limit: 4_096)
        } catch { throw .file(error) }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard let first = lines.first, let found = UInt32(first) else {
            throw .malformedVersion(path: path)
        }
        guard found == EndpointStore.formatVersion else {
            throw .unknownVersion(
                path: path, found: found, supported: EndpointStore.formatVersion)
        }
        guard lines.count == 2, let hash = Hash32(hex: lines[1]) else {
            throw .malformedVersion(path: path)
        }
        return hash
    }

    /// A ledger is not strewn among somebody's files.
    private static func checkEntries(_ path: String) throws(DataDirectoryError) {
        guard try !hasLedger(path) else { return }
        let own = [
            DirectoryLock.fileName, genesisName, configurationName, keysName, certificateName,
        ]
        let entries: [String]
        do throws(FileError) {
            entries = try Files.entries(of: path)
        } catch { throw .file(error) }
        // Those of a restore that was cut short are removed by the next (SNAP-10).
        let isRestore = entries.contains(Self.restoreName)
        let stranger = entries.first { name in
            !own.contains(name) && !name.hasSuffix(".new")
                && !(isRestore && Self.isLedgerEntry(name))
        }
        if let stranger {
            throw .foreign(path: path, entry: stranger)
        }
    }
}
