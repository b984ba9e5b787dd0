import Glibc

/// Whom a listed program runs as.
package enum ProgramUser: Hashable, Sendable {
    /// Another user, which only root can choose.
    case named(String)
    /// Whoever runs this process, which must not be root.
    case same
}

/// Why no program can be run here.
package enum ProgramRunnerError: Error, Hashable, Sendable {
    case missingTool(String)
    case unknownUser(String)
    /// Another user can be chosen by root only: name none (`same`), or be root.
    case notRoot(user: String)
    /// The program would run as root.
    case wouldBeRoot
    /// An entry of the list is no absolute path of a file that can be executed.
    case notExecutable(ProgramName, path: String)
    /// The cage does not hold here: not even `true` ends well in it.
    case noCage(ProgramOutcome)
}

extension ProgramRunnerError: CustomStringConvertible {
    /// One sentence for people.
    package var description: String {
        switch self {
        case .missingTool(let name): "\(name) is missing: install util-linux and coreutils"
        case .unknownUser(let name): "there is no user \(name)"
        case .notRoot(let user): "only root can run programs as \(user)"
        case .wouldBeRoot: "programs must not run as root: name another user"
        case .notExecutable(let name, let path):
            "program \(name): \(path) is no absolute path of an executable file"
        case .noCage(let outcome): "namespaces and limits do not work here: \(outcome)"
        }
    }
}

/// The command that puts another one behind walls (WORK-4), made of tools that every Debian has.
struct ProgramCage: Sendable {
    private let setpriv: String
    private let unshare: String
    private let prlimit: String
    private let timeout: String
    /// `nil`: as this process.
    private let user: (uid: uid_t, gid: gid_t)?

    /// - Throws: `.missingTool`, `.unknownUser`, `.notRoot`, `.wouldBeRoot`.
    init(_ user: ProgramUser) throws(ProgramRunnerError) {
        setpriv = try Self.tool("setpriv")
        unshare = try Self.tool("unshare")
        prlimit = try Self.tool("prlimit")
        timeout = try Self.tool("timeout")
        switch user {
        case .same:
            guard geteuid() != 0 else { throw .wouldBeRoot }
            self.user = nil
        case .named(let name):
            guard geteuid() == 0 else { throw .notRoot(user: name) }
            guard let entry = getpwnam(name)?.pointee else { throw .unknownUser(name) }
            guard entry.pw_uid != 0 else { throw .wouldBeRoot }
            self.user = (entry.pw_uid, entry.pw_gid)
        }
    }

    private static func tool(_ name: String) throws(ProgramRunnerError) -> String {
        for folder in ["/usr/bin", "/bin", "/usr/sbin", "/sbin"] {
            let path = "\(folder)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        throw .missingTool(name)
    }

    /// The whole command line.
    /// - Parameter folder: the program's working directory.
    func command(
        _ program: ListedProgram, in folder: String, _ limits: ProgramLimits
    ) -> [String] {
        // When this process dies, so does the one that holds the namespaces, and all in them.
        var words = [setpriv, "--pdeathsig", "KILL", "--", unshare]
        if user == nil { words += ["--user", "--map-current-user"] }
        words += [
            "--net", "--pid", "--ipc", "--uts", "--mount-proc", "--fork", "--kill-child",
            "--wd=\(folder)", "--",
            prlimit, "--cpu=\(limits.cpuSeconds)", "--as=\(limits.addressSpaceBytes)",
            "--fsize=\(limits.fileBytes)", "--nproc=\(limits.processes)",
            "--nofile=\(limits.openFiles)", "--core=0", "--",
            setpriv,
        ]
        if let user {
            words += [
                "--reuid=\(user.uid)", "--regid=\(user.gid)", "--clear-groups",
                "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all",
            ]
        }
        // A change of user clears the signal of the parent's death: it is set again.
        words += ["--no-new-privs", "--pdeathsig", "KILL", "--"]
        // The first process of the namespace: its end is everybody's. It ends a little after the
        // time at which this process would have killed it, if this process is no more.
        let seconds = limits.wallMilliseconds / 1_000 + 2
        words += [timeout, "--foreground", "--signal=KILL", "\(seconds)"]
        return words + [program.executable] + program.arguments
    }

    /// Makes a folder that the program's user owns; `nil` leaves the reason in `errno`.
    func makeFolder(in parent: String) -> String? {
        var template = Array("\(parent)/tally-job-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        let path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let user, chown(path, user.uid, user.gid) != 0 {
            let reason = errno
            rmdir(path)
            errno = reason
            return nil
        }
        return path
    }
}
