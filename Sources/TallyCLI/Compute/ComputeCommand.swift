import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyTransactions

struct ComputeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compute",
        abstract: "Use the compute economy: nodes, proofs, jobs, trades and stakes.",
        discussion: """
            For networks with an economy, such as those of `tally dev --profile emc`. Every \
            operation is a signed transaction; amounts are base units.

            Examples:
              tally compute node register --key-file k --machine-key 0x… --spec 0x…
              tally compute job post --key-file k --program hashChain --spec 0x… --price 500
              tally compute show job 0x…
              tally compute list offers --shard 2
            """,
        subcommands: [
            ComputeShowCommand.self, ComputeListCommand.self, ComputeNodeCommand.self,
            ComputeProofCommand.self, ComputeJobCommand.self, ComputeTradeCommand.self,
            ComputeStakeCommand.self, ComputeEmissionCommand.self,
        ])
}

/// What every operation is sent with.
struct ComputeOptions: ParsableArguments {
    @OptionGroup var sender: SenderOptions
    @OptionGroup var fees: FeeOptions
    @Option(
        name: .long,
        help: "Wait until the transaction is final, or done where its object lives (settled).")
    var wait: WaitOption?
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    /// Signs and sends the operation, and says what it makes.
    func send(_ operation: TallyTransactions.Operation) async throws {
        guard let (to, value) = operation.target else {
            throw CommandFailure("value", "the operation's value exceeds 2^128 - 1")
        }
        let key = try sender.key()
        let client = try rpc.client(timeout: .seconds(40))
        let opening = try await fees.opening(of: key.address, client)
        let data = operation.callData
        let envelope = opening.envelope(
            weightLimit: operation.weight + Weights.callData(data), to: to, value: value,
            data: data)
        let hash = try await client.send(raw: envelope.signed(by: key))
        let id = ObjectID(owner: key.address, number: envelope.nonce).word
        guard let wait else {
            return output.print(
                ["hash": .string(hash.description), "id": .string(id.description)],
                "\(hash)\nid \(id)")
        }
        let status = try await client.status(of: hash, waitUntil: wait.stage)
        let report = StatusReport(status)
        output.print(
            .object(
                JSONObject(
                    [.init("id", .string(id.description))]
                        + (report.json.objectValue?.members ?? []))),
            "\(report.text)\nid \(id)")
        try report.check(awaited: wait.stage)
        // RCPT-13: the transaction left; what it asked for may still have been refused elsewhere.
        if let refusal = status.legs.compactMap(\.reason).first {
            throw CommandFailure("refused", "the operation was refused: \(refusal)")
        }
    }
}

/// One operation as a verb.
protocol ComputeVerb: AsyncParsableCommand {
    var options: ComputeOptions { get }
    func operation() throws -> TallyTransactions.Operation
}

extension ComputeVerb {
    func run() async throws { try await options.send(try operation()) }
}

/// An object's id on the command line.
struct ObjectIDArgument: ExpressibleByArgument {
    let value: ObjectID

    init?(argument: String) {
        guard let word = Hash32(hex: argument), let value = ObjectID(word: word) else {
            return nil
        }
        self.value = value
    }
}

/// One of a closed list on the command line, by its name.
struct NamedArgument<Value: CaseIterable & Sendable>: ExpressibleByArgument, Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }

    init?(argument: String) {
        guard let value = Value.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self.value = value
    }

    var defaultValueDescription: String { "\(value)" }
    static var allValueStrings: [String] { Value.allCases.map { "\($0)" } }
}

/// Bytes in hexadecimal on the command line.
struct BytesArgument: ExpressibleByArgument {
    let value: [UInt8]

    init?(argument: String) {
        guard let value = Hex.decode(argument) else { return nil }
        self.value = value
    }
}

// MARK: Reading

struct ComputeShowCommand: AsyncParsableCommand {
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case node, proof, job, offer, stake, epoch, emission
    }

    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show an object, the epoch or what was minted.",
        discussion: """
            Nodes, proofs and stakes are named by their owner's address, jobs and offers by their id.
            """)

    @Argument(help: "node, proof, job, offer, stake, epoch or emission.")
    var kind: Kind
    @Argument(help: "Address or id; nothing for epoch and emission.")
    var id: String?
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        switch kind {
        case .epoch, .emission:
            if id != nil { throw ValidationError("\(kind.rawValue) takes no id.") }
        case .node, .proof, .stake:
            guard let id, Address(hex: id) != nil else {
                throw ValidationError("Give the owner's address.")
            }
        case .job, .offer:
            guard let id, ObjectIDArgument(argument: id) != nil else {
                throw ValidationError("Give the id, 0x and 64 hexadecimal digits.")
            }
        }
    }

    func run() async throws {
        let params: [JSON] = id.map { [.string($0)] } ?? []
        let result = try await rpc.client().call("compute_\(kind.rawValue)", params)
        guard !result.isNull else {
            throw CommandFailure("notFound", "there is no such \(kind.rawValue)")
        }
        output.print(result, result.indented())
    }
}

struct ComputeListCommand: AsyncParsableCommand {
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case nodes, proofs, jobs, bids, offers, trades, stakes
    }

    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List objects of a kind.",
        discussion: "Of one shard, or of all shards one after another.")

    @Argument(help: "nodes, proofs, jobs, bids, offers, trades or stakes.")
    var kind: Kind
    @Option(name: .long, help: ArgumentHelp("Number of a shard.", valueName: "shard"))
    var shard: UInt16?
    @Option(name: .long, help: ArgumentHelp("Most objects to list.", valueName: "count"))
    var limit = 1_000
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    func run() async throws {
        let client = try rpc.client()
        var items: [JSON] = []
        for shard in try await shards(client) where items.count < limit {
            items += try await page(of: shard, client, limit - items.count)
        }
        output.print(.array(items), items.map { $0.indented() }.joined(separator: "\n"))
    }

    private func shards(_ client: LedgerClient) async throws -> [UInt64] {
        if let shard { return [UInt64(shard)] }
        if kind == .stakes { return [0] }
        let list = try await client.call("shard_list").arrayValue ?? []
        return list.indices.map(UInt64.init)
    }

    private func page(
        of shard: UInt64, _ client: LedgerClient, _ limit: Int
    ) async throws -> [JSON] {
        var items: [JSON] = []
        var cursor: JSON = .null
        repeat {
            let page = try await client.call(
                "compute_list",
                [
                    .string(kind.rawValue), .string(Hex.quantity(shard)), cursor,
                    .string(Hex.quantity(UInt64(min(limit - items.count, 1_000)))),
                ])
            guard let found = page["items"]?.arrayValue else {
                throw LedgerClientError.unexpectedResult(method: "compute_list")
            }
            items += found
            cursor = page["nextCursor"] ?? .null
        } while !cursor.isNull && items.count < limit
        return items
    }
}
