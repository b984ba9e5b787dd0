import TallyEngine
import TallyExecution
import TallyPrimitives
import TallyTransactions

// RPC-52: numbers of states are those of the objects' encoding.

extension CallView {
    /// `Specs/abi/node.json`.
    static let nodes: [CallView] = [
        CallView("nodeOf", .address("owner"), of: ObjectPlace.node, node) { $0 },
        CallView("stakeOf", .address("owner"), of: ObjectPlace.node, stake) { $0.stake },
        CallView("rewardOf", .address("owner"), reward) {
            (snapshot, owner) throws(RPCFailure) in
            guard let node = try snapshot.read(.node(of: owner)) else { return nil }
            guard let claimable = try snapshot.claimable(node) else {
                throw RPCFailure(ReadError.corruptRow(database: "buckets"))
            }
            return Reward(claimable: claimable, weight: node.rewards.next)
        },
    ]

    private static let node: [CallOutput<ComputeNode>] = [
        .uint8("state") { $0.state.number },
        .uint64("power") { $0.state.power?.tenThousandths },
        .time("offlineSince") { $0.state.offlineSince },
        .bytes32("key") { $0.key }, .bytes32("spec") { $0.spec },
        .uint64("rounds") { $0.rounds }, .time("lastSeen") { $0.outage.lastSeen },
        .uint32("missedInARow") { $0.outage.missedInARow },
        .uint64("passed") { $0.reputation.passed }, .uint64("missed") { $0.reputation.missed },
        .uint64("deliveries") { $0.reputation.deliveries },
        .uint64("failures") { $0.reputation.failures },
    ]

    private static let stake: [CallOutput<NodeStake>] = [
        .amount("amount") { $0.amount }, .amount("staked") { $0.staked },
        .uint32("termDays") { $0.termDays }, .time("since") { $0.since },
        .time("until") { $0.until },
    ]

    /// Of a node, or a stake for a role.
    struct Reward {
        let claimable: Amount
        let weight: RewardWeight
    }

    static let reward: [CallOutput<Reward>] = [
        .amount("claimable") { $0.claimable }, .uint128("weight") { $0.weight.units },
    ]
}

extension NodeState {
    fileprivate var number: UInt8 {
        switch self {
        case .pending: 1
        case .active: 2
        case .offline: 3
        case .retired: 4
        }
    }

    fileprivate var power: ComputePower? {
        switch self {
        case .active(let power), .offline(_, let power): power
        case .pending, .retired: nil
        }
    }

    fileprivate var offlineSince: BeaconTime? {
        switch self {
        case .offline(let since, _): since
        case .pending, .active, .retired: nil
        }
    }
}

extension CallView {
    /// `Specs/abi/proof.json`.
    static let proofs: [CallView] = [
        CallView("roundOf", .address("owner"), of: ObjectPlace.round, round) { $0 },
        CallView("lastRoundOf", .address("owner"), of: ObjectPlace.round, outcome) { $0.last },
        CallView("attestersOf", .address("owner"), of: ObjectPlace.round, attesters) {
            $0.state.draw?.attesters
        },
    ]

    private static let round: [CallOutput<ProofRound>] = [
        .uint8("state") { $0.state.number }, .uint64("round") { $0.number },
        .time("next") { $0.state.next }, .uint64("drawFrom") { $0.state.drawFrom },
        .bytes32("seed") { $0.state.opening?.seed }, .time("opened") { $0.state.opening?.at },
        .time("commitBy") { $0.state.opening?.deadline },
        .bytes32("root") { $0.state.commitment?.root },
        .time("committed") { $0.state.commitment?.at },
        .bytes32("drawSeed") { $0.state.draw?.seed },
        .time("revealBy") { $0.state.draw?.deadline },
        .time("attestBy") { $0.state.attestBy },
    ]

    private static let outcome: [CallOutput<RoundOutcome>] = [
        .uint8("outcome") { $0.number }, .uint64("milliseconds") { $0.measured?.milliseconds },
        .uint64("power") { $0.measured?.power.tenThousandths },
    ]

    private static let attesters: [CallOutput<[RoundAttester]>] = [
        .addresses("attesters") { $0.map(\.address) },
        // 0 until it has attested.
        .numbers("milliseconds") { $0.map { $0.milliseconds ?? 0 } },
    ]
}

extension RoundState {
    fileprivate var number: UInt8 {
        switch self {
        case .idle: 1
        case .bound: 2
        case .open: 3
        case .committed: 4
        case .drawn: 5
        case .revealed: 6
        }
    }

    fileprivate var next: BeaconTime? {
        switch self {
        case .idle(let next): next
        case .bound, .open, .committed, .drawn, .revealed: nil
        }
    }

    /// The seed that is waited for.
    fileprivate var drawFrom: UInt64? {
        switch self {
        case .bound(let seed): seed
        case .committed(_, let commitment): commitment.drawFrom
        case .idle, .open, .drawn, .revealed: nil
        }
    }

    fileprivate var commitment: RoundCommitment? {
        switch self {
        case .idle, .bound, .open: nil
        case .committed(_, let commitment), .drawn(_, let commitment, _),
            .revealed(_, let commitment, _, _):
            commitment
        }
    }

    fileprivate var draw: RoundDraw? {
        switch self {
        case .idle, .bound, .open, .committed: nil
        case .drawn(_, _, let draw), .revealed(_, _, let draw, _): draw
        }
    }

    fileprivate var attestBy: BeaconTime? {
        switch self {
        case .revealed(_, _, _, let deadline): deadline
        case .idle, .bound, .open, .committed, .drawn: nil
        }
    }
}

extension RoundOutcome {
    fileprivate var number: UInt8 {
        switch self {
        case .attested: 1
        case .void: 2
        case .missed: 3
        }
    }

    fileprivate var measured: (milliseconds: UInt64, power: ComputePower)? {
        switch self {
        case .attested(let milliseconds, let power): (milliseconds, power)
        case .void, .missed: nil
        }
    }
}
