import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives

struct KeysSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign a message, or a digest of 32 bytes.",
        discussion: """
            A message is signed as wallets do (EIP-191, personal_sign), so that it can never \
            be a transaction. A digest is signed as it is: never sign one whose meaning you do \
            not know.

            The signature is r, s and v, which is 27 or 28; compact is r and s, 64 bytes. The \
            same key and message give the same signature (RFC 6979).

            Examples:
              tally keys sign --keystore ./keys/0x….json --message "hello"
              tally keys sign --key-file key.txt --digest 0x… --json
            """)

    @OptionGroup var signer: SenderOptions
    @Option(name: .long, help: ArgumentHelp("The message.", valueName: "text"))
    var message: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose bytes are the message, the last line's end included; - is standard "
                + "input.",
            valueName: "file"))
    var file: String?
    @Option(
        name: .long, help: ArgumentHelp("The digest, 64 hexadecimal digits.", valueName: "hex"))
    var digest: String?
    @Flag(name: .long, help: "Print the signature in the DER form instead.")
    var der = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard [message, file, digest].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("Give one of --message, --file and --digest.")
        }
        if let digest { _ = try Self.digest(digest) }
    }

    private static func digest(_ text: String) throws(ValidationError) -> Hash32 {
        guard let bytes = try? HexField.bytes(Array(text.utf8)[...], "digest"),
            let digest = Hash32(bytes)
        else { throw ValidationError("--digest needs 64 hexadecimal digits.") }
        return digest
    }

    func run() throws {
        let digest = try signed()
        let key = try signer.key()
        let signature = key.sign(digest: digest)
        let compact = signature.r.bytes + signature.s.bytes
        let v = 27 + signature.yParity
        let derText = Hex.encode(
            DERSignature.encode(CompactSignature(r: signature.r, s: signature.s)))
        var members: [JSONObject.Member] = [
            .init("address", .string(key.address.description)),
            .init("publicKey", .string(key.publicKey.description)),
            .init("digest", .string(digest.description)),
            .init("r", .string(signature.r.description)),
            .init("s", .string(signature.s.description)),
            .init("v", JSON(v)), .init("yParity", JSON(signature.yParity)),
            .init("compact", .string(Hex.encode(compact))),
            .init("signature", .string(Hex.encode(compact + [v]))),
        ]
        if der { members.append(.init("der", .string(derText))) }
        output.print(
            .object(JSONObject(members)),
            der
                ? derText
                : """
                address    \(key.address)
                publicKey  \(key.publicKey)
                digest     \(digest)
                r          \(signature.r)
                s          \(signature.s)
                v          \(v)
                compact    \(Hex.encode(compact))
                signature  \(Hex.encode(compact + [v]))
                """)
    }

    private func signed() throws -> Hash32 {
        if let digest { return try Self.digest(digest) }
        if let message { return PersonalMessage.digest(Array(message.utf8)) }
        guard let file else { preconditionFailure("validated") }
        let limit = 64 << 20
        return PersonalMessage.digest(
            file == "-"
                ? try Console.current.readAll(limit: limit) : try Files.read(file, limit: limit))
    }
}
