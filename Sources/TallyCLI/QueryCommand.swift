import ArgumentParser
import TallyClient
import TallyNode
import TallyPrimitives

struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Ask a running node.",
        discussion: """
            The node is the one on this machine unless --rpc or the variable TALLY_RPC names \
            another.

            Examples:
              tally query balance 0x…
              tally query block latest --full --json
            """,
        subcommands: [
            QueryInfoCommand.self, QueryShardsCommand.self, QueryBalanceCommand.self,
            QueryNonceCommand.self, QueryBlockCommand.self, QueryReceiptCommand.self,
            QueryTransactionCommand.self,
        ] + proofVerbs)
}

/// A block by name, height or hash, as the node takes it.
struct BlockArgument: ExpressibleByArgument {
    let json: JSON
    let isHash: Bool

    static let latest = BlockArgument(json: "latest", isHash: false)

    var defaultValueDescription: String { json.stringValue ?? "" }

    private init(json: JSON, isHash: Bool) {
        self.json = json
        self.isHash = isHash
    }

    init?(argument: String) {
        if ["latest", "pending", "earliest", "safe", "finalized"].contains(argument) {
            self.init(json: .string(argument), isHash: false)
        } else if Hash32(hex: argument) != nil {
            self.init(json: .string(argument), isHash: true)
        } else if let height = argument.hasPrefix("0x")
            ? JSON.string(argument).quantity(UInt64.self) : UInt64(argument)
        {
            // As people write it, or as proofs and blocks do.
            self.init(json: .string(Hex.quantity(height)), isHash: false)
        } else {
            return nil
        }
    }
}

struct QueryInfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "What the node is and where it stands.")

    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let info = try await rpc.client().call("node_info")
        output.print(info, info.indented())
    }
}

struct QueryShardsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shards", abstract: "Heads, balances and queues of the shards.")

    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let shards = try await rpc.client().call("shard_list")
        output.print(shards, Self.table(shards.arrayValue ?? []))
    }

    private static func table(_ shards: [JSON]) -> String {
        let rows = shards.map { shard in
            let sum = shard["stateSum"]?.stringValue.flatMap { Amount(decimal: $0) } ?? .zero
            let height = shard["height"]?.quantity(UInt64.self) ?? 0
            return [
                shard["id"]?.description ?? "?", String(height), Ether.text(sum),
                shard["poolTransactions"]?.description ?? "?",
                shard["inboundReceipts"]?.description ?? "?",
            ]
        }
        return Table(["shard", "height", "ether", "pool", "receipts"], rows).text
    }
}

struct QueryBalanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balance", abstract: "Balance of an account.")

    @Argument(help: "The account.")
    var address: AddressArgument
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let balance = try await rpc.client().balance(of: address.value)
        output.print(
            [
                "address": .string(address.value.description),
                "balance": .string(balance.description), "ether": .string(Ether.text(balance)),
            ],
            "\(Ether.text(balance)) ether (\(balance) base units)")
    }
}

struct QueryNonceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nonce", abstract: "Number of transactions an account has sent.")

    @Argument(help: "The account.")
    var address: AddressArgument
    @Flag(name: .long, help: "Count those that wait in the mempool too.")
    var pending = false
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let nonce = try await rpc.client().nonce(
            of: address.value, at: pending ? "pending" : "latest")
        output.print(
            ["address": .string(address.value.description), "nonce": JSON(nonce)], String(nonce))
    }
}

struct QueryBlockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "block", abstract: "A block.")

    @Argument(help: "latest, a height or a hash.")
    var block: BlockArgument = .latest
    @Flag(name: .long, help: "With its transactions instead of their hashes.")
    var full = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The header of this shard's part of it instead; the number of shards is the beacon.",
            valueName: "shard"))
    var shard: UInt16?
    @OptionGroup var document: DocumentOptions

    func run() async throws {
        if let shard {
            return try await document.write(
                "shard_block", [JSON(shard), block.json],
                otherwise: "there is no such block of the shard")
        }
        let method = block.isHash ? "eth_getBlockByHash" : "eth_getBlockByNumber"
        try await document.write(
            method, [block.json, .bool(full)], otherwise: "there is no such block")
    }
}

struct QueryReceiptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt", abstract: "Receipt of a transaction.")

    @Argument(help: "The transaction's hash.")
    var hash: HashArgument
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await output.printFound(
            rpc.client().call(
                "eth_getTransactionReceipt", [.string(hash.value.description)]),
            "no block holds this transaction")
    }
}

struct QueryTransactionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transaction", abstract: "A transaction.")

    @Argument(help: "The transaction's hash.")
    var hash: HashArgument
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await output.printFound(
            rpc.client().call("eth_getTransactionByHash", [.string(hash.value.description)]),
            "the node does not know this transaction")
    }
}

extension OutputOptions {
    /// Prints an object of the node.
    /// - Throws: `notFound` for null.
    fileprivate func printFound(_ json: JSON, _ otherwise: String) throws(CommandFailure) {
        guard !json.isNull else { throw CommandFailure("notFound", otherwise) }
        print(json, json.indented())
    }
}
