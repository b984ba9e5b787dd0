import ArgumentParser
import TallyClient
import TallyNode
import TallyPrimitives

/// Where the JSON of a proof or header goes.
struct DocumentOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Write the JSON to this file.", valueName: "file"))
    var out: String?
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    /// Asks, and writes or prints the answer.
    /// - Throws: `notFound` for null.
    func write(_ method: String, _ params: [JSON], otherwise: String) async throws {
        // The first proof of a long stream has the node read all of it.
        let answer = try await rpc.client(timeout: .seconds(60)).call(method, params)
        guard !answer.isNull else { throw CommandFailure("notFound", otherwise) }
        guard let out else {
            Console.current.print(output.json ? answer.description : answer.indented())
            return
        }
        try Files.write(Array((answer.description + "\n").utf8), to: out)
        output.print(["file": .string(out)], "wrote \(out)")
    }
}

struct QueryAccountProofCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account-proof",
        abstract: "Proof of what an account is, for tally verify-proof.")

    @Argument(help: "The account.")
    var address: AddressArgument
    @Option(
        name: .long,
        help: "The beacon block that you trust: latest, a height or a hash.")
    var block: BlockArgument = .latest
    @OptionGroup var document: DocumentOptions

    func run() async throws {
        try await document.write(
            "shard_getAccountProof", [.string(address.value.description), block.json],
            otherwise: "there is no such account")
    }
}

struct QueryTransactionProofCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transaction-proof",
        abstract: "Proof of a transaction and what it did, for tally verify-proof.")

    @Argument(help: "The transaction's hash.")
    var hash: HashArgument
    @Option(
        name: .long,
        help: "The beacon block that you trust: latest, a height or a hash.")
    var block: BlockArgument = .latest
    @OptionGroup var document: DocumentOptions

    func run() async throws {
        try await document.write(
            "shard_getTransactionProof", [.string(hash.value.description), block.json],
            otherwise: "no block holds this transaction")
    }
}

struct QueryReceiptProofCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt-proof",
        abstract: "Proof of a cross-shard receipt, for tally verify-proof.",
        discussion: """
            A receipt is named by its source, its destination and its number on that stream, or by \
            the transaction whose leg it carries.
            """)

    @Argument(help: "Source, destination and number.")
    var place: [UInt64] = []
    @Option(name: .long, help: "The transaction that sent it, instead of its place.")
    var transaction: HashArgument?
    @Option(name: .long, help: "Which leg of the transaction, from 0.")
    var leg: Int = 0
    @Option(
        name: .long,
        help: "What to show: sent, consumed or outcome (default: as much as there is).")
    var evidence: Evidence?
    @Option(
        name: .long,
        help: "The beacon block that you trust: latest, a height or a hash.")
    var block: BlockArgument = .latest
    @OptionGroup var document: DocumentOptions

    enum Evidence: String, ExpressibleByArgument, CaseIterable {
        case sent
        case consumed
        case outcome
    }

    func validate() throws {
        guard place.count == (transaction == nil ? 3 : 0) else {
            throw ValidationError(
                "Name the receipt by SOURCE DESTINATION NUMBER or by --transaction.")
        }
    }

    func run() async throws {
        let params = try await placeParameters()
        try await document.write(
            "shard_getReceiptProof",
            params + [evidence.map { .string($0.rawValue) } ?? .null, block.json],
            otherwise: "there is no such receipt")
    }

    private func placeParameters() async throws -> [JSON] {
        guard let transaction else { return place.map { .string(Hex.quantity($0)) } }
        let status = try await document.rpc.client().call(
            "shard_getTransactionStatus", [.string(transaction.value.description)])
        guard let legs = status["legs"]?.arrayValue, legs.indices.contains(leg) else {
            throw CommandFailure("notFound", "the transaction has no leg \(leg)")
        }
        guard let place = legs[leg]["receiptPlace"], let source = place["source"],
            let destination = place["destination"], let index = place["index"]
        else {
            throw CommandFailure("notFound", "leg \(leg) of the transaction sent no receipt")
        }
        return [source, destination, index]
    }
}

struct QueryHeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "head", abstract: "Header of a shard's newest block, with its bytes.")

    @Argument(help: "The shard's number; the number of shards is the beacon.")
    var shard: UInt16
    @OptionGroup var document: DocumentOptions

    func run() async throws {
        try await document.write(
            "shard_head", [JSON(shard)], otherwise: "there is no such shard")
    }
}

struct QueryBeaconCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beacon",
        abstract: "A beacon header, with its bytes: what tally verify-proof trusts.")

    @Argument(help: "latest, a height or a hash.")
    var block: BlockArgument = .latest
    @OptionGroup var document: DocumentOptions

    func run() async throws {
        try await document.write(
            "beacon_block", [block.json], otherwise: "there is no such block")
    }
}

struct QueryShardOfCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shard-of", abstract: "The shard that an address lives on.")

    @Argument(help: "The address.")
    var address: AddressArgument
    @OptionGroup var document: DocumentOptions

    func run() async throws {
        try await document.write(
            "shard_forAddress", [.string(address.value.description)], otherwise: "no shard")
    }
}

extension QueryCommand {
    /// Headers and proofs, for `configuration`.
    static let proofVerbs: [any ParsableCommand.Type] = [
        QueryHeadCommand.self, QueryBeaconCommand.self, QueryShardOfCommand.self,
        QueryAccountProofCommand.self, QueryReceiptProofCommand.self,
        QueryTransactionProofCommand.self,
    ]
}
