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
    static let all: [any Measurement.Type] = [
        Throughput.self, RPCThroughput.self, Execution.self, Delays.self, Finality.self,
        NetworkThroughput.self, Scaling.self, Disk.self, ReceiptReads.self, Restart.self,
        Postgres.self,
    ]
}
