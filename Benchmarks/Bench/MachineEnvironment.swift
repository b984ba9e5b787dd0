import BenchSupport
import Foundation
import Glibc
import TallyClient

/// What the figures were measured on.
enum MachineEnvironment {
    static func json() -> JSON {
        let processor = (try? Clocks.read("/proc/cpuinfo")) ?? ""
        let memory = (try? Clocks.read("/proc/meminfo")) ?? ""
        let load = (try? Clocks.read("/proc/loadavg")) ?? ""
        let kernel = (try? Clocks.read("/proc/sys/kernel/osrelease")) ?? ""
        return [
            "cpu": text(ProcessFiles.value(of: "model name", in: processor)),
            "cores": JSON(Clocks.cores),
            "memory": text(ProcessFiles.value(of: "MemTotal", in: memory)),
            "kernel": text(kernel.split(separator: "\n").first.map(String.init)),
            "swift": text(ProcessInfo.processInfo.environment["BENCH_SWIFT"]),
            "commit": text(ProcessInfo.processInfo.environment["BENCH_COMMIT"]),
            "loadAverage": .array(load.split(separator: " ").prefix(3).map { .number(String($0)) }),
            "date": .string(Date().ISO8601Format()),
        ]
    }

    /// What is not known is null.
    private static func text(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
}
