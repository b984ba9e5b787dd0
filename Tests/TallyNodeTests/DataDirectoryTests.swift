import Foundation
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallySharding
import TallyStore
import Testing

@Suite struct DataDirectoryTests {
    private func document(time: UInt64 = 1) throws -> GenesisDocument {
        DevNetwork(layout: try #require(ShardLayout(shardCount: 2)))
            .genesis(time: BeaconTime(milliseconds: time))
    }

    private func create(_ scratch: Scratch) throws {
        try DataDirectory(path: scratch.path).create(try document())
    }

    @Test func keepsItsGenesis() throws {
        let scratch = try Scratch()
        #expect(try !DataDirectory.hasLedger(scratch.path))
        try create(scratch)
        #expect(try DataDirectory.hasLedger(scratch.path))
        #expect(try DataDirectory(path: scratch.path).genesis() == document())
    }

    @Test func isHeldByOneProcess() throws {
        let scratch = try Scratch()
        let held = try DataDirectory(path: scratch.path)
        let pid = ProcessInfo.processInfo.processIdentifier
        #expect(
            throws: DataDirectoryError.store(.locked(path: scratch.path, pid: pid))
        ) { _ = try DataDirectory(path: scratch.path) }
        #expect(held.path == scratch.path)
    }

    @Test func isCreatedOnce() throws {
        let scratch = try Scratch()
        try create(scratch)
        #expect(throws: DataDirectoryError.notEmpty(path: scratch.path)) { try create(scratch) }
    }

    @Test func refusesAnEmptyDirectory() throws {
        let scratch = try Scratch()
        #expect(throws: DataDirectoryError.empty(path: scratch.path)) {
            try DataDirectory(path: scratch.path).genesis()
        }
    }

    @Test func refusesADirectoryOfSomebodyElse() throws {
        let scratch = try Scratch()
        try scratch.write("{}", to: "config.toml")
        try scratch.write("dear diary", to: "thesis.txt")
        #expect(
            throws: DataDirectoryError.foreign(path: scratch.path, entry: "thesis.txt")
        ) { _ = try DataDirectory(path: scratch.path) }
    }

    @Test func refusesAnotherFormat() throws {
        let scratch = try Scratch()
        try create(scratch)
        try scratch.write("6\nwhatever\n", to: "VERSION")
        #expect(
            throws: DataDirectoryError.unknownVersion(path: scratch.path, found: 6, supported: 5)
        ) { try DataDirectory(path: scratch.path).genesis() }
    }

    @Test(arguments: ["", "x\n", "5\n", "5\n0x12\n"])
    func refusesADamagedVersion(_ text: String) throws {
        let scratch = try Scratch()
        try create(scratch)
        try scratch.write(text, to: "VERSION")
        #expect(throws: DataDirectoryError.malformedVersion(path: scratch.path)) {
            try DataDirectory(path: scratch.path).genesis()
        }
    }

    @Test func refusesAnotherGenesis() throws {
        let scratch = try Scratch()
        try create(scratch)
        let other = try document(time: 2)
        try scratch.write(String(decoding: other.text, as: UTF8.self), to: "genesis.json")
        #expect(
            throws: DataDirectoryError.genesisMismatch(
                path: scratch.path, recorded: try document().genesis.hash,
                found: other.genesis.hash)
        ) { try DataDirectory(path: scratch.path).genesis() }
    }

    @Test func refusesADamagedGenesis() throws {
        let scratch = try Scratch()
        try create(scratch)
        try scratch.write("[]", to: "genesis.json")
        #expect(
            throws: DataDirectoryError.genesis(path: scratch.path, .notAnObject(field: ""))
        ) { try DataDirectory(path: scratch.path).genesis() }
    }
}

@Suite struct KeyFolderTests {
    private let cost: ScryptCost
    private let scratch: Scratch
    private let folder: KeyFolder
    private let key: PrivateKey

    init() throws {
        cost = try ScryptCost(n: 2, r: 8, p: 1)
        scratch = try Scratch()
        folder = KeyFolder(path: scratch["keys"])
        key = try PrivateKey(SHA256.hash(.object, Array("key folder".utf8)))
    }

    private func add() throws -> String {
        try folder.add(key, password: "secret", cost: cost)
    }

    @Test func keepsKeysForTheOwnerOnly() throws {
        #expect(try folder.addresses() == [])
        let file = try add()
        #expect(try Files.mode(of: folder.path) == 0o700)
        #expect(try Files.mode(of: file) == 0o600)
        #expect(try Files.entries(of: folder.path) == ["\(key.address).json"])
        #expect(try folder.addresses() == [key.address])
        let opened = try folder.key(of: key.address, password: "secret")
        #expect(opened.exportBytes() == key.exportBytes())
    }

    @Test func refusesAWrongPassword() throws {
        let file = try add()
        #expect(throws: KeyError.keystore(path: file, .wrongPassword)) {
            try folder.key(of: key.address, password: "public")
        }
    }

    @Test func refusesToReplaceAKey() throws {
        let file = try add()
        #expect(throws: KeyError.exists(path: file)) { try add() }
    }

    @Test func refusesAKeyItHasNot() throws {
        _ = try add()
        #expect(throws: KeyError.noKey(.zero, path: folder.path)) {
            try folder.key(of: .zero, password: "secret")
        }
    }

    @Test(arguments: [0o750, 0o701]) func refusesALooseFolder(_ mode: Int) throws {
        _ = try add()
        try scratch.setMode(mode, of: "keys")
        let error = KeyError.looseMode(path: folder.path, mode: UInt32(mode))
        #expect(throws: error) { try folder.addresses() }
        #expect(throws: error) { try add() }
    }

    @Test(arguments: [0o640, 0o604, 0o602]) func refusesALooseFile(_ mode: Int) throws {
        let file = try add()
        try scratch.setMode(mode, of: "keys/\(key.address).json")
        #expect(throws: KeyError.looseMode(path: file, mode: UInt32(mode))) {
            try folder.addresses()
        }
    }
}
