import TallyStore
import Testing

@Suite struct SnapshotTests {
    let directory = TemporaryDirectory()
    let environment: Environment
    let db: Database

    init() throws {
        environment = try Environment.open(directory.configuration(), databases: ["main"])
        db = try environment.openDatabase("main")
        try set("1")
    }

    private func set(_ value: String) throws(StoreError) {
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("a"), bytes(value), in: db)
        }
    }

    @Test func seesTheCommitItWasTakenAt() throws {
        let old = try environment.snapshot()
        try set("2")
        let new = try environment.snapshot()
        try set("3")
        #expect(try old.get(bytes("a"), in: db) == bytes("1"))
        #expect(try new.get(bytes("a"), in: db) == bytes("2"))
        #expect(new.transactionID == old.transactionID + 1)
        #expect(try environment.snapshot().get(bytes("a"), in: db) == bytes("3"))
    }

    @Test func givesItsSlotBackWithItsLastReference() throws {
        do {
            let snapshot = try environment.snapshot()
            #expect(environment.info.openTransactions == 1)
            #expect(try snapshot.get(bytes("a"), in: db) == bytes("1"))
        }
        #expect(environment.info.openTransactions == 0)
    }

    @Test func keepsItsEnvironmentOpen() throws {
        let other = TemporaryDirectory()
        var owner: Environment? = try Environment.open(other.configuration(), databases: ["main"])
        let snapshot = try #require(try owner?.snapshot())
        owner = nil
        #expect(throws: StoreError.alreadyOpen(path: other["env"])) {
            try Environment.open(other.configuration())
        }
        #expect(snapshot.environment.info.openTransactions == 1)
    }

    @Test func mayBeReadFromManyThreadsAtOnce() async throws {
        try environment.write { tx throws(StoreError) in
            for i in UInt64(0)..<500 { try tx.put(i, i, in: db) }
        }
        let snapshot = try environment.snapshot()
        try environment.write { tx throws(StoreError) in try tx.deleteAll(in: db) }
        let table = db
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { @concurrent in
                    for i in UInt64(0)..<500 {
                        let last = try snapshot.get(i, in: table)?.last
                        #expect(last == UInt8(truncatingIfNeeded: i))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func doesNotKnowADatabaseOpenedLater() throws {
        let snapshot = try environment.snapshot()
        let late = try environment.openDatabase("late")
        #expect(throws: StoreError.unknownDatabase(path: environment.path, name: "late")) {
            try snapshot.get(bytes("a"), in: late)
        }
    }
}
