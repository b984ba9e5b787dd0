import ArgumentParser
import Foundation
import TallyClient
import TallyEngine
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding

struct GenesisCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "genesis", abstract: "Write and check what a network begins with.",
        discussion: """
            A genesis document is JSON: the chain id, the number of shards, the opening \
            balances and the validators of a network. Its hash names the network: nodes whose \
            documents differ do not talk to each other.

            Examples:
              tally genesis new --account 0x…=1000ether --out genesis.json
              tally genesis validate genesis.json
            """,
        subcommands: [
            GenesisNewCommand.self, GenesisValidateCommand.self, GenesisHashCommand.self,
        ])

    /// Reads a genesis document.
    static func read(_ path: String) throws -> GenesisDocument {
        let bytes = try Files.read(path)
        do throws(GenesisDocumentError) {
            return try GenesisDocument(json: bytes)
        } catch { throw CommandFailure("genesis", "\(path): \(error)") }
    }

    /// Reads the parameters of a genesis document, which need not be complete.
    static func readParameters(_ path: String) throws -> NetworkParameters {
        let bytes = try Files.read(path)
        do throws(GenesisDocumentError) {
            return try GenesisDocument.parameters(json: bytes)
        } catch { throw CommandFailure("genesis", "\(path): \(error)") }
    }
}

/// `address=amount`.
struct OpeningArgument: ExpressibleByArgument {
    let address: Address
    let balance: Amount

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let address = Address(hex: parts[0]),
            let balance = AmountArgument(argument: String(parts[1]))?.value
        else { return nil }
        self.address = address
        self.balance = balance
    }
}

struct GenesisNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Write a genesis document, every parameter stated.",
        discussion: """
            Without --validator, the document lacks its validator: `tally init` makes a key and \
            completes it.

            Example:
              tally genesis new --shards 4 --account 0x…=1000ether --out genesis.json
              tally genesis new --profile emc --account 0x…=1000000 --out genesis.json
            """)

    @Option(
        name: .long, help: ArgumentHelp("Number that names the chain to wallets.", valueName: "id"))
    var chainId: UInt64 = GenesisDocument.defaultChainID
    @Option(name: .long, help: ArgumentHelp("Number of shards, 1 to 1024.", valueName: "count"))
    var shards = GenesisDocument.defaultShards
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Preset of the parameters: none, a ledger of transfers, or emc, the compute economy of "
                + "EMC. The document states every number; edit it to make your own.",
            valueName: "profile"))
    var profile = NetworkProfile.none
    @Option(
        name: .long,
        help: ArgumentHelp(
            "An opening balance in base units, or in ether as in 0x…=10ether. Repeatable.",
            valueName: "address=amount"))
    var account: [OpeningArgument] = []
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Account whose key builds and seals blocks. Repeatable.", valueName: "address"))
    var validator: [AddressArgument] = []
    @Option(name: .long, help: ArgumentHelp("A name for people.", valueName: "text"))
    var name: String?
    @Option(
        name: .long,
        help: ArgumentHelp("File to write (default: standard output).", valueName: "file"))
    var out: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if ShardLayout(shardCount: shards) == nil {
            throw ValidationError("--shards must be 1 to 1024, not \(shards)")
        }
    }

    func run() throws {
        guard let layout = ShardLayout(shardCount: shards) else {
            preconditionFailure("validated")
        }
        var parameters = NetworkParameters(chainID: chainId, layout: layout)
        profile.apply(to: &parameters)
        // A placeholder keeps the rules checkable; it does not reach the text.
        let genesis: Genesis
        do throws(GenesisError) {
            genesis = try Genesis(
                parameters: parameters, time: SystemClock().now(),
                accounts: account.map { .init(address: $0.address, balance: $0.balance) },
                validators: validator.isEmpty ? [.zero] : validator.map(\.value))
        } catch { throw CommandFailure("genesis", error.description) }
        var json = GenesisDocument(name: name, genesis: genesis).json
        if validator.isEmpty, let object = json.objectValue {
            json = .object(JSONObject(object.members.filter { $0.key != "validators" }))
        }
        let text = json.indented()
        guard let out else { return Console.current.print(output.json ? "\(json)" : text) }
        try Files.write(Array((text + "\n").utf8), to: out)
        output.print(["file": .string(out)], "Written to \(out).")
    }
}

struct GenesisValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a genesis document and say what it describes.")

    @Argument(help: "The genesis document.")
    var file: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let genesis = try GenesisCommand.read(file).genesis
        let parameters = genesis.parameters
        output.print(
            [
                "valid": true, "hash": .string(genesis.hash.description),
                "chainId": JSON(parameters.chainID),
                "shards": JSON(parameters.layout.shardCount),
                "accounts": JSON(genesis.accounts.count),
                "validators": JSON(genesis.validators.count),
                "supply": .string(genesis.supply.description),
            ],
            """
            \(file) is valid.
              hash        \(genesis.hash)
              chain id    \(parameters.chainID)
              shards      \(parameters.layout.shardCount)
              accounts    \(genesis.accounts.count)
              validators  \(genesis.validators.count)
              supply      \(Ether.text(genesis.supply)) ether
            """)
    }
}

struct GenesisHashCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hash", abstract: "Print the hash that names the chain.")

    @Argument(help: "The genesis document.")
    var file: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let hash = try GenesisCommand.read(file).genesis.hash.description
        output.print(["hash": .string(hash)], hash)
    }
}
