import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

// RPC-52: numbers of phases are those of STAKE-3.

extension CallView {
    /// `Specs/abi/validator.json`.
    static let validators: [CallView] = [
        CallView("stakeOf", .address("owner"), of: ObjectPlace.stake, roleStake) { $0 },
        CallView("rewardOf", .address("owner"), reward) {
            (snapshot, owner) throws(RPCFailure) in
            guard let stake = try snapshot.read(.stake(of: owner)) else { return nil }
            guard let claimable = try snapshot.claimable(stake) else {
                throw RPCFailure(ReadError.corruptRow(database: "buckets"))
            }
            return Reward(claimable: claimable, weight: stake.rewards.next)
        },
        CallView("stakersOf", .role("role"), of: ObjectPlace.roll, stakers) { $0 },
        CallView("electedSet", .none, of: { ObjectPlace.electedSet }, electedSet) { $0 },
        CallView("validators", .none, [.addresses("validators") { $0 }]) {
            (snapshot, _) throws(RPCFailure) in snapshot.view.validators
        },
    ]

    private static let roleStake: [CallOutput<RoleStake>] = [
        .uint8("state") { $0.phase.number }, .uint8("role") { $0.role.rawValue },
        .id("stake") { $0.id }, .amount("amount") { $0.left }, .amount("staked") { $0.staked },
        .uint32("termDays") { $0.termDays }, .time("since") { $0.since },
        .time("until") { $0.until }, .uint32("renewals") { $0.renewals },
        .time("ended") { $0.phase.ended }, .uint8("reason") { $0.phase.reason?.rawValue },
        .time("lastSeen") { $0.lastSeen }, .uint32("votes") { UInt32($0.votes.count) },
        .uint32("offences") { UInt32($0.offences.count) },
    ]

    private static let stakers: [CallOutput<RoleRoll>] = [
        .addresses("owners") { $0.entries.map(\.owner) },
        .amounts("amounts") { $0.entries.map(\.amount) },
    ]

    private static let electedSet: [CallOutput<ElectedSet>] = [
        .uint64("epoch") { $0.epoch }, .addresses("members") { $0.validators },
        .bytes32("seed") { $0.seed },
    ]
}

extension RoleStake.Phase {
    fileprivate var number: UInt8 {
        switch self {
        case .active: 1
        case .renewed: 2
        case .released: 3
        case .forfeited: 4
        }
    }

    fileprivate var ended: BeaconTime? {
        switch self {
        case .active, .renewed: nil
        case .released(let time), .forfeited(_, let time): time
        }
    }

    fileprivate var reason: ForfeitReason? {
        switch self {
        case .forfeited(let reason, _): reason
        case .active, .renewed, .released: nil
        }
    }
}
