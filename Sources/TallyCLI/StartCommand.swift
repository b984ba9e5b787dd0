import ArgumentParser
import TallyClient
import TallyCrypto
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding

struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Run the ledger of a directory made by `tally init`.",
        discussion: """
            What no flag says comes from TALLY_* variables, then from config.toml in the data \
            directory, for example:

              [rpc]
              port = 8545
              [peer]
              listen = "0.0.0.0:8600"
              places = "0x…@10.0.0.2:8600,0x…@10.0.0.3:8600"
              [log]
              level = "info"
              [key]
              password-file = "/etc/tally/password"

            A network of several validators needs more than two thirds of them to decide anything. They \
            reach each other at their peer places, by TLS with certificates that their keys vouch for; \
            of any two it is enough that one knows the other's place.

            An observer follows the ledger, serves JSON-RPC and passes transactions on, but never \
            votes. It has a key of its own, which the validators name as one of their observers:

              tally keys new --data-dir DIR
              tally start --data-dir DIR --observe --peer-places 0x…@10.0.0.2:8600

            With --json, one line is printed when the ledger is ready: \
            {"rpc", "peers", "chainId", "shards", "role", "address", "validator", "height"}.
            """)

    @OptionGroup var settings: NodeSettings
    @OptionGroup var role: NodeRoleSettings
    @Flag(
        name: .long,
        help: ArgumentHelp("Stop when standard input ends.", visibility: .hidden))
    var untilEof = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let configuration = try settings.configuration(extra: role.flags)
        // A directory that is not there is not created by starting it.
        guard try DataDirectory.hasLedger(configuration.dataDirectory) else {
            throw DataDirectoryError.empty(path: configuration.dataDirectory)
        }
        let directory = try DataDirectory(path: configuration.dataDirectory)
        let genesis = try directory.genesis().genesis
        let key = try Self.key(configuration, genesis)
        let node = try await Node.open(
            configuration, in: directory, key: key, taskKey: try Self.taskKey(configuration),
            logger: .node(level: configuration.logLevel, format: configuration.logFormat))
        let isValidator = genesis.validators.contains(key.address)
        let height = node.height
        try await node.run(until: untilEof ? StandardInput.end : nil) { [output] in
            output.print(
                [
                    "rpc": .string(node.rpcURL),
                    "peers": node.peerPlace.map { .string("\($0)") } ?? .null,
                    "chainId": JSON(genesis.parameters.chainID),
                    "shards": JSON(genesis.parameters.layout.shardCount),
                    "role": .string(isValidator ? "validator" : "observer"),
                    "address": .string(key.address.description),
                    "validator": isValidator ? .string(key.address.description) : .null,
                    "height": JSON(height.value),
                ],
                "Ledger \(genesis.hash) at height \(height), JSON-RPC at \(node.rpcURL).")
        }
    }

    /// That of the key file, or the one in `keys/` that fits: a validator's of the genesis, or the only
    /// one of an observer.
    private static func key(
        _ configuration: NodeConfiguration, _ genesis: Genesis
    ) throws -> PrivateKey {
        let folder = KeyFolder(
            path: configuration.dataDirectory + "/" + DataDirectory.keysName)
        let observes = configuration.peers.isObserver
        let prompt = "Password of the \(observes ? "observer" : "validator")'s key"
        if let file = configuration.keyFile {
            // Before anybody is asked for a password.
            _ = try KeyFolder.read(file)
            let password = try Passwords.read(file: configuration.passwordFile, prompt: prompt)
            return try KeyFolder.open(file: file, password: password)
        }
        let known = try folder.addresses()
        let address =
            observes
            ? try observer(known, folder.path) : try validator(known, genesis, folder.path)
        let password = try Passwords.read(file: configuration.passwordFile, prompt: prompt)
        return try folder.key(of: address, password: password)
    }

    /// That of the account which posts hidden tasks, if it has one of its own (WORK-15).
    static func taskKey(_ configuration: NodeConfiguration) throws -> PrivateKey? {
        guard let file = configuration.hiddenTasks.keyFile else { return nil }
        _ = try KeyFolder.read(file)
        let password = try Passwords.read(
            file: configuration.passwordFile, prompt: "Password of the hidden tasks' key")
        return try KeyFolder.open(file: file, password: password)
    }

    private static func validator(
        _ known: [Address], _ genesis: Genesis, _ path: String
    ) throws -> Address {
        if let address = known.first(where: genesis.validators.contains) { return address }
        // Whoever has staked may be one; the node asks its ledger.
        if genesis.parameters.economy != nil, known.count == 1 { return known[0] }
        guard let other = known.first else {
            throw KeyError.noKey(genesis.validators[0], path: path)
        }
        throw NodeError.notAValidator(other)
    }

    private static func observer(_ known: [Address], _ path: String) throws -> Address {
        guard let address = known.first else {
            throw CommandFailure(
                "key",
                "there is no key in \(path); make one for the observer with `tally keys new`, and "
                    + "name its address to the validators with --peer-observers")
        }
        guard known.count == 1 else {
            throw CommandFailure(
                "key", "\(path) holds \(known.count) keys; name the observer's with --key-file")
        }
        return address
    }
}
