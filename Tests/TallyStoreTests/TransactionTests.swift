import TallyPrimitives
import TallyStore
import TallyTesting
import Testing

@Suite struct TransactionTests {
    let directory = TemporaryDirectory()
    let environment: Environment
    let db: Database

    init() throws {
        environment = try Environment.open(directory.configuration(), databases: ["main", "other"])
        db = try environment.openDatabase("main")
    }

    @Test func commitsWhatAClosureWrote() throws {
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("a"), bytes("1"), in: db)
            try tx.put(Hash32.zero, UInt64(7), in: db)
        }
        #expect(try environment.value(bytes("a"), in: db) == bytes("1"))
        #expect(try environment.value(Hash32.zero, in: db) == [0, 0, 0, 0, 0, 0, 0, 7])
        #expect(try environment.value(bytes("b"), in: db) == nil)
        let found = try environment.read { tx throws(StoreError) in
            [try tx.contains(bytes("a"), in: db), try tx.contains(bytes("b"), in: db)]
        }
        #expect(found == [true, false])
        #expect(try environment.count(in: db) == 2)
    }

    @Test func leavesNothingOfAClosureThatThrows() throws {
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("a"), bytes("1"), in: db)
        }
        #expect(throws: StoreError.notFound(path: "mine")) {
            try environment.write { tx throws(StoreError) in
                try tx.put(bytes("a"), bytes("2"), in: db)
                try tx.put(bytes("b"), bytes("2"), in: db)
                throw .notFound(path: "mine")
            }
        }
        #expect(try environment.value(bytes("a"), in: db) == bytes("1"))
        #expect(try environment.count(in: db) == 1)
        #expect(environment.info.openTransactions == 0)
    }

    @Test func readsItsOwnWritesBeforeTheCommit() throws {
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("a"), bytes("1"), in: db)
            let before = try tx.get(bytes("a"), in: db)
            let deleted = [try tx.delete(bytes("a"), in: db), try tx.delete(bytes("a"), in: db)]
            let after = try tx.get(bytes("a"), in: db)
            #expect(before == bytes("1") && deleted == [true, false] && after == nil)
        }
    }

    @Test func keepsDatabasesApart() throws {
        let other = try environment.openDatabase("other")
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("a"), bytes("1"), in: db)
            try tx.put(bytes("b"), bytes("2"), in: other)
            try tx.deleteAll(in: other)
        }
        #expect(try environment.count(in: db) == 1)
        #expect(try environment.count(in: other) == 0)
    }

    @Test(arguments: [1, 2, 510, 511]) func takesKeysUpTo511Bytes(length: Int) throws {
        let key = [UInt8](repeating: 9, count: length)
        try environment.write { tx throws(StoreError) in
            try tx.put(key, bytes("v"), in: db)
        }
        #expect(try environment.value(key, in: db) == bytes("v"))
    }

    @Test(arguments: [0, 512]) func refusesKeysOutOfBounds(length: Int) {
        let key = [UInt8](repeating: 9, count: length)
        let path = environment.path
        #expect(throws: StoreError.invalidSize(path: path, database: "main", operation: .put)) {
            try environment.put(key, bytes("v"), in: db)
        }
    }

    @Test(arguments: [0, 1, 2_037, 2_038, 2_039, 4_096, 1 << 20])
    func keepsValuesOfAnyLength(length: Int) throws {
        let value = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try environment.write { tx throws(StoreError) in
            try tx.put(bytes("put"), value, in: db)
            try tx.put(bytes("fill"), count: length, in: db) { $0.copyBytes(from: value) }
        }
        #expect(try environment.value(bytes("put"), in: db) == value)
        #expect(try environment.value(bytes("fill"), in: db) == value)
    }

    @Test func refusesToAppendOutOfOrder() throws {
        try environment.write { tx throws(StoreError) in
            try tx.append(UInt64(1), bytes("1"), in: db)
            try tx.append(UInt64(256), bytes("2"), in: db)
        }
        for key in [UInt64(2), 256] {
            #expect(throws: StoreError.outOfOrder(path: environment.path, database: "main")) {
                try environment.write { tx throws(StoreError) in
                    try tx.append(key, bytes("3"), in: db)
                }
            }
        }
        #expect(try environment.count(in: db) == 2)
    }

    @Test func refusesToCommitAfterAFailedWrite() throws {
        let tooMuch = [UInt8](repeating: 1, count: 17 << 20)
        #expect(throws: StoreError.failedTransaction(path: environment.path)) {
            try environment.write { tx throws(StoreError) in
                try tx.put(bytes("a"), bytes("1"), in: db)
                try? tx.put(bytes("b"), tooMuch, in: db)
            }
        }
        #expect(try environment.count(in: db) == 0)
    }

    @Test func agreesWithASortedArray() throws {
        try forEachSeed(base: 41, count: 20) { _, random in
            var model: [[UInt8]] = []
            for _ in 0..<Int.random(in: 0...600, using: &random) {
                let length = Int.random(in: 1...3, using: &random)
                model.append((0..<length).map { _ in UInt8.random(in: 0...9, using: &random) })
            }
            model = Set(model).sorted { $0.lexicographicallyPrecedes($1) }
            try environment.write { tx throws(StoreError) in
                try tx.deleteAll(in: db)
                for key in model.shuffled(using: &random) { try tx.put(key, key, in: db) }
            }
            let pivot = [UInt8.random(in: 0...9, using: &random), 5]
            #expect(try keys(from: nil, .ascending) == model)
            #expect(try keys(from: nil, .descending) == model.reversed())
            #expect(
                try keys(from: pivot, .ascending)
                    == model.filter { !$0.lexicographicallyPrecedes(pivot) })
            #expect(
                try keys(from: pivot, .descending)
                    == model.filter { !pivot.lexicographicallyPrecedes($0) }.reversed())
            let lower = Bool.random(using: &random) ? pivot : nil
            let upper = Bool.random(using: &random) ? [pivot[0] + 2] : nil
            let kept = model.filter { key in
                lower.map { key.lexicographicallyPrecedes($0) } == true
                    || upper.map { !key.lexicographicallyPrecedes($0) } == true
            }
            let removed = try environment.write { tx throws(StoreError) in
                try tx.deleteRange(from: lower, upTo: upper, in: db)
            }
            #expect(removed == model.count - kept.count)
            #expect(try keys(from: nil, .ascending) == kept)
        }
    }

    private func keys(from start: [UInt8]?, _ order: KeyOrder) throws(StoreError) -> [[UInt8]] {
        try environment.read { tx throws(StoreError) in
            var keys: [[UInt8]] = []
            try tx.forEach(in: db, from: start, order: order) { key, value in
                #expect(key.elementsEqual(value))
                keys.append(Array(key))
                return .next
            }
            return keys
        }
    }

    @Test func stopsVisitingWhenTold() throws {
        try environment.write { tx throws(StoreError) in
            for i in UInt64(0)..<10 { try tx.append(i, i, in: db) }
        }
        try environment.read { tx throws(StoreError) in
            var seen = 0
            try tx.forEach(in: db) { _, _ in
                seen += 1
                return seen == 3 ? .stop : .next
            }
            #expect(seen == 3)
            let first = try tx.first(in: db)
            let last = try tx.first(in: db, order: .descending)
            #expect(first?.key.last == 0 && last?.key.last == 9)
        }
    }
}
