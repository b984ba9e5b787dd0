import Foundation

/// A line of standard input without its end.
enum InputLine: Sendable {
    case text(ArraySlice<UInt8>)
    /// More bytes than `LineReader.lineLimit`: they were skipped.
    case tooLong
}

/// Cuts standard input into lines, in bounded memory.
///
/// Ends are LF or CR LF; the last line may do without.
struct LineReader {
    /// Twice the digits of the largest transaction.
    static let lineLimit = 512 << 10

    private let chunk: Int
    /// The beginning of a line whose end has not come yet.
    private var rest: [UInt8] = []
    private var isSkipping = false
    private var isAtEnd = false

    /// - Parameter chunk: most bytes to read at once.
    init(chunk: Int = 256 << 10) { self.chunk = chunk }

    /// The lines that have come, at least one; `nil` at the end.
    mutating func next() throws(CommandFailure) -> [InputLine]? {
        while !isAtEnd {
            var lines: [InputLine] = []
            let bytes = try Console.current.read(atMost: chunk)
            if bytes.isEmpty {
                isAtEnd = true
                if !rest.isEmpty { append(rest[...], to: &lines) }
            } else {
                cut(bytes, into: &lines)
            }
            if !lines.isEmpty { return lines }
        }
        return nil
    }

    private mutating func cut(_ bytes: [UInt8], into lines: inout [InputLine]) {
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if isSkipping {
                isSkipping = false
            } else if rest.isEmpty {
                append(bytes[start..<end], to: &lines)
            } else {
                append((rest + bytes[start..<end])[...], to: &lines)
            }
            rest = []
            start = end + 1
        }
        guard !isSkipping else { return }
        rest += bytes[start...]
        if rest.count > Self.lineLimit {
            append(rest[...], to: &lines)
            rest = []
            isSkipping = true
        }
    }

    private func append(_ line: ArraySlice<UInt8>, to lines: inout [InputLine]) {
        let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        lines.append(text.count > Self.lineLimit ? .tooLong : .text(text))
    }
}

/// Answers every line of standard input with one line, in order, on all cores, as long as somebody
/// takes the answers.
enum LineWork {
    struct Count: Equatable {
        var lines = 0
        var failures = 0
    }

    /// - Parameter answer: appends the answer to a line, with its end, and says whether it is one
    ///   of success.
    /// - Complexity: memory for the lines of one read and their answers.
    static func run(
        _ answer: @escaping @Sendable (InputLine, inout [UInt8]) -> Bool
    ) async throws -> Count {
        var reader = LineReader()
        var count = Count()
        while let lines = try reader.next() {
            let (output, failures) = await answers(to: lines, answer)
            Console.current.write(lines: output)
            count.lines += lines.count
            count.failures += failures
            if Console.current.isOutputLost { break }
        }
        return count
    }

    /// Fewer lines are not worth a task.
    private static let linesPerTask = 32

    private static func answers(
        to lines: [InputLine], _ answer: @escaping @Sendable (InputLine, inout [UInt8]) -> Bool
    ) async -> ([UInt8], failures: Int) {
        let parts = max(
            1, min(ProcessInfo.processInfo.activeProcessorCount, lines.count / linesPerTask))
        return await withTaskGroup(of: (Int, [UInt8], Int).self) { group in
            for part in 0..<parts {
                let range = lines[(lines.count * part / parts)..<(lines.count * (part + 1) / parts)]
                group.addTask {
                    var output: [UInt8] = []
                    var failures = 0
                    for line in range where !answer(line, &output) { failures += 1 }
                    return (part, output, failures)
                }
            }
            var outputs = [[UInt8]](repeating: [], count: parts)
            var failures = 0
            for await (part, output, failed) in group {
                outputs[part] = output
                failures += failed
            }
            return (Array(outputs.joined()), failures)
        }
    }
}
