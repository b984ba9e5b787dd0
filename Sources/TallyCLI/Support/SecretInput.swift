import TallyCrypto
import TallyNode

/// Secrets come from a file that only its owner reads, from standard input or from the terminal,
/// never from the command line, which other users see.
enum SecretInput {
    private static let limit = 64 << 10

    /// - Parameters:
    ///   - file: `-` for standard input; `nil` asks on the terminal.
    ///   - isEncrypted: others may read the file: without its password it tells them nothing.
    static func text(file: String?, prompt: String, isEncrypted: Bool = false) throws -> String {
        guard let file else { return try Passwords.ask(prompt + ": ") }
        var bytes: [UInt8]
        if file == "-" {
            bytes = try Console.current.readAll(limit: limit)
        } else {
            if !isEncrypted { try KeyFolder.checkMode(file) }
            bytes = try Files.read(file, limit: limit)
        }
        defer { SecretBytes.wipe(&bytes) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure("input", "\(name(file)) is not UTF-8")
        }
        return text
    }

    /// A private key of 64 hexadecimal digits, with or without `0x`, white space around it.
    static func privateKey(file: String?, prompt: String) throws -> PrivateKey {
        let text = try text(file: file, prompt: prompt)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1,
            var bytes = try? HexField.bytes(Array(words[0].utf8)[...], "key")
        else { throw invalidKey(file) }
        defer { SecretBytes.wipe(&bytes) }
        guard bytes.count == 32 else { throw invalidKey(file) }
        guard let key = try? PrivateKey(bytes) else {
            throw CommandFailure(
                "key",
                "\(name(file)) holds 64 digits that are no key: 0, or not below the order")
        }
        return key
    }

    static func name(_ file: String?) -> String {
        switch file {
        case nil: "what was typed"
        case "-": "standard input"
        case let file?: file
        }
    }

    private static func invalidKey(_ file: String?) -> CommandFailure {
        CommandFailure("key", "\(name(file)) holds no private key of 64 hexadecimal digits")
    }
}
