import TallyPrimitives
import TallyTransactions

extension NodeOperation {
    /// Where the operation is handled: a node lives on its owner's shard.
    func home(of sender: Address) -> OperationHome {
        switch self {
        case .register, .update, .deregister, .stake, .unstake, .claimRewards: .sender
        }
    }
}

extension BlockExecutor {
    /// Handles an operation whose value has been taken from its sender: all of its effects, or none
    /// and the reason.
    mutating func handle(
        _ operation: NodeOperation, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        switch operation {
        case .register(let key, let spec): try register(call.sender, key: key, spec: spec)
        case .update(let key, let spec): try update(call.sender, key: key, spec: spec)
        case .deregister: try deregister(call.sender)
        case .stake(let days, let value): try stake(call.sender, value, termDays: days)
        case .unstake: try unstake(call.sender)
        case .claimRewards: try claimRewards(call.sender)
        }
    }

    // NODE-4: one node an account. A retired one begins again with what it did so far.
    private mutating func register(
        _ owner: Address, key: Hash32, spec: Hash32
    ) throws(ExecutionError) -> ExecutionFailure? {
        let known = try node(of: owner)
        var node =
            known
            ?? ComputeNode(
                owner: owner, key: key, spec: spec, state: .pending,
                outage: NodeOutage(lastSeen: context.time))
        if known != nil {
            guard let state = node.state.registered() else {
                return .node(.alreadyRegistered)
            }
            node.state = state
            node.key = key
            node.spec = spec
            node.outage = NodeOutage(lastSeen: context.time)
        }
        guard hasDueRoom(for: 1) else { return .dueQueueFull }
        emit(.registered(owner, key: key, spec: spec))
        try beginRounds(of: &node)
        try store(node)
        return nil
    }

    private mutating func update(
        _ owner: Address, key: Hash32, spec: Hash32
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var node = try registeredNode(of: owner) else { return .node(.notRegistered) }
        node.key = key
        node.spec = spec
        try store(node)
        emit(.updated(owner, key: key, spec: spec))
        return nil
    }

    private mutating func deregister(
        _ owner: Address
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var node = try registeredNode(of: owner) else { return .node(.notRegistered) }
        guard node.stake == nil else { return .node(.stakeHeld) }
        try retire(&node)
        try store(node)
        return nil
    }

    // NODE-5
    private mutating func stake(
        _ owner: Address, _ value: Amount, termDays: UInt32
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var node = try registeredNode(of: owner) else { return .node(.notRegistered) }
        guard node.stake == nil else { return .node(.alreadyStaked) }
        guard case .active(let power) = node.state, power > .zero else { return .node(.noPower) }
        let economy = try economy()
        switch economy.computeNodes.refusal(of: value, termDays: termDays) {
        case .stakeTooSmall: return .node(.stakeTooSmall)
        case .termTooShort: return .node(.termTooShort)
        case nil: break
        }
        do throws(EconomyError) {
            // ECON-7
            guard try value >= economy.computeStake.stake(for: power), !value.isZero else {
                return .node(.stakeTooSmall)
            }
        } catch { return .node(.stakeTooSmall) }
        guard hasDueRoom(for: 1) else { return .dueQueueFull }
        let term = UInt64(termDays) * OutagePenalty.millisecondsPerDay
        let until = ComputeNode.time(context.time, plus: term)
        let release = try enqueue(
            .node(.release(node: owner)), value: .zero, at: until, to: context.endpoint)
        node.stake = NodeStake(
            amount: value, staked: value, termDays: termDays, since: context.time, until: until,
            release: release)
        node.outage.charged = 0
        emit(.staked(owner, value: value, termDays: termDays, until: until))
        try adjustWeight(of: &node)
        try store(node)
        return nil
    }

    private mutating func unstake(
        _ owner: Address
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var node = try registeredNode(of: owner) else { return .node(.notRegistered) }
        guard let stake = node.stake else { return .node(.notStaked) }
        guard context.time >= stake.until else { return .node(.stakeLocked) }
        try release(stake, of: &node)
        try store(node)
        return nil
    }

    private mutating func claimRewards(
        _ owner: Address
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var node = try node(of: owner) else { return .node(.notRegistered) }
        guard try !settleRewards(of: &node).isZero else { return .node(.noRewards) }
        try store(node)
        return nil
    }

    /// Runs an entry whose time has come.
    mutating func run(_ due: NodeDue, _ entry: DueEntry) throws(ExecutionError) {
        switch due {
        case .release(let owner):
            // Taken back already: the entry is of a stake that is no more.
            guard var node = try node(of: owner), let stake = node.stake,
                stake.release == entry.key.sequence
            else { return }
            try release(stake, of: &node)
            try store(node)
        }
    }
}
