import NIOCore
import Synchronization
import TallyEngine
import TallyPrimitives

/// What all connections share: the book, who is connected, the counts.
final class TransportCore: Sendable {
    private struct State: Sendable {
        var book: PeerBook
        /// Of the connections that are opened from now on.
        var identity: TransportIdentity
        /// Vouches for `identity`.
        var hello: PeerHello
        var list: PeerList
        var links: [ConnectionID: PeerLink] = [:]
        var peers: [Address: PeerLink] = [:]
        /// By ascending address, for who sends to all.
        var ordered: [PeerLink] = []
        var channels: [ConnectionID: any Channel] = [:]
        /// Taken, and not greeted yet.
        var strangers: Set<ConnectionID> = []
        var lastID: UInt64 = 0
        var isStopping = false

        /// After a change of `peers`.
        mutating func order() { ordered = peers.values.sorted { $0.address < $1.address } }
    }

    let limits: NetworkLimits
    private let clock: any NodeClock
    private let notify: @Sendable (PeerNotice) -> Void
    private let state: Mutex<State>
    private let counts = Mutex(TransportCounters())
    let established: AsyncStream<PeerLink>
    private let establishing: AsyncStream<PeerLink>.Continuation

    init(
        book: PeerBook, identity: TransportIdentity, hello: PeerHello, list: PeerList,
        limits: NetworkLimits,
        clock: any NodeClock, notify: @escaping @Sendable (PeerNotice) -> Void
    ) {
        self.limits = limits
        self.clock = clock
        self.notify = notify
        state = Mutex(State(book: book, identity: identity, hello: hello, list: list))
        // At most one of each peer of the list is open.
        (established, establishing) = AsyncStream.makeStream()
    }

    var now: Duration { clock.uptime() }

    /// For a connection that is opened now: its certificate, and what vouches for just that one.
    var credentials: (identity: TransportIdentity, hello: PeerHello) {
        state.withLock { ($0.identity, $0.hello) }
    }

    /// - Parameter hello: of the connection's ``credentials``: they may have been renewed meanwhile.
    func sessionContext(_ hello: PeerHello) -> PeerSession.Context {
        state.withLock {
            var hello = hello
            hello.height = $0.hello.height
            return PeerSession.Context(hello: hello, list: $0.list, limits: limits)
        }
    }

    /// NET-32: both at once.
    func renew(_ identity: TransportIdentity, _ hello: PeerHello) {
        state.withLock { state in
            var hello = hello
            hello.height = max(hello.height, state.hello.height)
            state.identity = identity
            state.hello = hello
        }
    }

    func count(_ change: (inout TransportCounters) -> Void) { counts.withLock { change(&$0) } }
    var counters: TransportCounters { counts.withLock { $0 } }

    func setHeight(_ height: Height) {
        state.withLock { $0.hello.height = max($0.hello.height, height) }
    }

    // MARK: Opening

    /// A place for a connection that was dialled; `nil` when the node stops.
    func open(_ channel: any Channel, dialled: Bool) -> ConnectionID? {
        let id: ConnectionID? = state.withLock { state in
            guard !state.isStopping, dialled || state.strangers.count < limits.strangers else {
                return nil
            }
            state.lastID += 1
            let id = ConnectionID(state.lastID)
            state.channels[id] = channel
            if !dialled { state.strangers.insert(id) }
            return id
        }
        // NET-19
        if id == nil { refused(.tooManyStrangers, dialled: nil) }
        return id
    }

    func place(_ peer: Address, at place: PeerPlace) {
        let now = now
        state.withLock { $0.book.place(peer, at: place, now: now) }
    }

    /// Whom to dial now.
    func dials() -> [PeerBook.Dial] {
        let now = now
        let dials = state.withLock { $0.isStopping ? [] : $0.book.due(now) }
        if !dials.isEmpty { count { $0.dials += UInt64(dials.count) } }
        return dials
    }

    func unreachable(_ dial: PeerBook.Dial) {
        let now = now
        state.withLock { $0.book.dialFailed(dial.peer, now: now) }
        count { $0.failedDials += 1 }
        notify(.unreachable(dial.peer, dial.place))
    }

