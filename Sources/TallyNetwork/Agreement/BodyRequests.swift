import TallyPrimitives

/// Bodies that the beacon asked for, and whom of their holders we asked (NET-10).
struct BodyRequests: Sendable {
    fileprivate struct Request: Sendable {
        var holders: [Address]
        /// Index of who is asked next.
        var next = 0
        /// Who was asked last.
        var asked: Address?
        /// Whose answers are expected, late ones too.
        var all: Set<Address> = []
        var isDone = false
    }

    enum Answer: Hashable, Sendable {
        /// The body is wanted.
        case read
        /// The peer does not have it.
        case ask(Address)
        /// Nothing is to be done.
        case nothing
        /// Nobody asked this peer for it.
        case unasked
    }

    /// Requests that are remembered: bodies of two open heights and their rounds, with room. An
    /// answer to an older one counts as not asked for.
    static let limit = 256

    private var requests: [Hash32: Request] = [:]
    private var order: [Hash32] = []

    /// The beacon asks, for the first time or again.
    /// - Returns: whom to ask; `nil` when no holder is connected.
    mutating func start(
        _ digest: Hash32, holders: [Address], isConnected: (Address) -> Bool
    ) -> Address? {
        if requests[digest] == nil {
            order.append(digest)
            if order.count > Self.limit { requests[order.removeFirst()] = nil }
        }
        var request = requests[digest] ?? Request(holders: holders)
        request.holders = holders
        request.isDone = false
        let peer = request.advance(isConnected)
        requests[digest] = request
        return peer
    }

    /// A peer answered.
    mutating func answered(
        _ digest: Hash32, by peer: Address, hasBody: Bool, isConnected: (Address) -> Bool
    ) -> Answer {
        guard var request = requests[digest], request.all.contains(peer) else { return .unasked }
        defer { requests[digest] = request }
        guard !request.isDone else { return .nothing }
        guard !hasBody else {
            request.isDone = true
            return .read
        }
        guard request.asked == peer, let next = request.advance(isConnected), next != peer else {
            return .nothing
        }
        return .ask(next)
    }

    /// The body that was read is not the one.
    mutating func failed(_ digest: Hash32) { requests[digest]?.isDone = false }

    /// A peer is gone.
    /// - Returns: whom to ask instead, by digest in the order of the requests.
    mutating func lost(
        _ peer: Address, isConnected: (Address) -> Bool
    ) -> [(digest: Hash32, peer: Address)] {
        var asks: [(digest: Hash32, peer: Address)] = []
        for digest in order {
            guard var request = requests[digest], !request.isDone, request.asked == peer else {
                continue
            }
            if let next = request.advance(isConnected) { asks.append((digest, next)) }
            requests[digest] = request
        }
        return asks
    }
}

extension BodyRequests.Request {
    /// The next holder that is connected, once around.
    fileprivate mutating func advance(_ isConnected: (Address) -> Bool) -> Address? {
        for step in holders.indices {
            let place = (next + step) % holders.count
            guard isConnected(holders[place]) else { continue }
            next = (place + 1) % holders.count
            asked = holders[place]
            all.insert(holders[place])
            return holders[place]
        }
        return nil
    }
}
