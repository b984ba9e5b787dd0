import Glibc
import Synchronization

/// What a verb reads and where it writes: the process's streams, or buffers of a test.
package struct Console: Sendable {
    private let readInput: @Sendable (Int) throws(CommandFailure) -> [UInt8]
    private let writeOutput: @Sendable (String) -> Void
    private let writeError: @Sendable (String) -> Void

    /// That of the verb being run.
    @TaskLocal package static var current = Console.standard

    package static let standard = Console(
        input: read,
        output: { write($0, STDOUT_FILENO) }, error: { write($0, STDERR_FILENO) })

    /// - Parameter input: gives at most so many of the next bytes, none at the end.
    package init(
        input: @escaping @Sendable (Int) throws(CommandFailure) -> [UInt8],
        output: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void
    ) {
        readInput = input
        writeOutput = output
        writeError = error
    }

    /// One line, or several, on standard output; at once, also into a pipe.
    package func print(_ text: String) { writeOutput(text + "\n") }

    /// One line on standard error.
    package func complain(_ text: String) { writeError(text + "\n") }

    /// Whole lines of output, each with its end, in one go.
    func write(lines: [UInt8]) { writeOutput(String(decoding: lines, as: UTF8.self)) }

    /// The next bytes of standard input as soon as there are any; none at the end.
    func read(atMost count: Int) throws(CommandFailure) -> [UInt8] { try readInput(count) }

    /// All of standard input.
    /// - Throws: for more than `limit` bytes.
    func readAll(limit: Int) throws(CommandFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk = try readInput(64 << 10)
            guard !chunk.isEmpty else { return bytes }
            bytes += chunk
            guard bytes.count <= limit else {
                throw CommandFailure("input", "standard input has more than \(limit) bytes")
            }
        }
    }

    @Sendable private static func read(_ count: Int) throws(CommandFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        while true {
            let received = Glibc.read(STDIN_FILENO, &bytes, count)
            if received >= 0 { return Array(bytes.prefix(received)) }
            guard errno == EINTR else {
                throw CommandFailure(
                    "input", "cannot read standard input: \(String(cString: strerror(errno)))")
            }
        }
    }

    private static func write(_ text: String, _ descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                // A reader that left is no reason to fail.
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}

/// Collects what a verb writes, and gives it what to read.
package final class CapturedConsole: Sendable {
    private let text = Mutex((output: "", error: ""))
    private let rest: Mutex<ArraySlice<UInt8>>

    package init(input: [UInt8] = []) { rest = Mutex(input[...]) }

    package var console: Console {
        Console(
            input: { [self] count in
                rest.withLock { rest in
                    defer { rest = rest.dropFirst(count) }
                    return Array(rest.prefix(count))
                }
            },
            output: { [self] line in text.withLock { $0.output += line } },
            error: { [self] line in text.withLock { $0.error += line } })
    }

    package var output: String { text.withLock { $0.output } }
    package var error: String { text.withLock { $0.error } }
}