    /// - Returns: why the peer is not taken.
    func admit(_ link: PeerLink) -> PeerRefusal? {
        let now = now
        let (refusal, old): (PeerRefusal?, PeerLink?) = state.withLock { state in
            state.strangers.remove(link.id)
            if state.isStopping { return (.stopping, nil) }
            if let objection = state.list.objection(to: link.address, as: link.identity.role) {
                return (objection, nil)
            }
            switch state.book.connected(
                link.id, with: link.address, weDialled: link.weDialled, now: now)
            {
            case .refused(let refusal): return (refusal, nil)
            case .admitted(let replaced):
                state.links[link.id] = link
                state.peers[link.address] = link
                state.order()
                return (nil, replaced.flatMap { state.links[$0] })
            }
        }
        if let refusal {
            // The book knows that the dial is over; `ended` tells it of nothing.
            return refusal
        }
        old?.close(.duplicate)
        count { $0.connections += 1 }
        establishing.yield(link)
        notify(.connected(link.identity, weDialled: link.weDialled))
        return nil
    }

    // MARK: The end of one

    /// A channel that never was connected.
    func forget(_ id: ConnectionID) {
        state.withLock { state in
            state.channels[id] = nil
            state.strangers.remove(id)
        }
    }

    /// A channel is closed.
    /// - Parameter link: of an admitted peer.
    func ended(
        _ id: ConnectionID, side: PeerSession.Side, link: PeerLink?, reason: PeerRefusal
    ) {
        let now = now
        let dialled: Address? = if case .dialler(let peer) = side { peer } else { nil }
        state.withLock { state in
            state.channels[id] = nil
            state.strangers.remove(id)
            if let link {
                state.links[id] = nil
                if state.peers[link.address]?.id == id { state.peers[link.address] = nil }
                state.order()
                state.book.closed(id, with: link.address, now: now)
            } else if let dialled, reason != .duplicate {
                state.book.dialFailed(dialled, now: now)
            }
        }
        guard let link else { return refused(reason, dialled: dialled) }
        let dropped = link.ended()
        count { counters in
            for traffic in TrafficClass.allCases {
                counters.framesDropped[traffic] += dropped[traffic.rawValue]
            }
        }
        if reason.points > 0 { punish(link.address, reason) }
        notify(.disconnected(link.address, reason))
    }

    private func refused(_ reason: PeerRefusal, dialled: Address?) {
        count { $0.refusals += 1 }
        notify(.refused(reason, dialled: dialled))
    }

    // MARK: Offences

    func offence(_ refusal: PeerRefusal, _ link: PeerLink?) {
        guard let link, refusal.points > 0 else { return }
        notify(.offence(link.address, refusal))
        if punish(link.address, refusal) { link.close(.banned(link.address)) }
    }

    @discardableResult
    private func punish(_ peer: Address, _ refusal: PeerRefusal) -> Bool {
        let now = now
        let isBanned = state.withLock { $0.book.punish(peer, for: refusal, now: now) }
        count { counters in
            counters.offences += 1
            if isBanned { counters.bans += 1 }
        }
        if isBanned { notify(.banned(peer)) }
        return isBanned
    }

    /// Replaces the validators of the list; who left it is disconnected (NET-5).
    func update(validators: Set<Address>) {
        let gone: [PeerLink] = state.withLock { state in
            guard state.list.validators != validators else { return [] }
            state.list.validators = validators
            let list = state.list
            return state.ordered.filter {
                list.objection(to: $0.address, as: $0.identity.role) != nil
            }
        }
        for link in gone { link.close(.notOnTheList(link.address)) }
    }

    // MARK: Who is connected

    func link(to peer: Address) -> PeerLink? { state.withLock { $0.peers[peer] } }
    /// By ascending address.
    var links: [PeerLink] { state.withLock { $0.ordered } }

    // MARK: The end of all

    /// - Returns: every channel that is open, and the links among them.
    func beginStop() -> (channels: [ConnectionID: any Channel], links: [PeerLink]) {
        let open = state.withLock { state in
            state.isStopping = true
            return (state.channels, state.ordered)
        }
        establishing.finish()
        return open
    }
}
