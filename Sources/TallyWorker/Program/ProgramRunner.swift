import FoundationEssentials
import Glibc

/// Runs programs of the operator's list, and no others, in a cage (WORK-4). A buyer gives a name and
/// input, never code.
package struct ProgramRunner: Sendable {
    package let limits: ProgramLimits
    private let programs: [ProgramName: ListedProgram]
    private let cage: ProgramCage
    private let folder: String

    package var names: Set<ProgramName> { Set(programs.keys) }

    /// Looks at the tools, the list, and whether the cage holds.
    /// - Parameter folder: where each run gets an empty folder of its own; the user of the programs
    ///   must reach it.
    /// - Throws: `ProgramRunnerError`; the first reason not to run anything.
    package init(
        _ programs: [ProgramName: ListedProgram], as user: ProgramUser = .named("nobody"),
        limits: ProgramLimits = ProgramLimits(), folder: String = "/tmp"
    ) throws(ProgramRunnerError) {
        self.programs = programs
        self.limits = limits
        self.folder = folder
        cage = try ProgramCage(user)
        for (name, program) in programs.sorted(by: { $0.key < $1.key }) {
            guard program.executable.hasPrefix("/"), Self.isExecutable(program.executable) else {
                throw .notExecutable(name, path: program.executable)
            }
        }
        // The operator's limits may be too tight for anything but the operator's programs.
        let probe = run(
            ListedProgram(executable: "/bin/true"), input: [], within: ProgramLimits())
        guard probe == .output(ProgramOutput(status: 0, bytes: [])) else {
            throw .noCage(probe)
        }
    }

    private static func isExecutable(_ path: String) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            && !isFolder && access(path, X_OK) == 0
    }

    /// Runs a program on the calling thread until it has ended, or was made to.
    package func run(_ call: ListedCall) -> ProgramOutcome {
        guard let program = programs[call.name] else { return .refused }
        return run(program, input: call.input, within: limits)
    }

    private func run(
        _ program: ListedProgram, input: [UInt8], within limits: ProgramLimits
    ) -> ProgramOutcome {
        guard input.count <= ChildProcess.maximumInput else { return .notStarted(errno: E2BIG) }
        guard let place = cage.makeFolder(in: folder) else { return .notStarted(errno: errno) }
        defer { try? FileManager.default.removeItem(atPath: place) }
        let end = ChildProcess.run(
            cage.command(program, in: place, limits), input: input,
            outputLimit: limits.outputBytes, milliseconds: limits.wallMilliseconds)
        switch end {
        case .timedOut: return .timedOut
        case .outputTooLong: return .outputTooLong
        case .notStarted(let reason): return .notStarted(errno: reason)
        case .exited(let status, let bytes):
            // WORK-3
            guard status < 124, let status = UInt8(exactly: status) else {
                return .failed(exit: status)
            }
            return .output(ProgramOutput(status: status, bytes: bytes))
        }
    }
}
