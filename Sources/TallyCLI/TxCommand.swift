import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyTransactions

struct TxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tx", abstract: "Send transactions and follow them.",
        subcommands: [TxSendCommand.self, TxStatusCommand.self])
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

/// The sender's key: never on the command line, where others see it.
struct SenderOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File with the sender's private key, 0x and 64 digits, mode 0600.",
            valueName: "file"))
    var keyFile: String?
    @Option(
        name: .long, help: ArgumentHelp("Keystore file of the sender.", valueName: "file"))
    var keystore: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is the keystore's password.", valueName: "file"))
    var passwordFile: String?

    func validate() throws {
        if (keyFile == nil) == (keystore == nil) {
            throw ValidationError("Give the sender's key by --key-file or by --keystore.")
        }
        if keyFile != nil, passwordFile != nil {
            throw ValidationError("--password-file belongs to --keystore.")
        }
    }

    func key() throws -> PrivateKey {
        if let keystore {
            let password = try Passwords.read(
                file: passwordFile, prompt: "Password of \(keystore)")
            return try KeyFolder.open(file: keystore, password: password)
        }
        guard let keyFile else { preconditionFailure("validated") }
        try KeyFolder.checkMode(keyFile)
        let bytes = try Files.read(keyFile, limit: 4_096)
        let text = String(decoding: bytes, as: UTF8.self)
        let line = text.split(whereSeparator: \.isWhitespace).first ?? ""
        guard let secret = Hash32(hex: line), let key = try? PrivateKey(secret) else {
            throw CommandFailure("key", "\(keyFile) holds no private key of 0x and 64 digits")
        }
        return key
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
            """)

    @OptionGroup var sender: SenderOptions
    @Option(name: .long, help: ArgumentHelp("The recipient.", valueName: "address"))
    var to: AddressArgument
    @Option(
        name: .long, help: ArgumentHelp("Value in base units (10^-18 ether).", valueName: "units"))
    var value: AmountArgument?
    @Option(name: .long, help: ArgumentHelp("Value in ether, such as 1.5.", valueName: "decimal"))
    var ether: EtherArgument?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Transactions the sender has sent before (default: asked of the node).",
            valueName: "count"))
    var nonce: UInt64?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Most paid for a unit of gas (default: twice the price now).",
            valueName: "units"))
    var maxFee: AmountArgument?
    @Option(
        name: .long,
        help: ArgumentHelp("Most of it that goes to the validator.", valueName: "units"))
    var priorityFee: AmountArgument?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Price of a unit of gas; makes a legacy transaction.", valueName: "units"))
    var gasPrice: AmountArgument?
    @Option(name: .long, help: ArgumentHelp("Most gas to pay for.", valueName: "gas"))
    var gas: UInt64 = Weights.transfer
    @Option(name: .long, help: "Wait until the transaction is final or settled.")
    var wait: WaitOption?
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if (value == nil) == (ether == nil) {
            throw ValidationError("Give the value by --value or by --ether.")
        }
        if gasPrice != nil, maxFee != nil || priorityFee != nil {
            throw ValidationError("Give --gas-price, or --max-fee and --priority-fee.")
        }
    }

    func run() async throws {
        let key = try sender.key()
        let client = try rpc.client(timeout: .seconds(40))
        let envelope = try await envelope(from: key.address, client)
        let hash = try await client.send(raw: envelope.signed(by: key))
        guard let wait else {
            return output.print(["hash": .string(hash.description)], hash.description)
        }
        let status = try await client.status(of: hash, waitUntil: wait.stage)
        try StatusReport(status).print(output, awaited: wait.stage)
    }

    private func envelope(
        from address: Address, _ client: LedgerClient
    ) async throws(LedgerClientError) -> Envelope {
        let chainID = try await client.chainID()
        let ownNonce: Nonce
        if let nonce {
            ownNonce = nonce
        } else {
            ownNonce = try await client.nonce(of: address, at: "pending")
        }
        let tip: Amount
        let fee: Amount
        if let gasPrice {
            (tip, fee) = (gasPrice.value, gasPrice.value)
        } else {
            let priority: Amount
            if let priorityFee {
                priority = priorityFee.value
            } else {
                priority = try await client.priorityFee()
            }
            if let maxFee {
                fee = maxFee.value
            } else {
                let price = try await client.gasPrice()
                fee = max(price.multiplied(by: 2) ?? price, priority)
            }
            tip = min(priority, fee)
        }
        return Envelope(
            type: gasPrice == nil ? .dynamicFee : .legacy, chainID: chainID, nonce: ownNonce,
            weightLimit: gas, maxFee: fee, maxPriorityFee: tip, to: to.value,
            value: value?.value ?? ether?.value ?? .zero)
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
