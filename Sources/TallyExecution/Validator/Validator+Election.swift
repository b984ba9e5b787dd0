import TallyPrimitives
import TallyState
import TallyTransactions

/// Who validates in an epoch.
extension BlockExecutor {
    mutating func electedSet() throws(ExecutionError) -> ElectedSet? {
        guard let object = try state.object(ElectedSet.key) else { return nil }
        do throws(RLPError) {
            return try ElectedSet(object)
        } catch { throw .corruptObject(.meta, error) }
    }

    /// The first stake begins the elections, which never end.
    mutating func beginElections() throws(ExecutionError) {
        let set = ElectedSet(epoch: context.epoch, validators: [], seed: context.seed.value)
        try state.set(ElectedSet.key, set.object)
        try queueElection()
    }

    // STAKE-13
    mutating func elect() throws(ExecutionError) {
        let members = StakedValidators.elected(
            try roll(of: .validator), first: try economy().firstValidators)
        if try electedSet()?.validators != members {
            let set = ElectedSet(
                epoch: context.epoch, validators: members, seed: context.seed.value)
            try state.set(ElectedSet.key, set.object)
            emit(
                .validatorsElected(
                    epoch: set.epoch, hash: set.hash, count: UInt32(members.count)))
        }
        try queueElection()
    }

    private mutating func queueElection() throws(ExecutionError) {
        try queue(.elect(epoch: context.epoch + 1), at: context.epochEnd)
    }
}
