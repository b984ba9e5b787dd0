import BenchSupport
import Foundation
import TallyBench
import TallyClient

extension MachineEnvironment {
    /// What the figures were measured on, with what `tools/bench` knows of the build.
    static func json() -> JSON {
        let machine = current
        return [
            "cpu": text(machine.cpu), "cores": JSON(machine.cores),
            "memory": text(machine.memory), "kernel": text(machine.kernel),
            "swift": text(ProcessInfo.processInfo.environment["BENCH_SWIFT"]),
            "commit": text(ProcessInfo.processInfo.environment["BENCH_COMMIT"]),
            "loadAverage": .array(machine.loadAverage.map { .figure($0) }),
            "date": .string(Date().ISO8601Format()),
        ]
    }

    /// What is not known is null.
    private static func text(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
}
