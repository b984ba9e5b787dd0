import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions
import TallyWorker

/// What a validator's account follows of the ledger: rounds in which it was drawn, votes in which it is an
/// arbiter, and how long nodes took by its own clock (WORK-8).
struct DutyWatch: Sendable {
    let account: Address
    /// Who posts hidden tasks; `nil` for nobody.
    let payer: Address?
    private var lastHeight: Height
    /// Nodes with a round at hand in which the account may have been drawn.
    private var nodes: Set<Address> = []
    private var votes: Set<ObjectID> = []
    /// The payer's orders that are not closed.
    private var own: Set<ObjectID> = []
    /// Orders that were posted and nobody was told of yet, with the time of their blocks.
    private var posted: [(id: ObjectID, at: BeaconTime)] = []
    /// When challenges were seen, in milliseconds of the own clock.
    private var opened: [Address: (round: UInt64, at: UInt64)] = [:]
    private var observed: [RoundName: UInt64] = [:]

    /// Most rounds whose times are kept: of more nodes than that, the ledger's times serve.
    private static let limit = 65_536
    /// Heights that are read one by one: a node that was away looks at the state instead.
    private static let maximumGap: UInt64 = 256
    /// Most orders that are looked at in one step: more to look like are not needed.
    private static let maximumPosted = 64

    init(
        account: Address, payer: Address?, from snapshot: LedgerSnapshot
    ) throws(ReadError) {
        self.account = account
        self.payer = payer
        lastHeight = snapshot.height
        try lookAround(snapshot)
    }

    // MARK: Watching

    /// Takes in what happened up to a snapshot.
    /// - Parameter now: milliseconds of a clock that never goes back.
    mutating func advance(to snapshot: LedgerSnapshot, now: UInt64) throws(ReadError) {
        let (first, last) = (lastHeight.value + 1, snapshot.height.value)
        guard first <= last else { return }
        lastHeight = snapshot.height
        guard last - first < Self.maximumGap else { return try lookAround(snapshot) }
        for height in first...last {
            for endpoint in snapshot.layout.endpoints {
                try read(endpoint, Height(height), snapshot, now)
            }
        }
    }

    private mutating func read(
        _ endpoint: EndpointID, _ height: Height, _ snapshot: LedgerSnapshot, _ now: UInt64
    ) throws(ReadError) {
        guard let block = try snapshot.shardBlock(endpoint, height) else { return }
        let time = block.header.time
        for event in block.systemResult?.events ?? [] { note(event, time, now) }
        for index in 0..<Int(block.transactionCount) {
            guard let transaction = try snapshot.transaction(endpoint, height, index) else {
                continue
            }
            for event in transaction.result.events { note(event, time, now) }
        }
    }

    private mutating func note(_ event: LedgerEvent, _ time: BeaconTime, _ now: UInt64) {
        switch event {
        case .compute(.proof(let event)): note(event, now)
        case .compute(.job(let event)):
            switch event.fact {
            case .arbiterDrawn where event.actor == account: votes.insert(event.order)
            case .decided: votes.remove(event.order)
            case .closed:
                votes.remove(event.order)
                own.remove(event.order)
            case .created where event.order.owner == payer: own.insert(event.order)
            case .created where payer != nil && posted.count < Self.maximumPosted:
                posted.append((event.order, time))
            default: break
            }
        default: break
        }
    }

    private mutating func note(_ event: ProofEvent, _ now: UInt64) {
        switch event {
        case .opened(let node, let round, _, _):
            guard opened.count < Self.limit else { return }
            opened[node] = (round, now)
        case .submitted(let node, _, _):
            guard let opening = opened.removeValue(forKey: node), observed.count < Self.limit
            else { return }
            observed[RoundName(node: node, number: opening.round)] = max(
                1, now - min(opening.at, now))
        case .drawn(let node, _, _, _): nodes.insert(node)
        case .measured(let node, let round, _, _), .missed(let node, let round),
            .void(let node, let round):
            nodes.remove(node)
            opened[node] = nil
            observed[RoundName(node: node, number: round)] = nil
        case .revealed, .attested, .skipped: break
        }
    }

