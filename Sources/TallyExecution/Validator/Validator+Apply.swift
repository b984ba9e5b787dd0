import TallyPrimitives
import TallyState
import TallyTransactions

extension ValidatorOperation {
    /// Where the operation is handled: all stakes are on the beacon (STAKE-1).
    func home(of sender: Address) -> OperationHome { .beacon }
}

extension BlockExecutor {
    /// Handles an operation whose value has been taken from its sender: all of its effects, or none
    /// and the reason.
    mutating func handle(
        _ operation: ValidatorOperation, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        switch operation {
        case .stakeRole(let role, let termDays, _): try placeStake(role, termDays, call)
        case .renewStake(let termDays): try renewStake(termDays, call)
        case .unstake: try unstake(call)
        case .heartbeat: try recordHeartbeat(call)
        case .submitEvidence(let evidence): try acceptEvidence(evidence)
        case .impeach(let accused): try impeach(accused, call)
        case .claimRewards: try claimRewards(call)
        }
    }

    /// Runs an entry whose time has come.
    mutating func run(_ due: ValidatorDue, _ entry: DueEntry) throws(ExecutionError) {
        switch due {
        case .termEnd(let id): try endTerm(of: id)
        case .watch(let id): try watch(id)
        case .elect: try elect()
        }
    }

    // MARK: Objects

    mutating func roleStake(of owner: Address) throws(ExecutionError) -> RoleStake? {
        guard let object = try state.object(RoleStake.key(of: owner)) else { return nil }
        do throws(RLPError) {
            return try RoleStake(object)
        } catch { throw .corruptObject(.validator, error) }
    }

    mutating func activeStake(of owner: Address) throws(ExecutionError) -> RoleStake? {
        guard let stake = try roleStake(of: owner), stake.isActive else { return nil }
        return stake
    }

    mutating func store(_ stake: RoleStake) throws(ExecutionError) {
        try state.set(RoleStake.key(of: stake.owner), stake.object)
    }

    mutating func roll(of role: StakeRole) throws(ExecutionError) -> RoleRoll {
        guard let object = try state.object(RoleRoll.key(of: role)) else { return RoleRoll(role) }
        do throws(RLPError) {
            return try RoleRoll(object)
        } catch { throw .corruptObject(.meta, error) }
    }

    mutating func store(_ roll: RoleRoll) throws(ExecutionError) {
        try state.set(RoleRoll.key(of: roll.role), roll.object)
    }

    func rule(of role: StakeRole) throws(ExecutionError) -> RoleRule {
        let economy = try economy()
        return switch role {
        case .validator: economy.validators
        case .router: economy.routers
        }
    }

    mutating func emit(_ event: ValidatorEvent) { events.append(.compute(.validator(event))) }

    /// Queues an entry of the family on this endpoint.
    mutating func queue(_ due: ValidatorDue, at time: BeaconTime) throws(ExecutionError) {
        _ = try enqueue(.validator(due), value: .zero, at: time, to: context.endpoint)
    }
}
