import Foundation
import Glibc

/// What the system says of this process, under the names that Prometheus' own clients use.
struct ProcessFigures: Sendable {
    let residentBytes: Int
    let openFiles: Int
    let maximumFiles: UInt64
    let cpuSeconds: Double
    /// Unix time.
    let startSeconds: Double

    /// Linux's `/proc`; 0 for what it does not say.
    static func read() -> ProcessFigures {
        let pages = words("/proc/self/statm").dropFirst().first.flatMap { Int($0) } ?? 0
        let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessFigures(
            residentBytes: pages * sysconf(Int32(_SC_PAGESIZE)), openFiles: files.count,
            maximumFiles: UInt64(limit.rlim_cur),
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            startSeconds: start())
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1e6
    }

    private static func start() -> Double {
        // Behind the name, which may hold spaces, the 20th word: ticks since the system's start.
        let line = text("/proc/self/stat")
        let behindName = line.split(separator: ")").last ?? ""
        let words = behindName.split(separator: " ")
        let boot = text("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        guard words.count > 19, let ticks = Double(words[19]),
            let boot = boot.flatMap({ Double($0.dropFirst("btime ".count)) })
        else { return 0 }
        return boot + ticks / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    private static func text(_ path: String) -> String {
        guard let data = FileManager.default.contents(atPath: path) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    private static func words(_ path: String) -> [Substring] {
        text(path).split(whereSeparator: \.isWhitespace)
    }
}
