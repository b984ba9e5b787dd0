import ArgumentParser
import TallyClient
import TallyExecution
import TallyNode
import TallyPrimitives
import TallyRPC
import TallySharding
import TallyTransactions

/// Checks a proof with nothing but a beacon header: no node, no ledger.
struct VerifyProofCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-proof",
        abstract: "Check a proof of an account, a receipt or a transaction, offline.",
        discussion: """
            The proof is what `tally query account-proof`, `receipt-proof` and \
            `transaction-proof` print, or a node's whole answer. It shows something to who knows \
            one beacon header to be final: give that header as `tally query beacon` prints it. \
            With the network's genesis document the header comes from anybody: the validators named \
            there must have sealed it. Without, the header, or its hash, is what you trust: get it \
            from your own node. A proof leads to one header, which its member "trusted" names.

            Exit code 0 when everything holds, 1 with the first step that fails.

            Examples:
              tally query account-proof 0x… --out proof.json
              tally query beacon --out header.json
              tally verify-proof proof.json --header header.json --genesis genesis.json
            """)

    @Argument(help: ArgumentHelp("The proof; - reads standard input.", valueName: "file"))
    var file: String
    @Option(
        name: .long,
        help: ArgumentHelp("File with the beacon header as JSON.", valueName: "file"))
    var header: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The network's genesis document: its validators must have sealed the header.",
            valueName: "file"))
    var genesis: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Hash of the trusted beacon header.", valueName: "hash"))
    var beaconHash: HashArgument?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (header == nil) != (beaconHash == nil) else {
            throw ValidationError("Say what you trust: --header or --beacon-hash.")
        }
        guard genesis == nil || header != nil else {
            throw ValidationError("--genesis checks the seals of a --header.")
        }
        if header == "-", file == "-" {
            throw ValidationError("Proof and header cannot both come from standard input.")
        }
    }

    func run() throws {
        let document = try Self.read(file)
        let (hash, height, seals) = try trusted()
        let statement: ProvenStatement
        do throws(ProofDocumentError) {
            statement = try ProofDocument.verify(document, .beaconHash(hash))
        } catch {
            throw CommandFailure(error.code, Self.advice(error, height) ?? error.description)
        }
        output.print(Self.json(document, seals), ProofSummary(statement, seals).text)
    }

    /// The height is known with the whole header only.
    private func trusted() throws -> (Hash32, Height?, FinalityDocument.Seals?) {
        if let beaconHash { return (beaconHash.value, nil, nil) }
        let document = try Self.read(header ?? "-")
        let genesis = try genesis.map { try GenesisCommand.read($0).genesis }
        do throws(ProofDocumentError) {
            let (header, hash) = try HeaderDocument.beaconHeader(document)
            var seals: FinalityDocument.Seals?
            if let genesis { seals = try FinalityDocument.verify(document, of: header, genesis) }
            return (hash, header.height, seals)
        } catch .notFinal(let power, let quorum) {
            throw CommandFailure(
                "notFinal", "\(ProofDocumentError.notFinal(power: power, quorum: quorum))")
        } catch {
            throw CommandFailure("invalidHeader", "the trusted header: \(error)")
        }
    }

    /// What to do about the most common fault: proof and header that were fetched one after the
    /// other, with a block between.
    private static func advice(_ error: ProofDocumentError, _ height: Height?) -> String? {
        guard case .proof(.untrusted(let other, let expected, let actual)) = error else {
            return nil
        }
        guard let height else {
            return error.description
                + "; for a proof that leads to that one, fetch it with --block \(expected)"
        }
        guard height != other else {
            return "the beacon header of height \(other) is not the trusted one, but \(actual): "
                + "the proof is of another chain, or forged"
        }
        return "the proof leads to the beacon header of height \(other), and the trusted one has "
            + "height \(height): "
            + (height > other
                ? "fetch the proof with --block \(height), or trust a header of height \(other)"
                : "trust a header of height \(other), or, for what had happened by then, fetch "
                    + "the proof with --block \(height)")
    }

    private static func read(_ path: String) throws -> JSON {
        let bytes = try Files.read(path == "-" ? "/dev/stdin" : path)
        do throws(JSONError) {
            return try JSON.parse(bytes)
        } catch {
            throw CommandFailure("notJSON", "\(path) is not JSON: \(error)")
        }
    }

    /// What was checked, without the bytes of the proof.
    private static func json(_ document: JSON, _ seals: FinalityDocument.Seals?) -> JSON {
        let proof = document["jsonrpc"] == nil ? document : document["result"] ?? document
        let members = (proof.objectValue?.members ?? []).filter { $0.key != "proof" }
        let sealed: [JSONObject.Member] =
            if let seals {
                [
                    .init("sealedPower", .number("\(seals.power)")),
                    .init("quorum", .number("\(seals.quorum)")),
                ]
            } else { [] }
        return .object(JSONObject([.init("valid", true)] + members + sealed))
    }
}

