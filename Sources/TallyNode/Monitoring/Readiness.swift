package import TallyPrimitives

/// What readiness is judged by, taken at one moment.
package struct NodeStatus: Sendable {
    package var height: Height
    /// What the ledger's others say is final above it.
    package var lag: UInt64 = 0
    /// Time since that of the newest beacon block.
    package var headAge: Duration
    package var heartbeat: Duration
    /// Since the beacon was last seen at work.
    package var silence: Duration = .zero
    package var isDiskFull = false
    /// Validators that are connected; `nil` for a node that needs none.
    package var validatorLinks: Int?
    /// By endpoint index, the beacon's own last: why it builds no blocks, or `nil`.
    package var endpointFaults: [String?]

    package init(height: Height, headAge: Duration, heartbeat: Duration, endpointFaults: [String?])
    {
        self.height = height
        self.headAge = headAge
        self.heartbeat = heartbeat
        self.endpointFaults = endpointFaults
    }
}

/// One thing that must be well, with what is to be said of it.
package struct HealthCheck: Hashable, Sendable {
    package let name: String
    package let isGood: Bool
    package let detail: String
}

extension NodeStatus {
    /// OPS-3
    package static let longestSilence = Duration.seconds(30)
    /// OPS-6
    package static let longestLag: UInt64 = 16

    /// Three heartbeats, so that one lost proposer is no alarm, and time for rounds (OPS-7).
    package var oldestHead: Duration { heartbeat * 3 + .seconds(10) }

    /// `nil` for a node that is alive.
    package var fault: String? {
        guard silence > Self.longestSilence else { return nil }
        return "the beacon has done nothing for \(Self.seconds(silence)) s"
    }

    /// In the order in which they are shown.
    package var checks: [HealthCheck] {
        var checks = [
            HealthCheck(
                name: "alive", isGood: fault == nil, detail: fault ?? "the beacon is at work"),
            HealthCheck(
                name: "beacon", isGood: headAge <= oldestHead,
                detail: "height \(height), \(Self.seconds(headAge)) s old, "
                    + "at most \(Self.seconds(oldestHead)) s"),
            HealthCheck(
                name: "lag", isGood: lag <= Self.longestLag,
                detail: "\(lag) heights behind, at most \(Self.longestLag)"),
        ]
        if let validatorLinks {
            checks.append(
                HealthCheck(
                    name: "peers", isGood: validatorLinks > 0,
                    detail: "connected to \(validatorLinks) validators"))
        }
        checks.append(
            HealthCheck(
                name: "disk", isGood: !isDiskFull,
                detail: isDiskFull ? "full: no transactions are taken" : "has space"))
        for (index, fault) in endpointFaults.enumerated() {
            let name = index + 1 < endpointFaults.count ? "shard-\(index)" : "shard-beacon"
            checks.append(
                HealthCheck(
                    name: name, isGood: fault == nil,
                    detail: fault.map { "quarantined: \($0)" } ?? "builds blocks"))
        }
        return checks
    }

    /// With one decimal.
    private static func seconds(_ duration: Duration) -> String {
        let tenths = Int64(duration / .milliseconds(100))
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