    /// Looks for what is at hand in the state: after a start, and after being away.
    private mutating func lookAround(_ snapshot: LedgerSnapshot) throws(ReadError) {
        nodes = []
        votes = []
        own = []
        posted = []
        opened = [:]
        observed = [:]
        for shard in snapshot.layout.shards {
            try walk(.round, EndpointID(shard), snapshot) { object in
                guard let round = try? ProofRound(object) else { return }
                switch round.state {
                case .drawn, .revealed: nodes.insert(round.node)
                case .idle, .bound, .open, .committed: break
                }
            }
            try walk(.order, EndpointID(shard), snapshot) { object in
                guard let order = try? JobOrder(object) else { return }
                if order.isVoted(by: account) { votes.insert(order.id) }
                if order.payer == payer, !order.isClosed { own.insert(order.id) }
            }
        }
    }

    private func walk(
        _ kind: ObjectKind, _ endpoint: EndpointID, _ snapshot: LedgerSnapshot,
        _ body: (StateObject) -> Void
    ) throws(ReadError) {
        var start: Hash32? = .zero
        while let from = start {
            let page = try snapshot.objects(kind, of: endpoint, from: from, limit: 1_000)
            for (_, object) in page.objects { body(object) }
            start = page.next
        }
    }

    // MARK: What is at hand

    /// The duties' view of the snapshot.
    func view(
        _ snapshot: LedgerSnapshot, _ economy: EconomyParameters
    ) throws(ReadError) -> ValidatorView {
        var view = ValidatorView(
            height: snapshot.height, time: snapshot.header.time, layout: snapshot.layout,
            economy: economy, observed: observed)
        for node in nodes.sorted() {
            let home = EndpointID(snapshot.layout.home(of: node))
            if let object = try snapshot.object(ProofRound.objectKey(of: node), of: home),
                let round = try? ProofRound(object)
            {
                view.rounds.append(round)
            }
        }
        for id in votes.sorted() {
            if let order = try order(id, snapshot) { view.orders.append(order) }
        }
        let key = RoleStake.key(of: account)
        if let object = try snapshot.object(key, of: snapshot.layout.beacon) {
            view.stake = try? RoleStake(object)
        }
        return view
    }

    /// The view of those who post hidden tasks; what was posted is told once.
    /// - Parameter fee: most that the payer gives for a unit of weight.
    mutating func tasks(
        of payer: Address, fee: Amount, _ snapshot: LedgerSnapshot
    ) throws(ReadError) -> HiddenTaskView {
        var view = HiddenTaskView(
            height: snapshot.height, time: snapshot.header.time,
            balance: try snapshot.account(payer).balance, fee: fee)
        for (id, time) in posted {
            guard let order = try order(id, snapshot), !order.isClosed else { continue }
            let (end, start) = (order.terms.bidsUntil.milliseconds, time.milliseconds)
            view.posted.append(
                OrderPattern(
                    id: id, terms: order.terms, escrow: order.escrow,
                    bidding: end > start ? end - start : 0))
        }
        posted = []
        for id in own.sorted() {
            guard let order = try order(id, snapshot) else { continue }
            view.orders.append(order)
            guard case .open(let bids) = order.state else { continue }
            let home = EndpointID(snapshot.layout.home(of: id.owner))
            for bid in bids {
                guard let object = try snapshot.object(JobBid.key(order: id, bid: bid), of: home),
                    let bid = try? JobBid(object)
                else { continue }
                view.bids[id, default: []].append(bid)
            }
        }
        return view
    }

    private func order(
        _ id: ObjectID, _ snapshot: LedgerSnapshot
    ) throws(ReadError) -> JobOrder? {
        let home = EndpointID(snapshot.layout.home(of: id.owner))
        return try snapshot.object(JobOrder.key(id), of: home).flatMap { try? JobOrder($0) }
    }
}

extension JobOrder {
    fileprivate var isClosed: Bool {
        switch state {
        case .closed: true
        case .open, .active: false
        }
    }

    /// Whether an account is among those who vote on the result.
    fileprivate func isVoted(by account: Address) -> Bool {
        guard case .active(let lease) = state, case .delivered(let delivery) = lease.state,
            case .voting(let vote) = delivery.check
        else { return false }
        return vote.ballots.contains { $0.arbiter == account }
    }
}
