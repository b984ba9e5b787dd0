import ArgumentParser
import TallyClient

struct KeysVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check signatures against public keys.",
        discussion: """
            Checks one signature, or without arguments one a line of standard input, which is a \
            public key, a digest and a signature with spaces between. All are hexadecimal, with \
            or without 0x.

            A public key has 33 bytes (compressed), 65, or 64 without the 4 in front; a digest \
            has 32. A signature has 64 bytes, r and s, or 65 with a recovery id of 0, 1, 27 or \
            28, which then has to be right; with --der it is in DER, and no other form of BER \
            will do. r and s are from 1 to n − 1, and s is in the lower half, so that nobody \
            can turn a signature into another one.

            There is one answer for each line, in order; malformed lines are invalid and do not \
            stop the others. With --json an answer is {"valid": true} or {"valid": false}, with \
            "error": {"code", "message"} where the form is at fault. Exit code 1 when any \
            signature is not valid.

            Examples:
              tally keys verify 02… 0x… 0x…
              tally keys verify --der --json < signatures.txt
            """)

    @Argument(
        help: ArgumentHelp(
            "Public key, digest and signature; none to read lines.", valueName: "hex"))
    var values: [String] = []
    @Flag(name: .long, help: "Signatures are in DER.")
    var der = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard values.isEmpty || values.count == 3 else {
            throw ValidationError("Give a public key, a digest and a signature, or nothing.")
        }
    }

    func run() async throws {
        let check = SignatureCheck(isDER: der)
        let isJSON = output.json
        guard values.isEmpty else {
            let parts = values.map { Array($0.utf8)[...] }
            var answer: [UInt8] = []
            let isValid = Self.answer(isJSON, &answer) { () throws(CommandFailure) in
                try check.verify(publicKey: parts[0], digest: parts[1], signature: parts[2])
            }
            Console.current.write(lines: answer)
            guard isValid else { throw CommandFailure("invalid", "the signature is not valid") }
            return
        }
        let count = try await LineWork.run { line, out in
            Self.answer(isJSON, &out) { () throws(CommandFailure) in try check.verify(line) }
        }
        guard count.failures == 0 else {
            throw CommandFailure(
                "invalid", "\(count.failures) of \(count.lines) signatures are not valid")
        }
    }

    /// Appends one line and returns whether the signature is valid.
    private static func answer(
        _ isJSON: Bool, _ out: inout [UInt8], _ verify: () throws(CommandFailure) -> Bool
    ) -> Bool {
        do throws(CommandFailure) {
            let isValid = try verify()
            let text = isValid ? "valid" : "invalid"
            out.append(contentsOf: (isJSON ? "{\"valid\":\(isValid)}\n" : text + "\n").utf8)
            return isValid
        } catch {
            let json: JSON = ["valid": false, "error": error.json]
            let text = "invalid: \(error.message)"
            out.append(contentsOf: ((isJSON ? json.description : text) + "\n").utf8)
            return false
        }
    }
}
