import FoundationEssentials
import Glibc
import Synchronization

/// A process that is waited for, on the calling thread.
enum ChildProcess {
    enum End: Hashable, Sendable {
        /// `status` as a shell tells it: of a signal, 128 and its number.
        case exited(status: Int32, output: [UInt8])
        case timedOut
        case outputTooLong
        case notStarted(errno: Int32)
    }

    /// Fits every pipe at once (POSIX: at least 512; Linux: a page), so that writing never blocks.
    static let maximumInput = 4_096

    /// Runs a command with nothing of this process's but the time: no environment, no open file.
    ///
    /// It ends with all of its process group: by itself, or killed at the deadline or when it writes
    /// too much.
    /// - Parameters:
    ///   - command: begins with an absolute path.
    ///   - milliseconds: most that it may take.
    static func run(
        _ command: [String], input: [UInt8], outputLimit: Int, milliseconds: UInt64
    ) -> End {
        precondition(input.count <= maximumInput)
        let deadline = ContinuousClock.now + .milliseconds(Int64(clamping: milliseconds))
        let pid: pid_t
        let pipe: Int32
        switch start(command, input: input) {
        case .failure(let reason): return .notStarted(errno: reason.errno)
        case .success(let started): (pid, pipe) = started
        }
        defer { close(pipe) }
        var output: [UInt8] = []
        let stop = read(pipe, into: &output, limit: outputLimit, until: deadline)
        if stop == nil, let status = wait(for: pid, until: deadline) {
            return .exited(status: status, output: output)
        }
        // The group by its number, which is the child's as long as nobody has waited for it.
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        drain(pipe)
        return stop ?? .timedOut
    }

    // MARK: Starting

    private struct Failure: Error {
        let errno: Int32
    }

    /// One start at a time: a process begun between another one's pipes and its own start would keep
    /// them open.
    private static let starting = Mutex(())

    /// - Returns: the process, and where its output is read.
    private static func start(
        _ command: [String], input: [UInt8]
    ) -> Result<(pid_t, Int32), Failure> {
        starting.withLock { _ in
            var (theirs, ours): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
            guard pipe(&theirs) == 0 else { return .failure(Failure(errno: errno)) }
            defer { for end in theirs { close(end) } }
            guard pipe(&ours) == 0 else { return .failure(Failure(errno: errno)) }
            defer { close(ours[1]) }
            _ = fcntl(ours[0], F_SETFD, FD_CLOEXEC)
            let written = input.withUnsafeBytes { write(theirs[1], $0.baseAddress, $0.count) }
            var pid: pid_t = 0
            let code =
                written == input.count
                ? spawn(command, input: theirs[0], output: ours[1], &pid) : errno
            guard code == 0 else {
                close(ours[0])
                return .failure(Failure(errno: code))
            }
            return .success((pid, ours[0]))
        }
    }

    /// - Returns: 0, or the reason.
    private static func spawn(
        _ command: [String], input: Int32, output: Int32, _ pid: inout pid_t
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        // Nothing that is open here is open there.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in open.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGQUIT, SIGXFSZ] {
            sigaddset(&signals, signal)
        }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF)
                | Int16(POSIX_SPAWN_SETPGROUP))
        let copies = command.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let environment: [UnsafeMutablePointer<CChar>?] = [nil]
        return posix_spawn(&pid, command[0], &actions, &attributes, copies + [nil], environment)
    }

    // MARK: Waiting

    /// Reads until the other end is closed.
    /// - Returns: why it stopped before.
    private static func read(
        _ descriptor: Int32, into output: inout [UInt8], limit: Int,
        until deadline: ContinuousClock.Instant
    ) -> End? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = milliseconds(until: deadline)
            guard left > 0 else { return .timedOut }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, left) > 0 else { continue }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return nil }
            guard count > 0 else {
                if errno == EINTR { continue }
                return nil
            }
            guard output.count + count <= limit else { return .outputTooLong }
            output += buffer[..<count]
        }
    }

    /// - Returns: `nil` when the time is over.
    private static func wait(
        for pid: pid_t, until deadline: ContinuousClock.Instant
    ) -> Int32? {
        var status: Int32 = 0
        while true {
            switch waitpid(pid, &status, WNOHANG) {
            case pid:
                let signal = status & 0x7f
                return signal == 0 ? status >> 8 & 0xff : 128 + signal
            case 0: break
            default:
                // Somebody else took note of its end: it is over, and nobody knows how.
                if errno != EINTR { return 255 }
            }
            guard milliseconds(until: deadline) > 0 else { return nil }
            _ = poll(nil, 0, 2)
        }
    }

    /// Waits until nobody of the killed is left to write, but not for ever.
    private static func drain(_ descriptor: Int32) {
        var ignored: [UInt8] = []
        let end = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < end {
            ignored.removeAll(keepingCapacity: true)
            switch read(descriptor, into: &ignored, limit: 1 << 20, until: end) {
            case .outputTooLong: continue
            case nil, .exited, .timedOut, .notStarted: return
            }
        }
    }

    /// At least 0, at most a minute.
    private static func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { return 0 }
        return left > .seconds(60) ? 60_000 : Int32(left / .milliseconds(1)) + 1
    }
}
