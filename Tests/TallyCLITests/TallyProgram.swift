import Foundation
import Testing

/// The `tally` program that was built with the tests, as a process.
enum TallyProgram {
    /// Beside the file that runs the tests.
    static func path() throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = (own as NSString).deletingLastPathComponent + "/tally"
        try #require(FileManager.default.isExecutableFile(atPath: program), "\(program)")
        return program
    }

    /// Runs a command line to its end.
    static func run(_ arguments: [String]) async throws -> Outcome {
        let process = try process(arguments)
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        async let written = readAll(output)
        async let complained = readAll(error)
        let (text, complaint) = await (written, complained)
        let code = await end(of: process)
        return Outcome(code: code, output: text, error: complaint)
    }

    /// Not started; nothing of the environment but where programs are.
    static func process(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: try path())
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]
        process.standardInput = FileHandle.nullDevice
        return process
    }

    /// Exit code, once there is one.
    static func end(of process: Process) async -> Int32 {
        await blocking {
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    /// The first line, or everything before the end.
    static func firstLine(_ pipe: Pipe) async -> String {
        await blocking {
            var line: [UInt8] = []
            while !line.contains(UInt8(ascii: "\n")) {
                let data = pipe.fileHandleForReading.availableData
                if data.isEmpty { break }
                line += data
            }
            return String(decoding: line, as: UTF8.self)
        }
    }

    static func readAll(_ pipe: Pipe) async -> String {
        await blocking {
            String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }
    }

    /// Waits on a thread that nothing else needs.
    private static func blocking<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result
    ) async -> Result {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
