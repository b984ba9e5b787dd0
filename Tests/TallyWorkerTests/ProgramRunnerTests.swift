import FoundationEssentials
import Glibc
import TallyPrimitives
import Testing

@testable import TallyWorker

private let isRoot = geteuid() == 0

// One after another: the limit of processes is the user's, not a run's.
@Suite(.serialized, .enabled(if: isRoot, "needs root, to become another user"))
struct ProgramRunnerTests {
    static let name = ProgramName("program")

    /// Runs one program of a list of one.
    func run(
        _ words: String..., input: [UInt8] = [], folder: String = "/tmp",
        _ change: (inout ProgramLimits) -> Void = { _ in }
    ) throws -> ProgramOutcome {
        var limits = ProgramLimits()
        limits.wallMilliseconds = 20_000
        change(&limits)
        let name = try #require(Self.name)
        let program = ListedProgram(
            executable: try #require(words.first), arguments: Array(words.dropFirst()))
        let runner = try ProgramRunner([name: program], limits: limits, folder: folder)
        return runner.run(ListedCall(name: name, input: input))
    }

    func shell(
        _ script: String, _ change: (inout ProgramLimits) -> Void = { _ in }
    ) throws -> ProgramOutcome {
        try run("/bin/sh", "-c", script) { change(&$0) }
    }

    func text(_ outcome: ProgramOutcome) -> String? {
        guard case .output(let output) = outcome, output.status == 0 else { return nil }
        return String(decoding: output.bytes, as: UTF8.self)
    }

    /// Whether any process has the word among its arguments.
    func isRunning(_ word: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.filter { Int($0) != nil }.contains { name in
            let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") ?? Data()
            return line.split(separator: 0).contains { $0.elementsEqual(word.utf8) }
        }
    }

    // MARK: Outcomes

    @Test func givesInputAndTakesOutput() throws {
        let input = (0..<500).map { UInt8(truncatingIfNeeded: $0) }
        #expect(
            try run("/bin/cat", input: input) == .output(ProgramOutput(status: 0, bytes: input)))
    }

    @Test func refusesWhatIsNotInTheList() throws {
        let name = try #require(Self.name)
        let other = try #require(ProgramName("other"))
        let runner = try ProgramRunner([name: ListedProgram(executable: "/bin/cat")])
        #expect(runner.run(ListedCall(name: other, input: [])) == .refused)
        #expect(runner.names == [name])
    }

