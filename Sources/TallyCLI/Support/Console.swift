import Glibc
import Synchronization

/// Where a verb writes: the process's streams, or buffers of a test.
package struct Console: Sendable {
    private let writeOutput: @Sendable (String) -> Void
    private let writeError: @Sendable (String) -> Void

    /// That of the verb being run.
    @TaskLocal package static var current = Console.standard

    package static let standard = Console(
        output: { write($0, STDOUT_FILENO) }, error: { write($0, STDERR_FILENO) })

    package init(
        output: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void
    ) {
        writeOutput = output
        writeError = error
    }

    /// One line, or several, on standard output; at once, also into a pipe.
    package func print(_ text: String) { writeOutput(text + "\n") }

    /// One line on standard error.
    package func complain(_ text: String) { writeError(text + "\n") }

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

/// Collects what a verb writes.
package final class CapturedConsole: Sendable {
    private let text = Mutex((output: "", error: ""))

    package init() {}

    package var console: Console {
        Console(
            output: { [self] line in text.withLock { $0.output += line } },
            error: { [self] line in text.withLock { $0.error += line } })
    }

    package var output: String { text.withLock { $0.output } }
    package var error: String { text.withLock { $0.error } }
}
