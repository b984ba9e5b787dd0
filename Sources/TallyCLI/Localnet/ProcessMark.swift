import Glibc
import TallyNode

/// A process, told from any later one with its number by when it started (LOCAL-6).
///
/// A number alone names nobody for long: after a reboot or a wrap it belongs to somebody else, who
/// must never get our signals.
struct ProcessMark: Hashable, Sendable {
    let pid: Int32
    /// When it started, in clock ticks since the machine did.
    let startTicks: UInt64
    /// The machine's present run, of `/proc/sys/kernel/random/boot_id`.
    let boot: String

    init(pid: Int32, startTicks: UInt64, boot: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.boot = boot
    }

    /// The process that has this number now; `nil` when there is none, or only its exit code is left.
    init?(of pid: Int32) {
        guard pid > 0, let stat = Self.stat(pid), !stat.hasEnded, let boot = Self.boot else {
            return nil
        }
        self.init(pid: pid, startTicks: stat.startTicks, boot: boot)
    }

    var isRunning: Bool { ProcessMark(of: pid) == self }

    /// Sends a signal, if this very process still runs.
    /// - Returns: whether it did.
    @discardableResult
    func send(_ signal: Int32) -> Bool { isRunning && kill(pid, signal) == 0 }

    private static var boot: String? {
        guard let bytes = try? Files.read("/proc/sys/kernel/random/boot_id", limit: 4_096) else {
            return nil
        }
        return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
    }

    /// What `/proc/PID/stat` says of a process.
    struct Stat: Hashable {
        let state: Substring
        let threads: Int
        let startTicks: UInt64

        /// - Parameter line: of which fields 3, 20 and 22 are read.
        init?(_ line: some Sequence<UInt8>) {
            let bytes = Array(line)
            // The name before may hold spaces and brackets.
            guard let name = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
            let fields = String(decoding: bytes[(name + 1)...], as: UTF8.self).split(separator: " ")
            guard fields.count > 19, let threads = Int(fields[17]),
                let startTicks = UInt64(fields[19])
            else { return nil }
            self.state = fields[0]
            self.threads = threads
            self.startTicks = startTicks
        }

        /// The first thread may be gone while others still wait for a disk, and hold every file and lock
        /// of the process until they are through.
        var hasEnded: Bool { state == "X" || (state == "Z" && threads <= 1) }
    }

    private static func stat(_ pid: Int32) -> Stat? {
        (try? Files.read("/proc/\(pid)/stat", limit: 4_096)).flatMap { Stat($0) }
    }
}
