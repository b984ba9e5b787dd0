import Foundation
import Glibc
import TallyStore
import Testing

@Suite struct EnvironmentTests {
    let directory = TemporaryDirectory()

    @Test func keepsDataOverReopening() throws {
        do {
            let environment = try Environment.open(directory.configuration(), databases: ["main"])
            let db = try environment.openDatabase("main")
            try environment.write { tx throws(StoreError) in
                try tx.put(bytes("a"), bytes("1"), in: db)
            }
        }
        let environment = try Environment.open(directory.configuration(readOnly: true))
        let db = try environment.openDatabase("main")
        #expect(try environment.value(bytes("a"), in: db) == bytes("1"))
        #expect(throws: StoreError.readOnly(path: environment.path)) {
            try environment.write { _ in }
        }
        #expect(throws: StoreError.unknownDatabase(path: environment.path, name: "none")) {
            try environment.openDatabase("none")
        }
    }

    @Test func refusesASecondOpeningUnderAnyName() throws {
        let first = try Environment.open(directory.configuration())
        let link = directory["link"]
        symlink(directory["env"], link)
        for name in ["env", "env/", "link"] {
            #expect(throws: StoreError.alreadyOpen(path: directory[name])) {
                try Environment.open(directory.configuration(name))
            }
        }
        #expect(first.info.openTransactions == 0)
    }

    @Test func mayBeOpenedAgainOnceClosed() throws {
        for _ in 0..<3 { _ = try Environment.open(directory.configuration(), databases: ["main"]) }
    }

    @Test func createsFilesForTheOwnerOnly() throws {
        let environment = try Environment.open(directory.configuration("deep/er/env"))
        #expect(permissions(directory["deep"]) == 0o700)
        #expect(permissions(environment.path) == 0o700)
        #expect(permissions(environment.path + "/data.mdb") == 0o600)
        #expect(permissions(environment.path + "/lock.mdb") == 0o600)
    }

    /// STORE-18: LMDB writes to the map of this file, which no full disk may stop.
    @Test func hasAllSpaceForReaderSlotsFromTheStart() throws {
        for _ in 0..<2 {
            let environment = try Environment.open(directory.configuration())
            var status = stat()
            try #require(stat(environment.path + "/lock.mdb", &status) == 0)
            #expect(status.st_size >= 16 * 64)
            #expect(Int(status.st_blocks) * 512 >= Int(status.st_size))
        }
    }

    @Test func findsNothingToReadWhereNothingIs() {
        #expect(throws: StoreError.notFound(path: directory["env"])) {
            try Environment.open(directory.configuration(readOnly: true))
        }
    }

    @Test func recoversFromAFullMapByGrowing() throws {
        let environment = try Environment.open(
            directory.configuration(mapSizeBytes: 1 << 20), databases: ["main"])
        let db = try environment.openDatabase("main")
        let value = [UInt8](repeating: 1, count: 2 << 20)
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("kept"), bytes("1"), in: db)
        }
        #expect(throws: StoreError.mapFull(path: environment.path)) {
            try environment.write { tx throws(StoreError) in
                try tx.put(bytes("a"), value, in: db)
            }
        }
        try environment.growMap(to: 8 << 20)
        try environment.write { tx throws(StoreError) in try tx.put(bytes("a"), value, in: db) }
        #expect(try environment.value(bytes("a"), in: db) == value)
        #expect(try environment.value(bytes("kept"), in: db) == bytes("1"))
        #expect(environment.info.mapSizeBytes == 8 << 20)
    }

    @Test func keepsAGrownMapOverReopening() throws {
        do {
            let environment = try Environment.open(
                directory.configuration(mapSizeBytes: 1 << 20), databases: ["main"])
            try environment.growMap(to: 4 << 20)
            _ = try environment.openDatabase("commits")
        }
        let environment = try Environment.open(directory.configuration(mapSizeBytes: 1 << 20))
        #expect(environment.info.mapSizeBytes == 4 << 20)
    }

    @Test func doesNotGrowUnderAnOpenTransaction() throws {
        let environment = try Environment.open(directory.configuration(mapSizeBytes: 1 << 20))
        var snapshot: ReadSnapshot? = try environment.snapshot()
        #expect(snapshot != nil)
        #expect(throws: StoreError.busy(path: environment.path, open: 1)) {
            try environment.growMap(to: 2 << 20)
        }
        snapshot = nil
        try environment.growMap(to: 2 << 20)
    }

    @Test func reportsReadersFullAndRecovers() throws {
        let environment = try Environment.open(directory.configuration(maxReaders: 3))
        var snapshots: [ReadSnapshot] = []
        for _ in 0..<3 { snapshots.append(try environment.snapshot()) }
        #expect(throws: StoreError.readersFull(path: environment.path)) {
            try environment.read { _ in }
        }
        #expect(environment.info.openTransactions == 3)
        snapshots.removeLast()
        try environment.read { _ in }
    }

    @Test func reportsTooManyDatabases() throws {
        let environment = try Environment.open(directory.configuration(maxDatabases: 1))
        _ = try environment.openDatabase("a")
        #expect(throws: StoreError.databasesFull(path: environment.path)) {
            try environment.openDatabase("b")
        }
        #expect(environment.info.openTransactions == 0)
    }

    @Test func freesTheSlotsOfDeadProcesses() throws {
        let environment = try Environment.open(directory.configuration(maxReaders: 4))
        #expect(try environment.clearStaleReaders() == 0)
        // LMDB 0.9: number of readers at byte 56, slots of 64 bytes from byte 128, of which the
        // process id is at byte 8. From a process of its own: closing a descriptor of the file
        // here would drop the locks LMDB holds on it.
        let helper = try HelperProcess(
            """
            poke() { printf "$1" | dd of=\(environment.path)/lock.mdb bs=1 seek=$2 conv=notrunc; }
            { poke '\\001' 56; poke '\\001\\0\\0\\0\\0\\0\\0\\0\\377\\377\\377\\077' 128; } 2>&-
            echo done
            """)
        helper.end()
        #expect(try environment.clearStaleReaders() == 1)
        #expect(try environment.clearStaleReaders() == 0)
    }

    @Test func copiesItselfCompacted() throws {
        let environment = try Environment.open(directory.configuration(), databases: ["main"])
        let db = try environment.openDatabase("main")
        let value = [UInt8](repeating: 1, count: 1 << 20)
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("large"), value, in: db)
            try tx.put(bytes("small"), bytes("1"), in: db)
        }
        try environment.write { tx throws(StoreError) in
            _ = try tx.delete(bytes("large"), in: db)
        }
        try environment.copy(to: directory["backup"])
        #expect(permissions(directory["backup/data.mdb"]) == 0o600)
        let copy = try Environment.open(directory.configuration("backup"))
        let copied = try copy.openDatabase("main")
        #expect(try copy.value(bytes("small"), in: copied) == bytes("1"))
        #expect(copy.info.usedBytes < 1 << 20 && environment.info.usedBytes > 1 << 20)
        #expect(
            throws: StoreError.other(
                code: EEXIST, operation: .copy, path: directory["backup/data.mdb"])
        ) {
            try environment.copy(to: directory["backup"])
        }
    }

    @Test func countsCommits() throws {
        let environment = try Environment.open(directory.configuration(), databases: ["main"])
        let before = environment.info.lastTransactionID
        let db = try environment.openDatabase("main")
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("a"), bytes("1"), in: db)
        }
        #expect(environment.info.lastTransactionID == before + 1)
        try environment.sync()
    }
}

