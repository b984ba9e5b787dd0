import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyTransactions

struct TxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tx", abstract: "Send transactions, follow them and explain them.",
        subcommands: [
            TxSendCommand.self, TxBatchCommand.self, TxStatusCommand.self, TxDecodeCommand.self,
        ])
}

/// The node that is asked.
struct RPCOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "JSON-RPC address of a node (default: $TALLY_RPC or http://127.0.0.1:8545).",
            valueName: "url"))
    var rpc: String?

    var url: String { rpc ?? Environment["TALLY_RPC"] ?? "http://127.0.0.1:8545" }

    func client(timeout: Duration = .seconds(10)) throws(LedgerClientError) -> LedgerClient {
        try LedgerClient(url, timeout: timeout)
    }
}

/// The key to sign with: never on the command line, where others see it.
struct SenderOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File with the private key to sign with, 64 hexadecimal digits, which only its "
                + "owner may read.",
            valueName: "file"))
    var keyFile: String?
    @Option(
        name: .long, help: ArgumentHelp("Keystore file of the key to sign with.", valueName: "file")
    )
    var keystore: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is the keystore's password (default: asked for).",
            valueName: "file"))
    var passwordFile: String?

    func validate() throws {
        if (keyFile == nil) == (keystore == nil) {
            throw ValidationError("Give the key to sign with by --key-file or by --keystore.")
        }
        if keyFile != nil, passwordFile != nil {
            throw ValidationError("--password-file belongs to --keystore.")
        }
    }

    func key() throws -> PrivateKey {
        guard let keystore else {
            return try SecretInput.privateKey(file: keyFile, prompt: "Private key")
        }
        let password = try Passwords.read(file: passwordFile, prompt: "Password of \(keystore)")
        return try KeyFolder.open(file: keystore, password: password)
    }
}

/// How far to wait.
enum WaitOption: String, CaseIterable, ExpressibleByArgument {
    case final, settled

    var stage: TransactionStage {
        switch self {
        case .final: .final
        case .settled: .settled
        }
    }
}

struct TxSendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Send value to an account, on any shard.",
        discussion: """
            Nonce and fees that are not given are asked of the node. With --wait, returns when \
            the transaction is final, or when its value has arrived.

            Examples:
              tally tx send --keystore ./keys/0x….json --to 0x… --ether 1.5
              tally tx send --key-file key.txt --to 0x… --value 250 --wait settled
            """)

    @OptionGroup var sender: SenderOptions
    @Option(name: .long, help: ArgumentHelp("The recipient.", valueName: "address"))
    var to: AddressArgument
    @Option(
        name: .long, help: ArgumentHelp("Value in base units (10^-18 ether).", valueName: "units"))
    var value: AmountArgument?
    @Option(name: .long, help: ArgumentHelp("Value in ether, such as 1.5.", valueName: "decimal"))
    var ether: EtherArgument?
    @Option(name: .long, help: ArgumentHelp("Most gas to pay for.", valueName: "gas"))
    var gas: UInt64 = Weights.transfer
    @OptionGroup var fees: FeeOptions
    @Option(name: .long, help: "Wait until the transaction is final or settled.")
    var wait: WaitOption?
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if (value == nil) == (ether == nil) {
            throw ValidationError("Give the value by --value or by --ether.")
        }
    }

    func run() async throws {
        let key = try sender.key()
        let client = try rpc.client(timeout: .seconds(40))
        let envelope = try await fees.opening(of: key.address, client).envelope(
            weightLimit: gas, to: to.value, value: value?.value ?? ether?.value ?? .zero)
        let hash = try await client.send(raw: envelope.signed(by: key))
        guard let wait else {
            return output.print(["hash": .string(hash.description)], hash.description)
        }
        let status = try await client.status(of: hash, waitUntil: wait.stage)
        try StatusReport(status).print(output, awaited: wait.stage)
    }
}

struct TxStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say where a transaction and each of its legs stand.")

    @Argument(help: "The transaction's hash.")
    var hash: HashArgument
    @Option(name: .long, help: "Wait until the transaction is final or settled.")
    var wait: WaitOption?
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try rpc.client(timeout: .seconds(40))
        let status = try await client.status(of: hash.value, waitUntil: wait?.stage)
        try StatusReport(status).print(output, awaited: wait?.stage)
    }
}

/// A status for people and programs.
struct StatusReport {
    let status: TransactionStatus

    init(_ status: TransactionStatus) { self.status = status }

    /// - Throws: when what was waited for did not come, after printing what did.
    func print(_ output: OutputOptions, awaited: TransactionStage?) throws(CommandFailure) {
        output.print(json, text)
        try check(awaited: awaited)
    }

    /// - Throws: when what was waited for did not come.
    func check(awaited: TransactionStage?) throws(CommandFailure) {
        let isThere =
            switch awaited {
            case .settled: status.isSettled
            case .final, .included: status.state == "final"
            case .accepted, nil: true
            }
        guard isThere else {
            throw CommandFailure(
                "timeout", "the transaction is not \(awaited?.rawValue ?? "there") yet")
        }
        if awaited != nil, status.succeeded == false {
            throw CommandFailure("transactionFailed", "the transaction failed in its block")
        }
    }

    var json: JSON {
        func number(_ value: UInt64?) -> JSON { value.map { JSON($0) } ?? .null }
        return [
            "hash": .string(status.hash.description), "state": .string(status.state),
            "height": number(status.height?.value),
            "shard": number(status.shard.map { UInt64($0.value) }),
            "succeeded": status.succeeded.map(JSON.bool) ?? .null,
            "settled": .bool(status.isSettled),
            "legs": .array(
                status.legs.map { leg in
                    [
                        "to": .string(leg.to.description),
                        "value": .string(leg.value.description), "shard": JSON(leg.shard.value),
                        "state": .string(leg.state),
                        "reason": leg.reason.map(JSON.string) ?? .null,
                        "height": number(leg.height?.value),
                        "sentHeight": number(leg.sentHeight?.value),
                    ]
                }),
        ]
    }

    var text: String {
        var first = "\(status.hash)  \(status.isSettled ? "settled" : status.state)"
        if let height = status.height, let shard = status.shard {
            first += " at height \(height) on shard \(shard)"
        }
        if status.succeeded == false { first += ", failed" }
        return ([first] + status.legs.enumerated().map { Self.line($0, $1) })
            .joined(separator: "\n")
    }

    static func line(_ index: Int, _ leg: LegStatus) -> String {
        var line =
            "  leg \(index)  \(Ether.text(leg.value)) ether to \(leg.to) on shard \(leg.shard): "
            + leg.state
        if let height = leg.height { line += " at height \(height)" }
        if let reason = leg.reason { line += " (\(reason))" }
        return line
    }
}
