import Glibc
import TallyStore
import Testing

@Suite struct DirectoryLockTests {
    let directory = TemporaryDirectory()

    @Test func refusesASecondHolderAndNamesTheFirst() throws {
        let data = directory["data"]
        let lock = try DirectoryLock(directory: data)
        #expect(permissions(data) == 0o700)
        #expect(permissions(data + "/LOCK") == 0o600)
        #expect(throws: StoreError.locked(path: data, pid: getpid())) {
            _ = try DirectoryLock(directory: data)
        }
        #expect(lock.directory == data)
    }

    @Test func isFreeAgainWhenTheHolderEnds() throws {
        for _ in 0..<2 { _ = try DirectoryLock(directory: directory["data"]) }
    }

    @Test func refusesWhileAnotherProcessHoldsIt() throws {
        let helper = try HelperProcess(
            "exec 9>\(directory["LOCK"]); flock -n 9; echo $$ >&9; echo held; read line")
        #expect(throws: StoreError.locked(path: directory.path, pid: helper.pid)) {
            _ = try DirectoryLock(directory: directory.path)
        }
        helper.end()
        _ = try DirectoryLock(directory: directory.path)
    }

    @Test func refusesWithoutAProcessIDIfNoneIsNamed() throws {
        let helper = try HelperProcess(
            "exec 9>\(directory["LOCK"]); flock -n 9; echo nobody >&9; echo held; read line")
        #expect(throws: StoreError.locked(path: directory.path, pid: nil)) {
            _ = try DirectoryLock(directory: directory.path)
        }
        helper.end()
    }
}

@Suite struct StoreErrorTests {
    /// Every case says where, and says something of its own.
    @Test func namesThePathAndDiffers() {
        let path = "/data/shard-3"
        let errors: [StoreError] = [
            .mapFull(path: path), .readersFull(path: path), .mapResized(path: path),
            .transactionFull(path: path), .databasesFull(path: path),
            .corrupted(path: path, damage: .page), .versionMismatch(path: path),
            .diskFull(path: path, operation: .commit), .alreadyOpen(path: path),
            .locked(path: path, pid: 7), .notFound(path: path),
            .unknownDatabase(path: path, name: "state"),
            .permission(path: path, operation: .open),
            .invalidSize(path: path, database: "state", operation: .put),
            .outOfOrder(path: path, database: "state"), .failedTransaction(path: path),
            .busy(path: path, open: 2), .readOnly(path: path), .stopped(path: path),
            .other(code: EIO, operation: .sync, path: path),
        ]
        let texts = errors.map(\.description)
        #expect(Set(texts).count == errors.count)
        #expect(texts.allSatisfy { $0.contains(path) })
        #expect(texts[9].contains("process 7"))
        #expect(texts[19].contains("Input/output error"))
    }
}
