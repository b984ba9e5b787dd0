import Glibc
import Synchronization

/// What a verb reads and where it writes: the process's streams, or buffers of a test.
package struct Console: Sendable {
    private let readInput: @Sendable (Int) throws(CommandFailure) -> [UInt8]
    private let writeOutput: @Sendable (String) -> Void
    private let writeError: @Sendable (String) -> Void
    private let fault: @Sendable () -> Int32?

    /// That of the verb being run.
    @TaskLocal package static var current = Console.standard

    package static let standard = {
        let firstFault = FirstFault()
        return Console(
            input: read, output: { firstFault.note(write($0, STDOUT_FILENO)) },
            error: { _ = write($0, STDERR_FILENO) }, fault: { firstFault.errno })
    }()

    /// - Parameters:
    ///   - input: gives at most so many of the next bytes, none at the end.
    ///   - fault: the system's number for why output was lost, if some was.
    package init(
        input: @escaping @Sendable (Int) throws(CommandFailure) -> [UInt8],
        output: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void,
        fault: @escaping @Sendable () -> Int32? = { nil }
    ) {
        readInput = input
        writeOutput = output
        writeError = error
        self.fault = fault
    }

    /// Whether nobody gets what is written from here on, so that work for it is in vain.
    var isOutputLost: Bool { fault() != nil }

    /// Refuses to call a verb done whose output was lost, as to a full disk. A reader that left, as
    /// `head` does, had what it wanted.
    func checkOutput() throws(CommandFailure) {
        guard let fault = fault(), fault != EPIPE else { return }
        throw CommandFailure(
            "output", "cannot write standard output: \(String(cString: strerror(fault)))")
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

    /// Writes all of a text, waiting where the descriptor does not.
    /// - Returns: the system's number for why that failed; `nil` when it did not.
    private static func write(_ text: String, _ descriptor: Int32) -> Int32? {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&wait, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return nil
        }
    }
}

/// Why output was lost for the first time.
private final class FirstFault: Sendable {
    private let first = Mutex<Int32?>(nil)

    var errno: Int32? { first.withLock { $0 } }

    func note(_ fault: Int32?) {
        guard let fault else { return }
        first.withLock { $0 = $0 ?? fault }
    }
}

/// Collects what a verb writes, and gives it what to read.
package final class CapturedConsole: Sendable {
    private let text = Mutex((output: "", error: ""))
    private let rest: Mutex<ArraySlice<UInt8>>
    private let fault: Int32?

    /// - Parameter fault: what every write to the output fails with.
    package init(input: [UInt8] = [], fault: Int32? = nil) {
        rest = Mutex(input[...])
        self.fault = fault
    }

    package var console: Console {
        Console(
            input: { [self] count in
                rest.withLock { rest in
                    defer { rest = rest.dropFirst(count) }
                    return Array(rest.prefix(count))
                }
            },
            output: { [self] line in text.withLock { $0.output += line } },
            error: { [self] line in text.withLock { $0.error += line } },
            fault: { [fault] in fault })
    }

    package var output: String { text.withLock { $0.output } }
    package var error: String { text.withLock { $0.error } }
}
