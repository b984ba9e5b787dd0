import Foundation

/// What figures were measured on.
package struct MachineEnvironment: Codable, Hashable, Sendable {
    package var cpu: String?
    package var cores: Int
    package var memory: String?
    package var kernel: String?
    /// Of the last 1, 5 and 15 minutes, when the run began.
    package var loadAverage: [Double]

    package static var current: MachineEnvironment {
        let processor = text("/proc/cpuinfo")
        let load = text("/proc/loadavg").split(separator: " ").prefix(3)
        return MachineEnvironment(
            cpu: ProcessFiles.value(of: "model name", in: processor),
            cores: ProcessInfo.processInfo.activeProcessorCount,
            memory: ProcessFiles.value(of: "MemTotal", in: text("/proc/meminfo")),
            kernel: text("/proc/sys/kernel/osrelease").split(separator: "\n").first
                .map(String.init),
            loadAverage: load.compactMap { Double($0) })
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}
