import BenchSupport

/// One row, or a few, of the table of goals.
protocol Measurement: Sendable {
    /// What `tools/bench` is asked for.
    static var id: String { get }
    /// The lines it gives, before they are measured.
    static func kinds(_ options: BenchOptions) -> [MeasureKind]
    static func run(_ options: BenchOptions) async throws -> [Measure]
}

struct BenchOptions: Sendable {
    /// Less of everything: figures for a first look.
    var isQuick = false
    /// Also what takes many minutes.
    var isLarge = false
}

enum Measurements {
    static let all: [any Measurement.Type] = [Throughput.self, Execution.self, Disk.self]
}
