package import TallyPrimitives

/// Where a peer listens.
package struct PeerPlace: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}

/// A connection, for as long as the process runs.
package struct ConnectionID: Hashable, Comparable, Sendable {
    package let number: UInt64
    package init(_ number: UInt64) { self.number = number }
    package static func < (a: ConnectionID, b: ConnectionID) -> Bool { a.number < b.number }
}

/// Whom to dial when, which of two connections stays, and who is banned (NET-15, NET-21, NET-22).
///
/// Without sockets or clock: a function of what it was told and of its generator's seed. Holds one
/// entry a peer that has a place or was connected, and only peers of the list are.
package struct PeerBook: Sendable {
    package struct Dial: Hashable, Sendable {
        package let peer: Address
        package let place: PeerPlace

        package init(peer: Address, place: PeerPlace) {
            self.peer = peer
            self.place = place
        }
    }

    package enum Admission: Hashable, Sendable {
        /// `replacing` is to be closed as a duplicate.
        case admitted(replacing: ConnectionID?)
        case refused(PeerRefusal)
    }

    private struct Connection: Sendable {
        let id: ConnectionID
        let dialler: Address
        let since: Duration
    }

    private struct Entry: Sendable {
        var place: PeerPlace?
        var isDialling = false
        var nextDial = Duration.zero
        /// Since a connection was stable.
        var failures = 0
        var connection: Connection?
        var score = 0.0
        var scored = Duration.zero
        var bannedUntil: Duration?

        func isBanned(_ now: Duration) -> Bool { bannedUntil.map { now < $0 } ?? false }

        mutating func decay(_ now: Duration, perSecond: Double) {
            guard now > scored else { return }
            score = max(0, score - (now - scored).seconds * perSecond)
            scored = now
        }
    }

    private let own: Address
    private let limits: NetworkLimits
    private var entries: [Address: Entry] = [:]
    private var generator: SeededGenerator

    /// - Parameters:
    ///   - places: of those to dial; ours is left out.
    ///   - seed: random, so that nodes do not dial in step.
    package init(
        own: Address, places: [Address: PeerPlace], limits: NetworkLimits, now: Duration,
        seed: UInt64
    ) {
        self.own = own
        self.limits = limits
        generator = SeededGenerator(seed: seed)
        for (peer, place) in places where peer != own {
            var entry = Entry(place: place)
            entry.nextDial = now + (peer < own ? limits.courtesy : .zero)
            entries[peer] = entry
        }
    }

    // MARK: Dialling

    /// Where a peer listens from now on; dialled at once if it is not connected.
    package mutating func place(_ peer: Address, at place: PeerPlace, now: Duration) {
        guard peer != own else { return }
        var entry = entries[peer] ?? Entry()
        entry.place = place
        entry.nextDial = now
        entries[peer] = entry
    }

    /// Whom to dial now, by ascending address. Each dial ends by ``dialFailed(_:now:)`` or by
    /// ``connected(_:with:weDialled:now:)``.
    package mutating func due(_ now: Duration) -> [Dial] {
        var dials: [Dial] = []
        for peer in entries.keys.sorted() {
            guard var entry = entries[peer], let place = entry.place, !entry.isDialling,
                entry.connection == nil, entry.nextDial <= now, !entry.isBanned(now)
            else { continue }
            entry.isDialling = true
            entries[peer] = entry
            dials.append(Dial(peer: peer, place: place))
        }
        return dials
    }

    /// Nobody answered, or who did is not who should.
    package mutating func dialFailed(_ peer: Address, now: Duration) {
        guard var entry = entries[peer] else { return }
        entry.isDialling = false
        postpone(&entry, now)
        entries[peer] = entry
    }

    // NET-21
    private mutating func postpone(_ entry: inout Entry, _ now: Duration) {
        var pause = limits.firstPause
        for _ in 0..<entry.failures where pause < limits.longestPause { pause *= 2 }
        pause = min(pause, limits.longestPause)
        entry.failures += 1
        let drawn = Double(generator.next() >> 11) * 0x1p-53
        entry.nextDial = now + .seconds(pause.seconds * (0.75 + 0.5 * drawn))
    }

    // MARK: Connections

    /// A peer was found good on a connection.
    package mutating func connected(
        _ id: ConnectionID, with peer: Address, weDialled: Bool, now: Duration
    ) -> Admission {
        var entry = entries[peer] ?? Entry()
        if weDialled { entry.isDialling = false }
        defer { entries[peer] = entry }
        if entry.isBanned(now) { return .refused(.banned(peer)) }
        let dialler = weDialled ? own : peer
        let old = entry.connection
        // NET-22
        if let old, old.dialler != dialler, old.dialler < dialler { return .refused(.duplicate) }
        entry.connection = Connection(id: id, dialler: dialler, since: now)
        return .admitted(replacing: old?.id)
    }

    /// A connection that was admitted is closed.
    package mutating func closed(_ id: ConnectionID, with peer: Address, now: Duration) {
        guard var entry = entries[peer], let connection = entry.connection, connection.id == id
        else { return }
        if now - connection.since >= limits.stableAfter { entry.failures = 0 }
        entry.connection = nil
        postpone(&entry, now)
        entries[peer] = entry
    }

    /// The connection that stays with a peer.
    package func connection(with peer: Address) -> ConnectionID? { entries[peer]?.connection?.id }

    // MARK: Offences

    /// Adds what a refusal counts (NET-15).
    /// - Returns: whether the peer is banned from now on.
    package mutating func punish(
        _ peer: Address, for refusal: PeerRefusal, now: Duration
    ) -> Bool {
        guard refusal.points > 0 else { return false }
        var entry = entries[peer] ?? Entry()
        defer { entries[peer] = entry }
        if entry.isBanned(now) { return true }
        entry.decay(now, perSecond: limits.scoreDecayPerSecond)
        entry.score += refusal.points
        guard entry.score >= limits.banScore else { return false }
        entry.bannedUntil = now + limits.banTime
        entry.score = limits.banScore / 2
        entry.scored = now + limits.banTime
        return true
    }

    package func isBanned(_ peer: Address, now: Duration) -> Bool {
        entries[peer]?.isBanned(now) ?? false
    }

    /// Points at present.
    package func score(of peer: Address, now: Duration) -> Double {
        guard var entry = entries[peer] else { return 0 }
        entry.decay(now, perSecond: limits.scoreDecayPerSecond)
        return entry.score
    }
}
