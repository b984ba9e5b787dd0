import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

// Objects against events.

extension EconomyOracle {
    /// What the block touched holds what the events leave.
    func compare(_ core: ShardCore) throws(EconomyViolation) {
        for owner in touched.nodes {
            try compare(
                core, ComputeNode.objectKey(of: owner), nodes[owner]?.stake?.left ?? 0,
                .nodeStake, "the stake of \(owner)")
            try compareReputation(core, owner)
        }
        for id in touched.orders {
            guard let order = orders[id] else { continue }
            try compare(core, JobOrder.key(id), order.escrow, .job, "the escrow of \(id)")
            for (bid, offer) in order.bids {
                try compare(
                    core, JobBid.key(order: id, bid: bid), offer.bond, .job, "the bond of \(bid)")
            }
        }
        for owner in touched.roles {
            try compare(
                core, RoleStake.key(of: owner), roles[owner]?.left ?? 0, .roleStake,
                "the stake of \(owner)")
        }
        for trade in touched.trades {
            // TRADE-6: paid once, and then nothing is owed.
            try expect(
                try object(core, OwedTrade.key(trade)) == nil, .reward,
                "\(trade) is paid and still owed")
        }
        guard here == parameters.layout.beacon, epochs.nextMint > opening else { return }
        guard let book = try object(core, EmissionBook.key).flatMap({ try? EmissionBook($0) })
        else {
            throw violation(.epoch, "the book of emissions is not readable")
        }
        try expect(book.nodes.units, is: epochs.mintedNodes, .epoch, "minted for nodes")
        try expect(book.trades.units, is: epochs.mintedTrades, .epoch, "minted for trades")
    }

    // NODE-11
    private func compareReputation(
        _ core: ShardCore, _ owner: Address
    ) throws(EconomyViolation) {
        let object = try object(core, ComputeNode.objectKey(of: owner))
        guard let node = object.flatMap({ try? ComputeNode($0) }) else {
            throw violation(.job, "the node of \(owner) is not readable")
        }
        try expect(
            node.reputation.deliveries, is: nodes[owner]?.deliveries ?? 0, .job,
            "the deliveries of \(owner)")
        try expect(
            node.reputation.failures, is: nodes[owner]?.failures ?? 0, .job,
            "the failures of \(owner)")
    }

    private func compare(
        _ core: ShardCore, _ key: ObjectKey, _ value: UInt128,
        _ subject: EconomyViolation.Subject, _ what: String
    ) throws(EconomyViolation) {
        try expect(try object(core, key)?.value.units ?? 0, is: value, subject, what)
    }

    private func object(
        _ core: ShardCore, _ key: ObjectKey
    ) throws(EconomyViolation) -> StateObject? {
        do throws(StateError) { return try core.tree.object(key, MemoryPages()) } catch {
            throw violation(.payout, "the state is not readable")
        }
    }
}