@Suite struct FailedCommitTests {
    /// In a process of its own, in which files may not grow beyond what they have.
    @Test func takesNoWritesAfterAFailedCommit() async {
        await #expect(processExitsWith: .success) {
            let directory = TemporaryDirectory()
            let environment = try Environment.open(directory.configuration(), databases: ["main"])
            let db = try environment.openDatabase("main")
            try environment.put(bytes("a"), bytes("1"), in: db)
            signal(SIGXFSZ, SIG_IGN)
            let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
            var limit = rlimit()
            precondition(getrlimit(resource, &limit) == 0)
            let unlimited = limit.rlim_cur
            limit.rlim_cur = 64 << 10
            precondition(setrlimit(resource, &limit) == 0)
            do {
                try environment.put(bytes("b"), [UInt8](repeating: 1, count: 1 << 20), in: db)
                preconditionFailure("committed")
            } catch let error as StoreError {
                let path = environment.path
                precondition(
                    error == .other(code: EIO, operation: .commit, path: path)
                        || error == .other(code: EFBIG, operation: .commit, path: path))
            }
            limit.rlim_cur = unlimited
            precondition(setrlimit(resource, &limit) == 0)
            do {
                try environment.put(bytes("c"), bytes("1"), in: db)
                preconditionFailure("wrote on")
            } catch let error as StoreError {
                precondition(error == .stopped(path: environment.path))
            }
            let kept = try environment.value(bytes("a"), in: db)
            let count = try environment.count(in: db)
            precondition(kept == bytes("1") && count == 1)
        }
    }
}

