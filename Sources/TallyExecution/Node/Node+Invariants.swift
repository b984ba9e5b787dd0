import TallyPrimitives
import TallyState
import TallyTransactions

/// What always holds of the Node family's objects, recounted from scratch.
extension StateAudit {
    /// - Returns: due entries that the objects have reserved (RCPT-11).
    /// - Throws: the first invariant that does not hold.
    func checkNode() throws(InvariantViolation) -> Int {
        let nodes = objects.filter { $0.key.kind == .node }
        guard !nodes.isEmpty else { return 0 }
        guard context.endpoint != context.layout.beacon else {
            throw .broken(.node, what: "lies on the beacon")
        }
        let releases = due.filter {
            if case .node = $0.action { true } else { false }
        }
        for (key, object) in nodes {
            let node: ComputeNode
            do throws(RLPError) { node = try ComputeNode(object) } catch {
                throw .undecodable(.node, error)
            }
            guard ComputeNode.objectKey(of: node.owner) == key,
                context.home(of: node.owner) == context.endpoint
            else { throw .broken(.node, what: "lies under another key than its own") }
            try check(node, releases)
        }
        return 0
    }

    /// The nodes' parts in the rewards.
    func rewardAccounts() throws(InvariantViolation) -> [RewardAccount] {
        var accounts: [RewardAccount] = []
        for object in all(.node) {
            do throws(RLPError) { accounts.append(try ComputeNode(object).rewards) } catch {
                throw .undecodable(.node, error)
            }
        }
        return accounts
    }

    private func check(
        _ node: ComputeNode, _ releases: [DueEntry]
    ) throws(InvariantViolation) {
        let hasRounds = object(ProofRound.objectKey(of: node.owner)) != nil
        guard hasRounds != node.state.isRetired else {
            throw .broken(.node, what: "has rounds although retired, or none although not")
        }
        // NODE-7
        if let economy = context.parameters.economy {
            guard node.rewards.next == node.weight(economy.multipliers) else {
                throw .broken(.node, what: "has another weight than its power and stake give")
            }
        }
        guard let stake = node.stake else { return }
        guard !node.state.isRetired else { throw .broken(.node, what: "retired with a stake") }
        guard stake.amount <= stake.staked, stake.since < stake.until else {
            throw .broken(.node, what: "has more at stake than was staked, or no term")
        }
        guard
            releases.contains(where: {
                $0.key.sequence == stake.release && $0.key.time == stake.until
                    && $0.key.destination == context.endpoint && $0.value.isZero
                    && $0.action == .node(.release(node: node.owner))
            })
        else { throw .broken(.node, what: "has a stake that nothing releases") }
    }
}
