import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyTransactions

struct TxBatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch", abstract: "Send value to many accounts, listed in a file.",
        discussion: """
            One transaction pays up to 256 accounts; with --each, every account is paid by a \
            transaction of its own, in order. The file is CSV, or one JSON object a line:

              address,amount,deadline
              0x3535353535353535353535353535353535353535,1.5ether,2026-12-31T12:00:00Z
              0x00000000000000000000000000000000000000aa,250

              {"address": "0x00000000000000000000000000000000000000aa", "amount": "250"}

            An amount is in base units (10^-18 ether), or in ether with the suffix. The third \
            column is optional. A deadline is the time after which a transfer to another shard \
            returns instead of arriving; in the column "at", or as at=TIME, it is the time the \
            transfer is made. Times are ISO 8601, or milliseconds since 1970. Lines that begin \
            with # are left out.

            Examples:
              tally tx batch payroll.csv --keystore ./keys/0x….json --dry-run
              tally tx batch payroll.csv --keystore ./keys/0x….json --wait settled
            """)

    @Argument(help: ArgumentHelp("The list of transfers; - is standard input."))
    var file: String
    @OptionGroup var sender: SenderOptions
    @Flag(name: .long, help: "Send a transaction for each line instead of one for all.")
    var each = false
    @Flag(name: .long, help: "Say what would be sent, with hashes, and send nothing.")
    var dryRun = false
    @OptionGroup var fees: FeeOptions
    @Option(name: .long, help: "Wait until all transactions are final or settled.")
    var wait: WaitOption?
    @OptionGroup var rpc: RPCOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if dryRun, wait != nil { throw ValidationError("--dry-run sends nothing to wait for.") }
    }

    func run() async throws {
        let name = SecretInput.name(file)
        let limit = 16 << 20
        let bytes =
            file == "-"
            ? try Console.current.readAll(limit: limit) : try Files.read(file, limit: limit)
        let entries = try LegFile.entries(String(decoding: bytes, as: UTF8.self), name: name)
        let operations = try operations(entries, name)
        let key = try sender.key()
        let client = try rpc.client(timeout: .seconds(40))
        let opening = try await fees.opening(of: key.address, client)
        var drafts: [BatchDraft] = []
        for (offset, operation) in operations.enumerated() {
            drafts.append(try BatchDraft(operation, opening, offset: UInt64(offset), key))
        }
        if dryRun {
            return output.print(
                ["dryRun": true, "transactions": .array(drafts.map(\.json))],
                drafts.map(\.text).joined(separator: "\n") + "\nNothing was sent.")
        }
        let hashes = try await send(drafts, client)
        guard let wait else {
            return output.print(
                ["hashes": .array(hashes.map { .string($0.description) })],
                hashes.map(\.description).joined(separator: "\n"))
        }
        try await follow(hashes, wait.stage, client)
    }

    private func operations(
        _ entries: [LegFile.Entry], _ name: String
    ) throws(CommandFailure) -> [TransferOperation] {
        if each {
            if let timed = entries.first(where: { $0.leg.terms != .immediate }) {
                throw CommandFailure(
                    "legs",
                    "\(name), line \(timed.line): a single transfer has no deadline and no time "
                        + "to run at; leave --each out")
            }
            return entries.map { .single(to: $0.leg.to, value: $0.leg.value) }
        }
        guard entries.count <= TransferOperation.maximumLegs else {
            throw CommandFailure(
                "legs",
                "\(name) lists \(entries.count) transfers, and a batch has at most "
                    + "\(TransferOperation.maximumLegs); split it or use --each")
        }
        return [.batch(entries.map(\.leg))]
    }

    /// Most calls that a node takes at once.
    private static let callsAtOnce = 100

    /// - Throws: for the first transaction that is refused, after those in front of it were sent.
    private func send(_ drafts: [BatchDraft], _ client: LedgerClient) async throws -> [Hash32] {
        var sent: [Hash32] = []
        for start in stride(from: 0, to: drafts.count, by: Self.callsAtOnce) {
            let part = drafts[start..<min(start + Self.callsAtOnce, drafts.count)]
            let results = try await client.rpc.batch(
                part.map {
                    RPCRequest("eth_sendRawTransaction", [.string(Hex.encode($0.raw))])
                })
            for (draft, result) in zip(part, results) {
                guard case .failure(let error) = result else {
                    sent.append(draft.hash)
                    continue
                }
                let failure = CommandFailure(RPCClientError.rpcError(error))
                if !sent.isEmpty, !output.json {
                    Console.current.print(sent.map(\.description).joined(separator: "\n"))
                }
                throw CommandFailure(
                    failure.code,
                    "transaction \(sent.count + 1) of \(drafts.count), \(draft.hash), was "
                        + "refused, those in front of it were sent: \(failure.message)")
            }
        }
        return sent
    }

    private func follow(
        _ hashes: [Hash32], _ stage: TransactionStage, _ client: LedgerClient
    ) async throws {
        var reports: [StatusReport] = []
        for hash in hashes {
            reports.append(
                StatusReport(try await client.status(of: hash, waitUntil: stage)))
        }
        output.print(
            ["transactions": .array(reports.map(\.json))],
            reports.map(\.text).joined(separator: "\n"))
        for report in reports { try report.check(awaited: stage) }
    }
}

/// A signed transaction that is not sent yet.
struct BatchDraft {
    let envelope: Envelope
    let operation: TransferOperation
    let raw: [UInt8]
    let hash: Hash32

    /// - Throws: `legs` for amounts that add up to more than there can be, and the reason why no
    ///   node would take the transaction.
    init(
        _ operation: TransferOperation, _ opening: TransactionOpening, offset: UInt64,
        _ key: PrivateKey
    ) throws(CommandFailure) {
        guard let target = operation.target else {
            throw CommandFailure("legs", "the amounts add up to more than 2^128 - 1")
        }
        let data = operation.callData
        envelope = opening.envelope(
            offset: offset, weightLimit: operation.weight + Weights.callData(data),
            to: target.to, value: target.value, data: data)
        self.operation = operation
        raw = envelope.signed(by: key)
        do throws(TransactionError) {
            hash = try Transaction(raw: raw, chainID: nil).hash
        } catch { throw CommandFailure(error.code, error.description) }
    }

    private var legCount: Int {
        if case .batch(let legs) = operation { legs.count } else { 1 }
    }

    var json: JSON {
        [
            "hash": .string(hash.description), "nonce": JSON(envelope.nonce),
            "transfers": JSON(legCount), "value": .string(envelope.value.description),
            "gas": JSON(envelope.weightLimit),
            "maximumCost": envelope.maximumCost.map { .string($0.description) } ?? .null,
            "raw": .string(Hex.encode(raw)),
        ]
    }

    var text: String {
        let count = legCount == 1 ? "1 transfer" : "\(legCount) transfers"
        let most = envelope.maximumCost.map(Ether.text) ?? "?"
        return "\(hash)  nonce \(envelope.nonce), \(count), \(Ether.text(envelope.value)) ether, "
            + "at most \(most) ether with fees"
    }
}
