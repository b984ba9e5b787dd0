import Foundation
import TallyEngine
import TallyPrimitives
package import TallySharding
import TallyStore

extension DataDirectory {
    /// Where a restore works, and the mark that it did not end: removed last (SNAP-10).
    static let restoreName = "restore.new"

    /// Makes this the directory of a ledger that begins from a snapshot.
    ///
    /// It is empty, or was made by `tally init` and never started. Until all is in place there is no
    /// version, so that nothing starts here.
    /// - Parameters:
    ///   - document: `nil` for that of the directory.
    ///   - body: fills the directory it is given with environments.
    /// - Throws: `.notEmpty`, `.empty` when no genesis is to be had, `.genesisMismatch`, `.file`, and what
    ///   `body` throws.
    package func restore<Result>(
        _ document: GenesisDocument?, _ body: (_ path: String, Genesis) throws -> Result
    ) throws -> Result {
        let isMade = try Self.hasLedger(path)
        if isMade, try entries().contains(where: Self.isLedgerEntry) {
            throw DataDirectoryError.notEmpty(path: path)
        }
        let own = isMade ? try genesis() : nil
        guard let document = document ?? own else {
            throw DataDirectoryError.empty(path: path)
        }
        if let own, own.genesis.hash != document.genesis.hash {
            throw DataDirectoryError.genesisMismatch(
                path: path, recorded: own.genesis.hash, found: document.genesis.hash)
        }
        try removeUnfinishedRestore()
        let place = path + "/" + Self.restoreName
        try Directories.create(place)
        if isMade {
            try FileManager.default.removeItem(atPath: path + "/" + Self.versionName)
            try Directories.sync(path)
        }
        let result: Result
        do {
            result = try body(place, document.genesis)
        } catch {
            // Nothing of it is in place yet: the directory is what it was.
            try FileManager.default.removeItem(atPath: place)
            if isMade { try create(document) }
            throw error
        }
        try Directories.sync(place)
        for name in try Files.entries(of: place) {
            try FileManager.default.moveItem(
                atPath: place + "/" + name, toPath: path + "/" + name)
        }
        try Directories.sync(path)
        try create(document)
        try FileManager.default.removeItem(atPath: place)
        return result
    }

    private func entries() throws(DataDirectoryError) -> [String] {
        do throws(FileError) { return try Files.entries(of: path) } catch { throw .file(error) }
    }

    private func removeUnfinishedRestore() throws {
        let entries = try entries()
        guard entries.contains(Self.restoreName) else { return }
        // The mark goes last.
        for name in entries.filter(Self.isLedgerEntry) + [Self.restoreName] {
            try FileManager.default.removeItem(atPath: path + "/" + name)
        }
    }

    /// What only an engine makes.
    static func isLedgerEntry(_ name: String) -> Bool {
        name == "beacon" || name == "votes" || name.hasPrefix("shard-")
    }
}
