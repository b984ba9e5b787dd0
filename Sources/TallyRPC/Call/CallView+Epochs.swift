import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding

// RPC-52

extension CallView {
    /// `Specs/abi/epochs.json`.
    static let epochs: [CallView] = [
        CallView("currentEpoch", .none, epoch) { (snapshot, _) throws(RPCFailure) in
            CurrentEpoch(snapshot)
        },
        CallView("emission", .none, emission) { (snapshot, _) throws(RPCFailure) in
            try snapshot.emission()
        },
        CallView("rewardPoolOf", .endpoint("endpoint"), of: ObjectPlace.rewardPool, pool) { $0 },
    ]

    private static let epoch: [CallOutput<CurrentEpoch>] = [
        .uint64("epoch") { $0.epoch }, .uint64("number") { $0.number },
        .uint64("length") { $0.length }, .time("began") { $0.began }, .time("time") { $0.time },
        .uint64("seedNumber") { $0.seed.number }, .bytes32("seed") { $0.seed.value },
    ]

    private static let emission: [CallOutput<Emission>] = [
        .amount("nodes") { $0.nodeRewards.minted }, .amount("nodesCap") { $0.nodeRewards.cap },
        .amount("trades") { $0.tradeRewards.minted },
        .amount("tradesCap") { $0.tradeRewards.cap },
        .amount("developers") { $0.developerGrants.minted },
        .amount("developersCap") { $0.developerGrants.cap },
    ]

    private static let pool: [CallOutput<RewardPoolReading>] = [
        .uint64("nextEpoch") { $0.next }, .uint128("weight") { $0.weight.units },
        .uint256("index") { $0.index.word }, .amount("value") { $0.money },
    ]
}
