import Foundation
import Glibc
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding
import TallyStore

/// A network of nodes on this machine, each a process of its own, in one directory
/// (LOCAL-2):
///
///     LOCK  localnet.json  genesis.json  password
///     node-1/  the data directory of a node, and its `log`
///
/// Nothing of it runs in this process: whatever ends here, the directory tells what is there.
struct Localnet: Sendable {
    /// Absolute.
    let path: String
    var state: LocalnetState

    private static let stateName = "localnet.json"
    private static let genesisName = "genesis.json"
    private static let passwordName = "password"

    /// How many nodes of what kind.
    struct Size: Hashable, Sendable {
        static let maximumValidators = 31
        static let maximumObservers = 31

        var validators = 4
        var observers = 0
        var shards = 4
        /// Those of the network, with `shards` in place of theirs; `nil` for the usual ones.
        var parameters: NetworkParameters?
    }

    // MARK: What is there

    static func exists(_ path: String) throws(FileError) -> Bool {
        try Files.mode(of: path + "/" + stateName) != nil
    }

    /// The localnet of a directory, as its file tells it now.
    /// - Throws: `.none`, `.damaged`, `.unknownVersion`, `FileError`.
    init(of path: String) throws {
        guard try Self.exists(path) else { throw LocalnetError.none(path: path) }
        self.path = try Self.absolute(path)
        let file = self.path + "/" + Self.stateName
        state = try LocalnetState(try Files.read(file, limit: 1 << 20), file: file)
    }

    private init(path: String, state: LocalnetState) {
        self.path = path
        self.state = state
    }

    /// Reads the file again: another process may have written it.
    mutating func refresh() throws { state = try Localnet(of: path).state }

    /// How long somebody else may take to change a localnet before we do.
    private static let lockWait: Duration = .seconds(10)

    /// Keeps others from changing a localnet while `body` does (LOCAL-7).
    /// - Throws: `StoreError.locked` by who takes long, and what `body` throws.
    static func locked<Result>(
        _ path: String, _ body: () async throws -> Result
    ) async throws -> Result {
        let deadline = ContinuousClock.now + lockWait
        var held: DirectoryLock?
        while true {
            do throws(StoreError) {
                held = try DirectoryLock(directory: path)
                break
            } catch {
                guard case .locked = error, ContinuousClock.now < deadline else { throw error }
            }
            try await Task.sleep(for: lookInterval)
        }
        let lock = held.take()
        let result = try await body()
        _ = consume lock
        return result
    }

