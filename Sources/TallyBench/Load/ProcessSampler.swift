import Foundation
import Glibc

/// A process that a run watches: a node of this machine.
package struct WatchedProcess: Hashable, Sendable {
    /// Of the node; stays when the process is another one.
    package let name: String
    /// `nil` while it is away.
    package let pid: Int32?

    package init(name: String, pid: Int32?) {
        self.name = name
        self.pid = pid
    }
}

/// What one watched node has used since the sampler began, over all its processes.
package struct ProcessUse: Codable, Hashable, Sendable {
    package var name: String
    package var pid: Int32?
    /// Processor time in seconds.
    package var cpuSeconds: Double
    /// Bytes sent to the disk.
    package var bytesWritten: UInt64
    /// Bytes resident now; 0 while it is away.
    package var residentBytes: UInt64
    /// Of these, pages of mapped files (`ProcessFiles.mappedBytes`).
    package var mappedBytes: UInt64
}

/// Adds up what processes use, across restarts: what a process used between the last look and its end is
/// lost, which is at most a second of each.
package struct ProcessSampler: Sendable {
    private struct Counter: Sendable {
        var pid: Int32?
        var cpu = 0.0
        var bytes: UInt64 = 0
        var lastCPU = 0.0
        var lastBytes: UInt64 = 0
    }

    private var counters: [String: Counter] = [:]

    package init() {}

    package mutating func sample(_ processes: [WatchedProcess]) -> [ProcessUse] {
        processes.map { process in
            var counter = counters[process.name] ?? Counter()
            defer { counters[process.name] = counter }
            let isKnown = counters[process.name] != nil
            var memory: (resident: UInt64, mapped: UInt64) = (0, 0)
            if let pid = process.pid, let now = Self.read(pid) {
                // A process found at the first look has a past that is not this run's.
                if isKnown {
                    let isSame = counter.pid == pid
                    counter.cpu += now.cpu - (isSame ? counter.lastCPU : 0)
                    counter.bytes += now.bytes - (isSame ? counter.lastBytes : 0)
                }
                (counter.pid, counter.lastCPU, counter.lastBytes) = (pid, now.cpu, now.bytes)
                memory = now.memory
            }
            return ProcessUse(
                name: process.name, pid: process.pid, cpuSeconds: counter.cpu,
                bytesWritten: counter.bytes, residentBytes: memory.resident,
                mappedBytes: memory.mapped)
        }
    }

    private static func read(
        _ pid: Int32
    ) -> (cpu: Double, bytes: UInt64, memory: (resident: UInt64, mapped: UInt64))? {
        guard let stat = text("/proc/\(pid)/stat"), let ticks = ProcessFiles.cpuTicks(stat: stat)
        else { return nil }
        let io = text("/proc/\(pid)/io").flatMap(ProcessFiles.bytesWritten(io:))
        let status = text("/proc/\(pid)/status") ?? ""
        return (
            Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK))), io ?? 0,
            (
                ProcessFiles.residentBytes(status: status) ?? 0,
                ProcessFiles.mappedBytes(status: status) ?? 0
            )
        )
    }

    private static func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