/// What damage to the first pages of `data.mdb` is reported as.
@Suite struct DamageTests {
    let directory = TemporaryDirectory()
    var file: String { directory["env/data.mdb"] }

    init() throws {
        let environment = try Environment.open(directory.configuration(), databases: ["main"])
        let db = try environment.openDatabase("main")
        try environment.write { tx throws(StoreError) in
            for i in UInt64(0)..<1_000 { try tx.put(i, [UInt8](repeating: 1, count: 200), in: db) }
        }
    }

    private func expectError(_ error: StoreError) {
        #expect(throws: error) { try Environment.open(directory.configuration()) }
    }

    @Test(arguments: [0, 4_096]) func reportsAnOverwrittenMetaPage(offset: Int) {
        overwrite(file, at: offset, with: [UInt8](repeating: 0xA5, count: 4_096))
        expectError(.corrupted(path: file, damage: .notLMDB))
    }

    @Test func reportsAnotherVersion() {
        overwrite(file, at: 20, with: [2, 0, 0, 0])
        expectError(.versionMismatch(path: file))
    }

    /// Page size, main root, last page: each would bring LMDB itself down.
    @Test(arguments: [40, 128, 136]) func reportsImpossibleMetaFields(offset: Int) {
        let count = offset == 40 ? 4 : 8
        for page in [0, 4_096] {
            let value: UInt8 = offset == 40 ? 0 : 0x7F
            overwrite(file, at: page + offset, with: [UInt8](repeating: value, count: count))
        }
        expectError(.corrupted(path: file, damage: .implausibleMeta))
    }

    /// A commit that was cut off in its last write: all of the meta page but the number of the
    /// transaction, or some of it. The size of a page is always the same.
    @Test(arguments: [16, 64, 100]) func opensBesideATornMetaPage(length: Int) throws {
        let newest = try transaction(at: 0) > transaction(at: 4_096) ? 0 : 4_096
        let torn = 4_096 - newest
        overwrite(file, at: torn + 144 - length, with: [UInt8](repeating: 0x7E, count: length))
        let environment = try Environment.open(directory.configuration(), databases: ["main"])
        let db = try environment.openDatabase("main")
        #expect(try environment.count(in: db) == 1_000)
        try environment.put(bytes("a"), bytes("1"), in: db)
        try environment.put(bytes("b"), bytes("2"), in: db)
        #expect(try environment.count(in: db) == 1_002)
    }

    /// The same in the page of the last commit is damage.
    @Test func reportsATornNewestMetaPage() throws {
        let newest = try transaction(at: 0) > transaction(at: 4_096) ? 0 : 4_096
        overwrite(file, at: newest + 80, with: [UInt8](repeating: 0x7E, count: 64))
        expectError(.corrupted(path: file, damage: .implausibleMeta))
    }

    private func transaction(at page: Int) throws -> UInt64 {
        let bytes = try Data(contentsOf: URL(filePath: file))[page + 144..<page + 152]
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    @Test func reportsAFileThatEndsInItsHeader() {
        truncate(file, 100)
        expectError(.corrupted(path: file, damage: .notLMDB))
    }

    @Test func survivesATruncatedFile() throws {
        truncate(file, 8_192)
        #expect {
            try Environment.open(directory.configuration(readOnly: true))
        } throws: { error in
            guard case .corrupted(_, .shorterThanUsed(_, actual: 8_192)) = error as? StoreError
            else { return false }
            return true
        }
        // LMDB alone would die of SIGBUS.
        #expect(throws: StoreError.corrupted(path: directory["env"], damage: .page)) {
            _ = try Environment.open(directory.configuration(), databases: ["main"])
        }
    }
}
