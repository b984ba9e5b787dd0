import Foundation
import Glibc
import TallyNode

/// Starts processes that outlive this one (LOCAL-1): each a session of its own, so that neither the end of a
/// terminal nor its Ctrl-C reaches them.
enum DetachedProcess {
    /// `POSIX_SPAWN_SETSID` of glibc, which its header hides from Swift.
    private static let ownSession: Int16 = 0x80

    /// The system's reason not to start a process.
    struct Failure: Error {
        let errno: Int32
        var reason: String { String(cString: strerror(errno)) }
    }

    /// The file that this process runs.
    /// - Throws: `.programReplaced`.
    static func thisProgram() throws(LocalnetError) -> String {
        guard
            let path = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/exe"), access(path, X_OK) == 0
        else { throw .programReplaced }
        return path
    }

    /// - Parameters:
    ///   - log: gets what the process writes, behind what is there.
    ///   - environment: all variables, `name=value`.
    static func start(
        _ program: String, _ arguments: [String], environment: [String], log: String
    ) throws(Failure) -> ProcessMark {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this process ignores or blocks is its own affair.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | ownSession)
        keepDescriptors()
        var pid: pid_t = 0
        let code = withCStrings([program] + arguments) { arguments in
            withCStrings(environment) { environment in
                posix_spawn(&pid, program, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw Failure(errno: code) }
        // One that ended at once is nobody's to wait for: its number with no start time.
        return ProcessMark(of: pid) ?? ProcessMark(pid: pid, startTicks: 0, boot: "")
    }

    /// Takes note of children that ended, so that nothing is left of them.
    static func reap() {
        while waitpid(-1, nil, WNOHANG) > 0 {}
    }

    /// Nothing that is open here is open there.
    private static func keepDescriptors() {
        guard let names = try? Files.entries(of: "/proc/self/fd") else { return }
        for descriptor in names.compactMap(Int32.init) where descriptor > STDERR_FILENO {
            let flags = fcntl(descriptor, F_GETFD)
            if flags >= 0 { _ = fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) }
        }
    }

    /// Calls `body` with a list as C programs take it, which does not escape.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
