/// Why a localnet is not made, not found, or does not do what was asked.
enum LocalnetError: Error, Hashable, Sendable {
    /// No localnet was made in the directory.
    case none(path: String)
    /// Something else lives there; `entry` is the first stranger.
    case foreign(path: String, entry: String)
    /// Its making was broken off.
    case unfinished(path: String)
    case damaged(file: String, reason: String)
    case unknownVersion(file: String, found: UInt64)
    /// It has another number of `what`, which is for good.
    case differs(path: String, what: String, has: Int, wanted: Int)
    case unknownNode(id: String, known: [String])
    case running(id: String, pid: Int32, path: String)
    case notRunning(id: String, path: String)
    /// The system starts no process for it.
    case spawn(id: String, errno: String)
    /// The node ended before it was ready.
    case ended(id: String, log: String, lastWords: String)
    case notReady(id: String, seconds: Int64, log: String)
    /// They were asked to stop and did not within `seconds`.
    case stillRunning([ProcessName], seconds: Int64, path: String)
    case noFreePorts(wanted: Int)
    /// The file that this process runs is no longer there, so no node can be started from it.
    case programReplaced
    case interrupted

    /// A node and its process.
    struct ProcessName: Hashable, Sendable {
        let id: String
        let pid: Int32
    }

    /// What programs match on.
    var code: String {
        switch self {
        case .none: "noLocalnet"
        case .foreign: "foreignDirectory"
        case .unfinished: "unfinished"
        case .damaged: "damaged"
        case .unknownVersion: "unknownVersion"
        case .differs: "differs"
        case .unknownNode: "unknownNode"
        case .running: "running"
        case .notRunning: "notRunning"
        case .spawn: "spawn"
        case .ended: "ended"
        case .notReady: "notReady"
        case .stillRunning: "stillRunning"
        case .noFreePorts: "noFreePorts"
        case .programReplaced: "programReplaced"
        case .interrupted: "interrupted"
        }
    }
}

extension LocalnetError: CustomStringConvertible {
    var description: String {
        switch self {
        case .none(let path):
            "there is no localnet in \(path); make one with `tally localnet start --dir \(path)`"
        case .foreign(let path, let entry):
            "\(path) holds '\(entry)', which is no part of a localnet; choose an empty directory"
        case .unfinished(let path):
            "the localnet in \(path) was never finished; remove what is there with "
                + "`tally localnet reset --dir \(path)`, then start again"
        case .damaged(let file, let reason):
            "\(file) is damaged: \(reason). It names the nodes and their processes: restore it, or "
                + "end the nodes by hand and delete the directory"
        case .unknownVersion(let file, let found):
            "\(file) has format \(found), this program reads format \(LocalnetState.version); use "
                + "the program that wrote it"
        case .differs(let path, let what, let has, let wanted):
            "the localnet in \(path) has \(has) \(what), not \(wanted); leave --\(what) out to "
                + "continue it, choose another --dir, or remove it with `tally localnet reset --dir "
                + "\(path)`"
        case .unknownNode(let id, let known):
            "there is no node '\(id)'; there are \(known.joined(separator: ", "))"
        case .running(let id, let pid, let path):
            "\(id) runs already as process \(pid); stop all nodes with `tally localnet stop --dir "
                + "\(path)`, or this one with `tally localnet kill-node \(id) --dir \(path)`"
        case .notRunning(let id, let path):
            "\(id) does not run; start it with `tally localnet start-node \(id) --dir \(path)`"
        case .spawn(let id, let errno): "cannot start a process for \(id): \(errno)"
        case .ended(let id, let log, let lastWords):
            "\(id) ended before it was ready: \(lastWords) (all of it: \(log))"
        case .notReady(let id, let seconds, let log):
            "\(id) was not ready within \(seconds) s; see \(log)"
        case .stillRunning(let processes, let seconds, let path):
            "still running \(seconds) s after they were asked to stop: "
                + processes.map { "\($0.id) (process \($0.pid))" }.joined(separator: ", ")
                + "; end one with `tally localnet kill-node ID --dir \(path)`, which loses nothing "
                + "that is final"
        case .noFreePorts(let wanted):
            "there are no \(wanted) free ports on this machine between 10000 and those that the "
                + "system gives to outgoing connections"
        case .programReplaced:
            "this program was replaced or deleted while it runs; run the new one"
        case .interrupted: "interrupted before all nodes were ready; none runs"
        }
    }
}