    @Test func exitStatusIsPartOfTheOutput() throws {
        #expect(
            try shell("printf a; exit 123") == .output(ProgramOutput(status: 123, bytes: [97])))
    }

    @Test func failsAboveStatus123() throws {
        #expect(try shell("exit 124") == .failed(exit: 124))
        #expect(try shell("kill -9 $$") == .failed(exit: 137))
        #expect(try shell("kill -ABRT $$") == .failed(exit: 134))
    }

    @Test func killsWhatTakesTooLong() throws {
        #expect(try run("/bin/sleep", "7391.5") { $0.wallMilliseconds = 300 } == .timedOut)
        #expect(!isRunning("7391.5"))
    }

    @Test func killsWhatIsSilentTooLong() throws {
        let outcome = try shell("exec >&-; sleep 7392.5") { $0.wallMilliseconds = 300 }
        #expect(outcome == .timedOut)
    }

    @Test func killsWhatWritesTooMuch() throws {
        #expect(try run("/usr/bin/yes") { $0.outputBytes = 100_000 } == .outputTooLong)
        let whole = try run("/usr/bin/head", "-c", "1000", "/dev/zero") { $0.outputBytes = 1_000 }
        #expect(
            whole == .output(ProgramOutput(status: 0, bytes: [UInt8](repeating: 0, count: 1_000))))
        #expect(
            try run("/usr/bin/head", "-c", "1001", "/dev/zero") { $0.outputBytes = 1_000 }
                == .outputTooLong)
    }

    @Test func leavesNobodyBehind() throws {
        #expect(text(try shell("setsid sleep 7393.5 >&- & exit 0")) == "")
        #expect(!isRunning("7393.5"))
        let outcome = try shell("setsid sleep 7394.5 & wait") { $0.wallMilliseconds = 300 }
        #expect(outcome == .timedOut)
        #expect(!isRunning("7394.5"))
    }

    @Test func failsWhatDoesNotStart() throws {
        let path = "/tmp/tally-test-\(getpid()).bad"
        let made = FileManager.default.createFile(atPath: path, contents: Data("#!/none\n".utf8))
        #expect(made && chmod(path, 0o755) == 0)
        defer { unlink(path) }
        #expect(try run(path) == .failed(exit: 127))
    }

    // MARK: Walls

    @Test func runsAsAnotherUserWithoutPrivileges() throws {
        #expect(text(try run("/usr/bin/id", "-u")) == "65534\n")
        #expect(text(try run("/usr/bin/id", "-G")) == "65534\n")
        let status = try run(
            "/bin/grep", "-E", "^(NoNewPrivs|CapBnd|CapEff|CapPrm)", "/proc/self/status")
        let lines = text(status)?.split(separator: "\n").map { $0.split(separator: "\t")[1] }
        #expect(
            lines == ["0000000000000000", "0000000000000000", "0000000000000000", "1"])
    }

    @Test func hasNoEnvironment() throws { #expect(text(try run("/usr/bin/env")) == "") }

    @Test func hasNoOpenFiles() throws {
        // The last one is that of the folder itself.
        #expect(text(try run("/bin/ls", "/proc/self/fd")) == "0\n1\n2\n3\n")
    }

    @Test func seesItsOwnProcessesOnly() throws {
        #expect(
            text(try shell("ls -d /proc/[0-9]* | wc -l")).flatMap { Int($0.dropLast()) } ?? 99 < 6)
    }

    @Test func reachesNoNetwork() throws {
        #expect(text(try shell("tail -n +3 /proc/net/dev | wc -l")) == "1\n")
        let (listener, port) = try listen()
        defer { close(listener) }
        let command = ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(port)"]
        // Outside of the cage, the same connects.
        let free = ChildProcess.run(
            command, input: [], outputLimit: 100, milliseconds: 20_000)
        #expect(free == .exited(status: 0, output: []))
        #expect(
            try run(command[0], command[1], command[2])
                == .output(ProgramOutput(status: 1, bytes: [])))
    }

    private func listen() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isReady = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && Glibc.listen(descriptor, 4) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isReady)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    @Test func writesNoFiles() throws {
        // 128 and SIGXFSZ.
        #expect(try shell("echo a > file") == .failed(exit: 153))
        #expect(text(try shell("echo a > file; cat file") { $0.fileBytes = 10 }) == "a\n")
        #expect(
            try shell("touch /root/a || exit 7") == .output(ProgramOutput(status: 7, bytes: [])))
    }

    @Test func foldersAreEmptyAndRemoved() throws {
        let folder = "/tmp/tally-test-\(getpid())"
        try #require(mkdir(folder, 0o755) == 0)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(text(try run("/bin/ls", "-A", folder: folder)) == "")
        let script = "pwd; mkdir -p a/b; ln -s / a/c; touch d; chmod 0 a"
        let place = text(try run("/bin/sh", "-c", script, folder: folder))
        #expect(place?.hasPrefix(folder + "/tally-job-") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test func forksWithinLimits() throws {
        let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 >&- & done; exit 0"
        #expect(text(try shell(script) { $0.processes = 64 }) == "")
        // What dash says when it cannot fork.
        #expect(
            try shell(script) { $0.processes = 6 }
                == .output(ProgramOutput(status: 2, bytes: [])))
    }

    @Test func usesTimeAndMemoryWithinLimits() throws {
        #expect(
            try shell("while :; do :; done") { $0.cpuSeconds = 1 } == .failed(exit: 137))
        let script = "head -c 300000000 /dev/zero | tail -c 250000000 | wc -c"
        #expect(text(try shell(script)) == "250000000\n")
        #expect(text(try shell(script) { $0.addressSpaceBytes = 100_000_000 }) == "0\n")
    }

    // MARK: Setting up

    func refusal(
        _ path: String = "/bin/cat", as user: ProgramUser = .named("nobody"),
        folder: String = "/tmp"
    ) throws -> ProgramRunnerError? {
        let name = try #require(Self.name)
        do throws(ProgramRunnerError) {
            _ = try ProgramRunner(
                [name: ListedProgram(executable: path)], as: user, folder: folder)
            return nil
        } catch { return error }
    }

    @Test func neverRunsAsRoot() throws {
        #expect(try refusal(as: .same) == .wouldBeRoot)
        #expect(try refusal(as: .named("root")) == .wouldBeRoot)
    }

    @Test func rejectsUnknownUser() throws {
        #expect(try refusal(as: .named("no-such-user")) == .unknownUser("no-such-user"))
    }

    @Test(arguments: ["cat", "/bin", "/etc/passwd", "/none"])
    func rejectsWhatIsNoExecutable(path: String) throws {
        let name = try #require(Self.name)
        #expect(try refusal(path) == .notExecutable(name, path: path))
    }

    @Test func triesTheCageFirst() throws {
        #expect(try refusal(folder: "/none") == .noCage(.notStarted(errno: ENOENT)))
    }
}

@Suite(.enabled(if: !isRoot, "needs a user other than root"))
struct SameUserTests {
    @Test func runsAsTheSameUserWithoutNetwork() throws {
        let name = try #require(ProgramName("program"))
        let script = "id -u; tail -n +3 /proc/net/dev | wc -l; cat"
        let program = ListedProgram(executable: "/bin/sh", arguments: ["-c", script])
        let runner = try ProgramRunner([name: program], as: .same)
        let output = Array("\(geteuid())\n1\na".utf8)
        #expect(
            runner.run(ListedCall(name: name, input: [97]))
                == .output(ProgramOutput(status: 0, bytes: output)))
    }

    @Test func onlyRootChoosesAnotherUser() throws {
        #expect(throws: ProgramRunnerError.notRoot(user: "nobody")) {
            _ = try ProgramRunner([:])
        }
    }
}
