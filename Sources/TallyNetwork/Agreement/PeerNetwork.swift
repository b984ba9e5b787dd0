import Synchronization
package import TallyConsensus
package import TallyEngine
package import TallyPrimitives
package import TallySharding

/// The beacon's way to other nodes: its messages go to peers, what these send is checked and given to
/// it (NET-9 to NET-13).
///
/// Made before the engine, which is opened with it; `run` joins them until `stop`. Each peer has one
/// task, which authenticates in order and outside the beacon.
package final class PeerNetwork: BeaconNetwork {
    package let transport: PeerTransport
    let authenticator: Authenticator<RecoverableScheme, PeerBlockReader>
    let reader: PeerBlockReader
    /// What the intake found good.
    let transactions: KnownTransactions
    private let state = Mutex(State())
    /// There are blocks to build, judge or apply.
    let jobs: Signal
    /// A FINAL, or another message, that was kept may have its turn.
    let turns: Signal
    /// Batches of transactions that wait for the intake.
    let gossip: AsyncStream<Batch>
    let gossipInput: AsyncStream<Batch>.Continuation
    private let clock: any NodeClock

    private struct State: Sendable {
        var bodies = BodyRequests()
        var catchUp = CatchUp()
        var ahead = MessagesAhead()
        /// How many times a peer was chosen for FINALs.
        var asks = 0
        /// Not said yet to all.
        var head: Ibft.Head?
        var lastHead: Duration?
        /// Blocks of the newest proposals that were sent: those of two open heights and their rounds.
        var proposed: [Hash32] = []

        /// - Returns: whether it is proposed for the first time.
        mutating func proposes(_ digest: Hash32) -> Bool {
            guard !proposed.contains(digest) else { return false }
            proposed.append(digest)
            if proposed.count > 8 { proposed.removeFirst() }
            return true
        }
    }

    /// Transactions, and who sent them.
    struct Batch: Sendable {
        let raws: [[UInt8]]
        let link: PeerLink
    }

    /// Batches that wait: what is more is dropped (NET-17).
    private static let waitingBatches = 64

    package init(_ transport: PeerTransport, chain: ChainIdentity, clock: any NodeClock) {
        self.transport = transport
        self.clock = clock
        transactions = KnownTransactions(clock: clock)
        reader = LedgerBlockReader(senders: CachedSenders(transactions, chainID: chain.chainID))
        authenticator = Authenticator(
            chain: chain, limits: transport.limits.messages, scheme: RecoverableScheme(),
            reader: reader)
        jobs = Signal()
        turns = Signal()
        (gossip, gossipInput) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingOldest(Self.waitingBatches))
    }

    // MARK: BeaconNetwork

    package func broadcast(_ message: Message) { broadcast(PeerFrame(message)) }

    /// NET-28: whole to those who may lack its transactions, and whenever it is sent again.
    package func broadcast(_ proposal: Proposal, _ block: BeaconBlock) {
        let isNew = state.withLock { $0.proposes(proposal.block.digest) }
        let limits = transport.limits
        guard isNew, block.transactionCount >= limits.leastNamed else {
            return broadcast(.proposal(proposal))
        }
        let isNamed = transactions.areKnown(block.transactionHashes, for: limits.spreading)
        guard isNamed.count(where: \.self) >= limits.leastNamed else {
            return broadcast(.proposal(proposal))
        }
        let outline = OutlinedProposal.wire(proposal, BlockOutline(block, isNamed: isNamed))
        broadcast(.outline(outline)) { $0.identity.role == .validator }
        broadcast(PeerFrame(.proposal(proposal))) { $0.identity.role == .observer }
    }

    package func send(_ message: Message, to peer: Address) {
        transport.link(to: peer)?.send(PeerFrame(message))
    }

    package func request(_ body: Ibft.BodyRequest) {
        let peer = state.withLock {
            $0.bodies.start(body.digest, holders: body.holders, isConnected: isConnected)
        }
        if let peer { ask(peer, for: body.digest) }
    }

    package func requestFinals(from: Height, through: Height) {
        guard let peer = nextPeer() else { return }
        fetch(state.withLock { $0.catchUp.ask(from: from, through: through, of: peer) })
    }

    package var known: KnownTransactions? { transactions }

    package func announce(_ head: Ibft.Head) {
        transport.setHeight(head.height)
        state.withLock { $0.head = head }
        // The beacon knows the next set by the time that it is asked.
        turns.give()
    }

    package func announce(_ head: Ibft.Head, to peer: Address) {
        transport.link(to: peer)?.send(.head(head.height, digest: head.digest))
    }

    package func forward(_ transactions: [[UInt8]]) {
        // NET-13
        for batch in batches(of: transactions) {
            broadcast(.transactions(batch)) { $0.identity.role == .validator }
        }
    }

    /// Frames that hold these transactions, in order (NET-7).
    func batches(of transactions: [[UInt8]]) -> [[[UInt8]]] {
        let limits = transport.limits
        var batches: [[[UInt8]]] = []
        var batch: [[UInt8]] = []
        var bytes = 0
        for raw in transactions {
            // Headers of the list and of each item are at most 5 bytes.
            let count = raw.count + 5
            if bytes + count > limits.batchBytes - 5 || batch.count == limits.batchTransactions {
                batches.append(batch)
                (batch, bytes) = ([], 0)
            }
            batch.append(raw)
            bytes += count
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }

    /// - Parameter frame: made only if somebody is to get it: a proposal's is as long as its body.
    private func broadcast(
        _ frame: @autoclosure () -> PeerFrame, to isMeant: (PeerLink) -> Bool = { _ in true }
    ) {
        let links = transport.links.filter(isMeant)
        guard !links.isEmpty else { return }
        let frame = frame()
        let bytes = frame.bytes
        for link in links { link.send(bytes, frame.kind.trafficClass) }
    }

    /// Says how far we are, if it is time to (NET-12).
    func look() {
        let now = clock.uptime()
        let head: Ibft.Head? = state.withLock { state in
            if let last = state.lastHead, now - last < transport.limits.headInterval { return nil }
            guard let head = state.head else { return nil }
            state.head = nil
            state.lastHead = now
            return head
        }
        if let head { broadcast(.head(head.height, digest: head.digest)) }
    }

    // MARK: Requests under way

    private func isConnected(_ peer: Address) -> Bool { transport.link(to: peer) != nil }

    func ask(_ peer: Address, for digest: Hash32) {
        transport.link(to: peer)?.send(.bodyRequest(digest))
    }

    /// What to do with the answer of a peer.
    func answered(_ digest: Hash32, by peer: Address, hasBody: Bool) -> BodyRequests.Answer {
        state.withLock {
            $0.bodies.answered(digest, by: peer, hasBody: hasBody, isConnected: isConnected)
        }
    }

    func bodyFailed(_ digest: Hash32) { state.withLock { $0.bodies.failed(digest) } }

    /// A connection is gone.
    func lost(_ peer: Address) {
        let asks = state.withLock { state in
            state.ahead.forget(peer)
            return state.bodies.lost(peer, isConnected: isConnected)
        }
        for (digest, next) in asks { ask(next, for: digest) }
    }

    /// Another one each time.
    private func nextPeer() -> Address? {
        let links = transport.links
        guard !links.isEmpty else { return nil }
        return state.withLock { state in
            defer { state.asks += 1 }
            return links[state.asks % links.count].address
        }
    }

    private func fetch(_ request: CatchUp.Request?) {
        guard let request else { return }
        transport.link(to: request.peer)?.send(
            .finalsRequest(first: request.first, last: request.last))
    }

    /// Keeps a FINAL whose turn has not come.
    func keep(_ wire: [UInt8], from peer: Address, head: Height) -> Bool {
        let isKept = state.withLock { $0.catchUp.keep(wire, from: peer, head: head) }
        if isKept { turns.give() }
        return isKept
    }

    /// Keeps a message of a height whose set is not known yet (NET-29).
    func keepAhead(_ wire: [UInt8], of height: Height, from peer: Address, known: Height) {
        let isKept = state.withLock {
            $0.ahead.keep(wire, of: height, from: peer, known: known)
        }
        // Its set may have become known meanwhile.
        if isKept { turns.give() }
    }

    func takeAhead(through known: Height) -> [MessagesAhead.Kept] {
        state.withLock { $0.ahead.take(through: known) }
    }

    /// The FINAL whose turn it is; asks for more when its window is over.
    func nextFinal(after head: Height) -> [UInt8]? {
        let (wire, isPassed) = state.withLock { state in
            let wire = state.catchUp.next(after: head)
            return (wire, wire == nil && state.catchUp.isPassed(by: head))
        }
        if isPassed, let peer = nextPeer() {
            fetch(state.withLock { $0.catchUp.more(after: head, of: peer) })
        }
        return wire
    }
}

/// Reads blocks of others, recovering the senders that the intake has not seen.
typealias PeerBlockReader = LedgerBlockReader<CachedSenders, InOrder>

/// Something is to be done; saying it twice before it is done says nothing more.
struct Signal: Sendable {
    let values: AsyncStream<Void>
    private let input: AsyncStream<Void>.Continuation

    init() { (values, input) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func give() { input.yield() }
}
