import Foundation
import Glibc

/// This program, started once more.
final class ChildProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var buffered: [UInt8] = []

    /// What it says on standard error goes to ours.
    init(_ arguments: [String], executable: String? = nil) throws {
        process.executableURL = executable.map { URL(filePath: $0) } ?? Bundle.main.executableURL
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        progress("\(arguments.joined(separator: " ")): process \(id)")
    }

    var id: Int32 { process.processIdentifier }

    /// The next line it prints.
    /// - Throws: when it ends first.
    func line() throws -> [UInt8] {
        while true {
            if let end = buffered.firstIndex(of: 10) {
                defer { buffered.removeSubrange(...end) }
                return Array(buffered[..<end])
            }
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else {
                process.waitUntilExit()
                throw BenchError("a process ended with \(process.terminationStatus)")
            }
            buffered += data
        }
    }

    func tell(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    /// Ends it at once, as a power cut would.
    func kill() {
        _ = Glibc.kill(id, SIGKILL)
        process.waitUntilExit()
    }

    /// Ends it by the end of its input.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Everything that a run of this program prints.
    /// - Throws: when it fails, or takes longer than some seconds.
    static func output(
        _ arguments: [String], within seconds: Int, executable: String? = nil
    ) throws -> [UInt8] {
        let child = try ChildProcess(arguments, executable: executable)
        let id = child.id
        let timer = DispatchSource.makeTimerSource()
        timer.schedule(deadline: .now() + .seconds(seconds))
        timer.setEventHandler { _ = Glibc.kill(id, SIGKILL) }
        timer.resume()
        defer { timer.cancel() }
        let data = child.output.fileHandleForReading.readDataToEndOfFile()
        child.process.waitUntilExit()
        if child.process.terminationReason == .uncaughtSignal {
            throw BenchError("killed by signal \(child.process.terminationStatus)")
        }
        guard child.process.terminationStatus == 0 else {
            throw BenchError("the process ended with \(child.process.terminationStatus)")
        }
        return Array(data)
    }
}
