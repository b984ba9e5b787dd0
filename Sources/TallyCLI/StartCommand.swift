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

            With --json, one line is printed when the ledger is ready: \
            {"rpc", "peers", "chainId", "shards", "validator", "height"}.
            """)

    @OptionGroup var settings: NodeSettings
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keystore file of the validator, if it is not in keys/.", valueName: "file"))
    var keyFile: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is the key's password, instead of asking for it.",
            valueName: "file"))
    var passwordFile: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Place for other validators' connections, port 0 for any free one (default: "
                + "127.0.0.1:8600).", valueName: "host:port"))
    var peerListen: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where other validators are: address@host:port, with commas between.",
            valueName: "places"))
    var peerPlaces: String?
    @Flag(
        name: .long,
        help: ArgumentHelp("Stop when standard input ends.", visibility: .hidden))
    var untilEof = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var flags: [Setting: String] = [:]
        flags[.peerListen] = peerListen
        flags[.peerPlaces] = peerPlaces
        flags[.keyFile] = keyFile
        flags[.passwordFile] = passwordFile
        let configuration = try settings.configuration(extra: flags)
        // A directory that is not there is not created by starting it.
        guard try DataDirectory.hasLedger(configuration.dataDirectory) else {
            throw DataDirectoryError.empty(path: configuration.dataDirectory)
        }
        let directory = try DataDirectory(path: configuration.dataDirectory)
        let genesis = try directory.genesis().genesis
        let validator = try Self.validator(configuration, genesis)
        let node = try await Node.open(
            configuration, in: directory, validator: validator,
            logger: .node(level: configuration.logLevel, format: configuration.logFormat))
        output.print(
            [
                "rpc": .string(node.rpcURL),
                "peers": node.peerPlace.map { .string("\($0)") } ?? .null,
                "chainId": JSON(genesis.parameters.chainID),
                "shards": JSON(genesis.parameters.layout.shardCount),
                "validator": .string(validator.address.description),
                "height": JSON(node.height.value),
            ],
            "Ledger \(genesis.hash) at height \(node.height), JSON-RPC at \(node.rpcURL).")
        try await node.run(until: untilEof ? StandardInput.end : nil)
    }

    /// The key that builds and signs: that of the key file, or the one in `keys/` that the genesis
    /// names.
    private static func validator(
        _ configuration: NodeConfiguration, _ genesis: Genesis
    ) throws -> PrivateKey {
        let folder = KeyFolder(
            path: configuration.dataDirectory + "/" + DataDirectory.keysName)
        let stated =
            try configuration.keyFile.flatMap { try KeyFolder.read($0).address }
            ?? (try folder.addresses().first(where: genesis.validators.contains))
        guard let address = stated else {
            throw KeyError.noKey(genesis.validators[0], path: folder.path)
        }
        let password = try Passwords.read(
            file: configuration.passwordFile, prompt: "Password of the validator's key")
        if let file = configuration.keyFile {
            return try KeyFolder.open(file: file, password: password)
        }
        return try folder.key(of: address, password: password)
    }
}