/// What a proof has shown, for a person.
struct ProofSummary {
    private let statement: ProvenStatement
    private let seals: FinalityDocument.Seals?
    private let rows: [(String, String)]

    init(_ statement: ProvenStatement, _ seals: FinalityDocument.Seals?) {
        self.statement = statement
        self.seals = seals
        rows =
            switch statement.fact {
            case .account(let fact): Self.rows(fact)
            case .receipt(let fact): Self.rows(fact)
            case .transaction(let fact): Self.rows(fact)
            }
    }

    var text: String {
        var all =
            rows + [
                ("chain", statement.chain.description),
                (
                    "trusted",
                    "beacon header \(statement.trusted.height), \(statement.trustedHash)"
                ),
            ]
        if let seals {
            all.append(
                ("final by", "seals of \(seals.power) of \(seals.total), it takes \(seals.quorum)"))
        }
        let width = all.map { $0.0.count }.max() ?? 0
        return all.map { name, value in
            name + String(repeating: " ", count: width - name.count) + "  " + value
        }.joined(separator: "\n")
    }

    private static func rows(_ fact: ProvenAccount) -> [(String, String)] {
        let account = fact.account ?? .empty
        return [
            ("valid", fact.account == nil ? "no such account" : "account"),
            ("address", fact.address.description),
            ("balance", amount(account.balance)),
            ("nonce", "\(account.nonce)"),
            ("credits", account.policy == .accept ? "accepted" : "refused"),
            ("as of", place(fact.block)),
        ]
    }

    private static func rows(_ fact: ProvenReceipt) -> [(String, String)] {
        let receipt = fact.receipt
        let place = receipt.reference
        var rows = [
            ("valid", "receipt"),
            ("receipt", "\(place.source) to \(place.destination), number \(place.index)"),
            ("id", fact.id.description),
            ("from", receipt.from.description),
            ("to", receipt.to.description),
            ("value", amount(receipt.value)),
            ("status", fact.status + (reason(fact).map { " (\($0))" } ?? "")),
            ("sent by", Self.place(fact.source)),
        ]
        if let block = fact.consumption {
            rows.append((fact.outcome == nil ? "consumed by" : "consumed", Self.place(block)))
        }
        return rows
    }

    private static func rows(_ fact: ProvenTransaction) -> [(String, String)] {
        [
            ("valid", "transaction"),
            ("hash", fact.hash.description),
            ("from", fact.sender.description),
            ("to", fact.envelope.to.description),
            ("value", amount(fact.envelope.value)),
            ("nonce", "\(fact.envelope.nonce)"),
            ("status", fact.result.failure.map { "failed (\($0))" } ?? "succeeded"),
            ("in", place(fact.block)),
        ]
    }

    private static func reason(_ fact: ProvenReceipt) -> String? {
        (fact.outcome?.failureReason).map { "\($0)" }
    }

    private static func amount(_ amount: Amount) -> String {
        "\(Ether.text(amount)) ether (\(amount) base units)"
    }

    private static func place(_ block: ProvenBlock) -> String {
        "block \(block.height) of shard \(block.endpoint), time \(block.time), \(block.hash)"
    }
}
