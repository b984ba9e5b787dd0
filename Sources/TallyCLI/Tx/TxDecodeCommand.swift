import ArgumentParser
import TallyClient
import TallyPrimitives

struct TxDecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode", abstract: "Explain signed transactions, without a node.",
        discussion: """
            Explains one raw transaction, or without an argument one a line of standard input. \
            It is hexadecimal, with or without 0x.

            There is one line of JSON for each, in order: {"hash", "sender", "type", "chainId", \
            "nonce", "to", "value", "gasLimit", "gasPrice" or "maxFeePerGas" and \
            "maxPriorityFeePerGas", "input", "operation", "signature"}, or {"error": {"code", \
            "message"}} for what no ledger accepts; the codes are those of \
            eth_sendRawTransaction. Lines that are refused do not stop the others. All numbers \
            are as in JSON-RPC: strings of 0x and digits without leading zeros, r and s in their \
            32 bytes. Exit code 1 when any transaction was refused.

            Examples:
              tally tx decode 0x02f8…
              tally tx decode --chain-id 1337 < transactions.txt
            """)

    @Argument(help: ArgumentHelp("The raw transaction; none to read lines.", valueName: "hex"))
    var raw: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Refuse transactions of any other chain, as in 1337 or 0x539.", valueName: "id"))
    var chainId: ChainIDArgument?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = TransactionReport(chainID: chainId?.value)
        guard let raw else {
            let count = try await LineWork.run { Self.answer($0, report, &$1) }
            guard count.failures == 0 else {
                throw CommandFailure(
                    "refused", "\(count.failures) of \(count.lines) transactions are refused")
            }
            return
        }
        var answer: [UInt8] = []
        let isAccepted = Self.answer(.text(Array(raw.utf8)[...]), report, &answer)
        Console.current.write(lines: answer)
        guard isAccepted else { throw CommandFailure("refused", "the transaction is refused") }
    }

    /// Appends one line and returns whether the transaction is one.
    private static func answer(
        _ line: InputLine, _ report: TransactionReport, _ out: inout [UInt8]
    ) -> Bool {
        defer { out.append(UInt8(ascii: "\n")) }
        do throws(CommandFailure) {
            out += try report.json(of: line)
            return true
        } catch {
            let json: JSON = ["error": error.json]
            out.append(contentsOf: json.description.utf8)
            return false
        }
    }
}
