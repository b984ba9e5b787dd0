/// What `tally bench run` found: `results.json` (BENCH-20).
package struct BenchResults: Codable, Hashable, Sendable {
    package static let schemaName = "tally-bench"
    package static let schemaVersion = 1

    package var schema = schemaName
    package var version = schemaVersion
    package var program: String
    package var date: String
    package var environment: MachineEnvironment
    package var target: Target
    package var load: LoadOptions
    package var workload: LoadShape
    package var repetitions: [Repetition]
    /// By the name of a `Figure`.
    package var summary: [String: Spread]
    package var search: [SearchStep]?

    package struct Target: Codable, Hashable, Sendable {
        /// `dev`, `localnet` or `rpc`.
        package var kind: String
        package var nodes: [String]
        package var shards: Int
        /// Seconds between kills.
        package var killEvery: Double?

        package init(kind: String, nodes: [String], shards: Int, killEvery: Double? = nil) {
            self.kind = kind
            self.nodes = nodes
            self.shards = shards
            self.killEvery = killEvery
        }
    }

    /// Median, least and most of the repetitions.
    package struct Spread: Codable, Hashable, Sendable {
        package var median: Double
        package var least: Double
        package var most: Double

        package init(median: Double, least: Double, most: Double) {
            self.median = median
            self.least = least
            self.most = most
        }

        package init(_ samples: Samples) {
            self.init(median: samples.median, least: samples.least, most: samples.most)
        }
    }

    /// A rate that `--find-max` tried.
    package struct SearchStep: Codable, Hashable, Sendable {
        package var rate: Double
        package var finalPerSecond: Double
        package var isHeld: Bool
        package var reason: String?
    }
}

/// One run of the load.
package struct Repetition: Codable, Hashable, Sendable {
    package var stages: Stages
    package var rates: Rates
    package var counts: Counts
    package var sustained: Sustained
    package var costs: Costs
    package var generator: Generator
    package var conservation: Conservation
    package var presence: [NodePresence]
    package var seconds: [Second]
    package var events: [Event]
    /// Why the run says nothing; empty for a valid one.
    package var invalid: [String]
    /// What must not happen; empty for a sound ledger.
    package var faults: [String]

    /// Milliseconds from when a transaction was meant to be sent (BENCH-3).
    package struct Stages: Codable, Hashable, Sendable {
        package var accepted: Stage
        package var included: Stage
        package var final: Stage
        package var settled: Stage
    }

    package struct Stage: Codable, Hashable, Sendable {
        package var quantiles: Quantiles
        /// Milliseconds at each of `curvePercentiles`.
        package var curve: [Double]

        package static let curvePercentiles = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100]

        package init(_ histogram: LatencyHistogram) {
            quantiles = histogram.quantiles
            curve = Self.curvePercentiles.map { histogram.milliseconds(at: $0) }
        }
    }

    /// A second, in the seconds that count.
    package struct Rates: Codable, Hashable, Sendable {
        package var offered: Double
        package var accepted: Double
        package var final: Double
        package var settled: Double
    }

    /// Of the whole run.
    package struct Counts: Codable, Hashable, Sendable {
        package var offered: Int
        package var acknowledged: Int
        package var final: Int
        package var settled: Int
        package var crossShard: Int
        /// Refused for good, or never final.
        package var failed: Int
        /// In a block, but without effect.
        package var unsuccessful: Int
        package var resubmitted: Int
        package var failovers: Int
        package var refusals: [String: Int]
        package var retries: [String: Int]
    }

    /// BENCH-7
    package struct Sustained: Codable, Hashable, Sendable {
        package var holds: Bool
        package var seconds: Double
        /// Transactions a second by which the backlog grows.
        package var slope: Double
        package var slopeError: Double
        /// Whether the backlog does, by more than chance.
        package var grows: Bool
        package var failureRatio: Double
        package var reason: String?
    }

    /// Of all watched processes, by each final transaction; `null` where nothing is known.
    package struct Costs: Codable, Hashable, Sendable {
        package var cpuMicroseconds: Double?
        package var bytesWritten: Double?
        package var fsyncs: Double?
    }

    package struct Generator: Codable, Hashable, Sendable {
        package var cpuSeconds: Double
        package var cpuMicroseconds: Double
        /// Part of the transactions that were more than 10 ms late.
        package var lateShare: Double
        package var worstLagMilliseconds: Double
        package var signingSeconds: Double
    }

    /// In base units, as decimal text (BENCH-8).
    package struct Conservation: Codable, Hashable, Sendable {
        package var before: String
        package var after: String
        package var fees: String
        package var inFlight: String
        package var holds: Bool
    }

    package struct Second: Codable, Hashable, Sendable {
        package var second: Int
        package var offered: Int
        package var accepted: Int
        package var final: Int
        package var settled: Int
        package var failed: Int
        package var backlog: Int
        /// Milliseconds of what became final in the second; `null` when nothing did.
        package var p50: Double?
        package var p99: Double?
        package var processes: [ProcessUse]
    }

    package struct Event: Codable, Hashable, Sendable {
        package var second: Double
        package var text: String

        package init(second: Double, text: String) {
            self.second = second
            self.text = text
        }
    }
}

/// The figures that are compared between two results.
package enum Figure: String, CaseIterable, Sendable {
    case finalPerSecond, settledPerSecond
    case acceptedP50, acceptedP99, finalP50, finalP99, settledP99
    case cpuMicroseconds, bytesWritten

    package var unit: String {
        switch self {
        case .finalPerSecond, .settledPerSecond: "/s"
        case .acceptedP50, .acceptedP99, .finalP50, .finalP99, .settledP99: "ms"
        case .cpuMicroseconds: "µs"
        case .bytesWritten: "B"
        }
    }

    package var isBetterHigh: Bool {
        switch self {
        case .finalPerSecond, .settledPerSecond: true
        case .acceptedP50, .acceptedP99, .finalP50, .finalP99, .settledP99, .cpuMicroseconds,
            .bytesWritten:
            false
        }
    }

    func value(_ repetition: Repetition) -> Double? {
        switch self {
        case .finalPerSecond: repetition.rates.final
        case .settledPerSecond: repetition.rates.settled
        case .acceptedP50: repetition.stages.accepted.quantiles.p50
        case .acceptedP99: repetition.stages.accepted.quantiles.p99
        case .finalP50: repetition.stages.final.quantiles.p50
        case .finalP99: repetition.stages.final.quantiles.p99
        case .settledP99: repetition.stages.settled.quantiles.p99
        case .cpuMicroseconds: repetition.costs.cpuMicroseconds
        case .bytesWritten: repetition.costs.bytesWritten
        }
    }

    /// Of the repetitions that are valid.
    package static func summary(_ repetitions: [Repetition]) -> [String: BenchResults.Spread] {
        let valid = repetitions.filter(\.invalid.isEmpty)
        var summary: [String: BenchResults.Spread] = [:]
        for figure in allCases {
            let values = valid.compactMap(figure.value)
            guard !values.isEmpty, values.count == valid.count else { continue }
            summary[figure.rawValue] = BenchResults.Spread(Samples(values))
        }
        return summary
    }
}
