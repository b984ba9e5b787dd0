package import TallyPrimitives
package import TallyState

// NODE-8: the encoding of a node.

extension ComputeNode {
    /// - Throws: also `.unknownValue` for money without a stake.
    package init(_ object: StateObject) throws(RLPError) {
        self = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            var node = ComputeNode(
                owner: try list.nextFixed(), key: try list.nextFixed(),
                spec: try list.nextFixed(), state: try NodeState(from: &list),
                outage: NodeOutage(lastSeen: BeaconTime(milliseconds: 0)))
            node.rewards = try RewardAccount(from: &list)
            var stake = try list.nextList()
            if !stake.isAtEnd {
                node.stake = NodeStake(
                    amount: object.value, staked: try stake.nextAmount(),
                    termDays: try stake.nextInteger(), since: try stake.nextTime(),
                    until: try stake.nextTime(), release: try stake.nextInteger())
                try stake.finish()
            } else if !object.value.isZero {
                throw .unknownValue(0)
            }
            node.outage.lastSeen = try list.nextTime()
            node.outage.charged = try list.nextInteger()
            node.outage.missedInARow = try list.nextInteger()
            node.reputation.passed = try list.nextInteger()
            node.reputation.missed = try list.nextInteger()
            node.reputation.deliveries = try list.nextInteger()
            node.reputation.failures = try list.nextInteger()
            node.rounds = try list.nextInteger()
            return node
        }
    }

    package var object: StateObject {
        let payload = RLPEncoder.list(capacity: 192) { out in
            out.append(owner)
            out.append(key)
            out.append(spec)
            state.encode(to: &out)
            rewards.encode(to: &out)
            out.list { out in
                guard let stake else { return }
                out.append(stake.staked)
                out.append(stake.termDays)
                out.append(stake.since)
                out.append(stake.until)
                out.append(stake.release)
            }
            out.append(outage.lastSeen)
            out.append(outage.charged)
            out.append(outage.missedInARow)
            out.append(reputation.passed)
            out.append(reputation.missed)
            out.append(reputation.deliveries)
            out.append(reputation.failures)
            out.append(rounds)
        }
        return StateObject(
            kind: .node, value: stake?.amount ?? .zero, payload: Payload(payload))
    }
}

extension NodeState: RLPValue {
    private enum Tag: UInt8 {
        case pending = 1
        case active, offline, retired
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .pending: out.append(Tag.pending.rawValue)
            case .active(let power):
                out.append(Tag.active.rawValue)
                out.append(power.tenThousandths)
            case .offline(let since, let power):
                out.append(Tag.offline.rawValue)
                out.append(since)
                out.append(power.tenThousandths)
            case .retired: out.append(Tag.retired.rawValue)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        switch try list.nextCase(Tag.self) {
        case .pending: self = .pending
        case .active: self = .active(ComputePower(tenThousandths: try list.nextInteger()))
        case .offline:
            self = .offline(
                since: try list.nextTime(), ComputePower(tenThousandths: try list.nextInteger()))
        case .retired: self = .retired
        }
        try list.finish()
    }
}
