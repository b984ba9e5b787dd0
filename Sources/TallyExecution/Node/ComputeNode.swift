package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// A computing machine and its account's part in the rewards (NODE-1). One for each account, on the
/// account's shard. The money of the object is what is left of the stake.
package struct ComputeNode: Hashable, Sendable {
    package let owner: Address
    /// The machine's public key.
    package var key: Hash32
    /// Hash of what the owner says of the machine.
    package var spec: Hash32
    package var state: NodeState
    package var rewards = RewardAccount()
    package var stake: NodeStake?
    package var outage: NodeOutage
    package var reputation = NodeReputation()
    /// Rounds begun: the number of the last one.
    package var rounds: UInt64 = 0

    package var id: ObjectID { .node(owner) }

    package static func objectKey(of owner: Address) -> ObjectKey {
        ObjectKey(.node, key: owner.bytes)
    }

    /// What a shared pool counts, from the next epoch on (NODE-7).
    package func weight(_ multipliers: StakeMultipliers) -> RewardWeight {
        switch state {
        case .active(let power): multipliers.weight(of: power, termDays: stake?.termDays)
        case .pending, .offline, .retired: .zero
        }
    }

    /// A time and milliseconds more, at most the end of all time.
    static func time(_ time: BeaconTime, plus milliseconds: UInt64) -> BeaconTime {
        let (sum, overflow) = time.milliseconds.addingReportingOverflow(milliseconds)
        return BeaconTime(milliseconds: overflow ? .max : sum)
    }
}

/// Life cycle of a compute node (NODE-3).
package enum NodeState: Hashable, Sendable {
    /// Registered, and not measured yet.
    case pending
    /// With the power of the last round that measured it.
    case active(ComputePower)
    /// Missed a round, and has not passed one since.
    case offline(since: BeaconTime, ComputePower)
    /// Ended. What it has earned can still be claimed, and its account may register again.
    case retired

    package var isRetired: Bool { self == .retired }

    /// After registering; `nil` where there is a node already.
    package func registered() -> NodeState? {
        switch self {
        case .retired: .pending
        case .pending, .active, .offline: nil
        }
    }

    /// After a round that measured it.
    package func measured(_ power: ComputePower) -> NodeState? {
        switch self {
        case .pending, .active, .offline: .active(power)
        case .retired: nil
        }
    }

    /// After a missed round.
    package func missed(at time: BeaconTime) -> NodeState? {
        switch self {
        case .pending: .pending
        case .active(let power): .offline(since: time, power)
        case .offline: self
        case .retired: nil
        }
    }

    /// After its end.
    package func ended() -> NodeState? {
        switch self {
        case .pending, .active, .offline: .retired
        case .retired: nil
        }
    }
}

/// What a compute node has staked (NODE-5).
package struct NodeStake: Hashable, Sendable {
    /// What penalties left of it: the money of the object.
    package var amount: Amount
    /// What penalties are computed from (ECON-14).
    package let staked: Amount
    package let termDays: UInt32
    package let since: BeaconTime
    package let until: BeaconTime
    /// Number of the due entry that releases it.
    package let release: UInt64
}

/// Whether a node is seen, and what was charged for the time it was not (NODE-6).
package struct NodeOutage: Hashable, Sendable {
    /// When the last round was opened that it answered.
    package var lastSeen: BeaconTime
    /// Whole steps of the outage at hand that have been charged.
    package var charged: UInt64 = 0
    /// Rounds missed since the last one that it answered.
    package var missedInARow: UInt32 = 0

    package init(lastSeen: BeaconTime) { self.lastSeen = lastSeen }
}

/// What a node did so far. Only grows.
package struct NodeReputation: Hashable, Sendable {
    /// Rounds.
    package var passed: UInt64 = 0
    package var missed: UInt64 = 0
    /// Results of jobs.
    package var deliveries: UInt64 = 0
    package var failures: UInt64 = 0

    package init() {}
}