    private static func absolute(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else {
            throw FileError(operation: .inspect, path: path, errno: errno)
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    // MARK: Places

    func directory(of node: LocalnetNode) -> String { path + "/" + node.id }
    func log(of node: LocalnetNode) -> String { directory(of: node) + "/log" }
    var passwordFile: String { path + "/" + Self.passwordName }

    // MARK: Making and removing

    /// Makes one in a directory that is empty or not there (LOCAL-3). The caller holds its lock.
    /// - Throws: `.foreign`, `.noFreePorts`, and whatever keeps files from being written.
    static func create(in path: String, _ size: Size) throws -> Localnet {
        let entries = try Files.entries(of: path).filter { $0 != DirectoryLock.fileName }
        if let stranger = entries.first {
            throw LocalnetError.foreign(path: path, entry: stranger)
        }
        guard let layout = ShardLayout(shardCount: size.shards) else {
            preconditionFailure("validated")
        }
        try Directories.create(path)
        let count = size.validators + size.observers
        let keys = try (0..<count).map { _ in try PrivateKey.generate() }
        let ports = try FreePorts.find(2 * count)
        var parameters =
            size.parameters ?? NetworkParameters(chainID: DevNetwork.chainID, layout: layout)
        parameters.layout = layout
        let document = DevNetwork(parameters: parameters).genesis(
            time: SystemClock().now(), name: "tally localnet",
            validators: keys.prefix(size.validators).map(\.address))
        var localnet = Localnet(
            path: try absolute(path),
            state: LocalnetState(
                genesisHash: document.genesis.hash, shards: size.shards, isFinished: false,
                nodes: keys.enumerated().map { index, key in
                    LocalnetNode(
                        id: LocalnetNode.id(index + 1),
                        role: index < size.validators ? .validator : .observer,
                        address: key.address, rpcPort: ports[2 * index],
                        peerPort: ports[2 * index + 1], process: nil)
                }))
        // First, so that `reset` knows what may be there.
        try localnet.save()
        let password = Hex.encode(try SecureRandom.bytes(16))
        try Files.write(Array((password + "\n").utf8), to: localnet.passwordFile, mode: 0o600)
        try Files.write(document.text, to: localnet.path + "/" + Self.genesisName)
        for (node, key) in zip(localnet.state.nodes, keys) {
            try localnet.create(node, key, password, document)
        }
        localnet.state.isFinished = true
        try localnet.save()
        return localnet
    }

    /// The password lies beside the keystore: stretching it would protect nothing.
    private static func cost() throws -> ScryptCost { try ScryptCost(n: 1 << 12, r: 8, p: 1) }

    private func create(
        _ node: LocalnetNode, _ key: PrivateKey, _ password: String, _ document: GenesisDocument
    ) throws {
        let path = directory(of: node)
        let directory = try DataDirectory(path: path)
        _ = try KeyFolder(path: path + "/" + DataDirectory.keysName).add(
            key, password: password, cost: try Self.cost())
        try Files.write(
            Array(configuration(of: node).utf8),
            to: path + "/" + DataDirectory.configurationName)
        try directory.create(document)
    }

    /// `config.toml` of a node: everything but the password's file, which moves with the directory.
    private func configuration(of node: LocalnetNode) -> String {
        let places = state.nodes.filter { $0.id != node.id }.map {
            "\($0.address)@127.0.0.1:\($0.peerPort)"
        }
        let observers = state.nodes.filter { $0.role == .observer }.map(\.address.description)
        return """
            # \(node.id) of a localnet.
            [rpc]
            port = \(node.rpcPort)

            [peer]
            listen = "127.0.0.1:\(node.peerPort)"
            places = "\(places.joined(separator: ","))"
            role = "\(node.role.rawValue)"
            observers = "\(observers.joined(separator: ","))"

            [log]
            format = "text"

            """
    }

    /// LOCAL-10: removes what `create` and the nodes made, and the directory if nothing else is in it. No node
    /// runs, and the caller holds the lock.
    func remove() throws {
        let files = FileManager.default
        for node in state.nodes where files.fileExists(atPath: directory(of: node)) {
            try files.removeItem(atPath: directory(of: node))
        }
        // The state goes last: until then `reset` can be tried again.
        for name in [Self.passwordName, Self.genesisName, Self.stateName, DirectoryLock.fileName] {
            let file = path + "/" + name
            if unlink(file) != 0, errno != ENOENT {
                throw FileError(operation: .remove, path: file, errno: errno)
            }
        }
        // Fails where somebody put something, which stays.
        rmdir(path)
    }

    func save() throws(FileError) {
        try Files.write(
            Array((state.json.indented() + "\n").utf8), to: path + "/" + Self.stateName)
    }

    /// What the localnet began with.
    /// - Throws: `.differs` when it is not what the caller wants; `nil` wants anything.
    func check(validators: Int?, observers: Int?, shards: Int?) throws(LocalnetError) {
        guard state.isFinished else { throw .unfinished(path: path) }
        let facts = [
            ("validators", state.count(.validator), validators),
            ("observers", state.count(.observer), observers), ("shards", state.shards, shards),
        ]
        for (what, has, wanted) in facts {
            if let wanted, wanted != has {
                throw .differs(path: path, what: what, has: has, wanted: wanted)
            }
        }
    }

    var network: DevNetwork {
        get throws(LocalnetError) {
            guard let layout = ShardLayout(shardCount: state.shards) else {
                throw .damaged(file: path + "/" + Self.stateName, reason: "its shards")
            }
            return DevNetwork(layout: layout)
        }
    }
}
