import Glibc
import TallyCrypto
import TallyNode

/// Passwords come from a file or a terminal, never from the command line, which other users see.
enum Passwords {
    /// - Parameters:
    ///   - file: whose first line is the password; `nil` asks on the terminal.
    ///   - isNew: asks twice.
    static func read(
        file: String?, prompt: String, isNew: Bool = false
    ) throws -> String {
        if let file {
            let bytes = try Files.read(file, limit: 64 << 10)
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            guard let text = String(validating: line, as: UTF8.self) else {
                throw CommandFailure("password", "the password in \(file) is not UTF-8")
            }
            return try checked(text, isNew, name: "the first line of \(file)")
        }
        let first = try checked(try ask(prompt + ": "), isNew, name: "the password")
        guard isNew else { return first }
        guard try ask("The same again: ") == first else {
            throw CommandFailure("password", "the two passwords differ")
        }
        return first
    }

    /// Nobody means to keep a new key under no password; old files may be.
    private static func checked(
        _ password: String, _ isNew: Bool, name: String
    ) throws(CommandFailure) -> String {
        guard !isNew || !password.isEmpty else {
            throw CommandFailure("password", "\(name) is empty")
        }
        return password
    }

    /// Reads a line from the terminal without echo.
    static func ask(_ prompt: String) throws(CommandFailure) -> String {
        guard let terminal = fopen("/dev/tty", "r+") else {
            throw CommandFailure(
                "password", "no terminal to ask on; give a file instead, such as --password-file")
        }
        defer { fclose(terminal) }
        let descriptor = fileno(terminal)
        // What is typed from the prompt on is neither shown nor lost.
        SilentTerminal.begin(descriptor)
        fputs(prompt, terminal)
        fflush(terminal)
        defer {
            SilentTerminal.end()
            fputs("\n", terminal)
        }
        var buffer = [CChar](repeating: 0, count: 4_096)
        defer { SecretBytes.wipe(&buffer) }
        guard fgets(&buffer, Int32(buffer.count), terminal) != nil else {
            throw CommandFailure("password", "nothing was typed")
        }
        let bytes = buffer.lazy.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes.prefix { $0 != 0 && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
