import TallyPrimitives
import TallyState

/// What always holds of the epochs' objects, recounted from scratch (EPOCH-9).
extension StateAudit {
    private var isBeacon: Bool { context.endpoint == context.layout.beacon }

    /// - Throws: the first invariant that does not hold.
    func checkEpoch() throws(InvariantViolation) {
        guard let economy = context.parameters.economy else {
            for kind in [ObjectKind.epoch, .pool] where !all(kind).isEmpty {
                throw .broken(kind, what: "no economy")
            }
            return
        }
        for (key, object) in objects where object.kind == .epoch || object.kind == .pool {
            try checkPlace(key, object)
        }
        guard let opening: UInt64 = try opening() else { return }
        let pool: RewardPool = try part(at: RewardPool.key) ?? RewardPool(next: opening)
        try checkClose(pool)
        try checkTrades(pool)
        try checkBoundaries(pool)
        if isBeacon { try checkEmission(economy, opening) }
    }

    private func opening() throws(InvariantViolation) -> UInt64? {
        guard let object = object(EpochOpening.key) else { return nil }
        do throws(RLPError) {
            return try EpochOpening(object).epoch
        } catch { throw .undecodable(.meta, error) }
    }

    private func part<Part: EpochObject>(
        _ type: Part.Type = Part.self, at key: ObjectKey
    ) throws(InvariantViolation) -> Part? {
        guard let object = object(key) else { return nil }
        return try part(object)
    }

    private func part<Part: EpochObject>(
        _ object: StateObject
    ) throws(InvariantViolation) -> Part {
        do throws(RLPError) {
            return try Part(object)
        } catch { throw .undecodable(Part.kind, error) }
    }

    // Every object is what this code writes, and lies under its own key.
    private func checkPlace(
        _ key: ObjectKey, _ object: StateObject
    ) throws(InvariantViolation) {
        func check(_ part: some EpochObject) throws(InvariantViolation) {
            guard part.key == key, part.object == object else {
                throw .broken(object.kind, what: "misplaced or not canonical")
            }
        }
        guard object.kind == .epoch else {
            if key == RewardPool.key { return try check(try part(object) as RewardPool) }
            if isBeacon, key == EmissionBook.key {
                return try check(try part(object) as EmissionBook)
            }
            throw .broken(.pool, what: "unknown pool")
        }
        switch try tag(of: object) {
        case .trades: try check(try part(object) as TradeEpoch)
        case .boundary: try check(try part(object) as RewardBoundary)
        case .report, .tally:
            guard isBeacon else { throw .beaconObject(.epoch) }
            if try tag(of: object) == .report {
                try check(try part(object) as EpochReport)
            } else {
                try check(try part(object) as EpochTally)
            }
        }
    }

    private func tag(of object: StateObject) throws(InvariantViolation) -> EpochObjectTag {
        do throws(RLPError) {
            var input = RLPDecoder(object.payload.bytes)
            var list = try input.nextList()
            return try list.nextCase()
        } catch { throw .undecodable(.epoch, error) }
    }

    private func parts<Part: EpochObject>(
        _ tag: EpochObjectTag, _ type: Part.Type
    ) throws(InvariantViolation) -> [Part] {
        var parts: [Part] = []
        for object in all(.epoch) where try self.tag(of: object) == tag {
            parts.append(try part(object))
        }
        return parts
    }

    // EPOCH-2: one close is queued, of an epoch whose share cannot have arrived.
    private func checkClose(_ pool: RewardPool) throws(InvariantViolation) {
        var closes: [(epoch: UInt64, key: DueKey)] = []
        for entry in due {
            if case .epoch(.close(let epoch)) = entry.action { closes.append((epoch, entry.key)) }
        }
        guard closes.count == 1, let close = closes.first, close.epoch >= pool.next else {
            throw .broken(.epoch, what: "not one close is queued")
        }
        guard close.key.destination == context.layout.beacon,
            close.key.time == context.parameters.end(ofEpoch: close.epoch)
        else { throw .dueRoute(sequence: close.key.sequence) }
    }

    // EPOCH-6: what arrived for trades covers what is left of it, and is at most what is owed.
    private func checkTrades(_ pool: RewardPool) throws(InvariantViolation) {
        for trades in try parts(.trades, TradeEpoch.self) {
            let isSound =
                if let funded = trades.funded {
                    trades.epoch < pool.next && trades.money <= funded && funded <= trades.owed
                } else { trades.epoch >= pool.next && trades.money.isZero }
            guard isSound else { throw .broken(.epoch, what: "trades of epoch \(trades.epoch)") }
        }
    }

    // EPOCH-5: a boundary knows the index exactly if the share before it has arrived.
    private func checkBoundaries(_ pool: RewardPool) throws(InvariantViolation) {
        for boundary in try parts(.boundary, RewardBoundary.self) {
            let isKnown = boundary.epoch <= pool.next
            guard (boundary.index != nil) == isKnown, (boundary.index ?? .zero) <= pool.index.value
            else { throw .broken(.epoch, what: "boundary of epoch \(boundary.epoch)") }
        }
    }

    // MARK: Beacon

    // EPOCH-3, ECON-8: pools within their caps, header and pools agree, reports add up.
    private func checkEmission(
        _ economy: EconomyParameters, _ opening: UInt64
    ) throws(InvariantViolation) {
        let book: EmissionBook = try part(at: EmissionBook.key) ?? EmissionBook(next: opening)
        guard book.nodes <= economy.nodeRewards.cap, book.trades <= economy.tradeRewards.cap,
            book.developers <= economy.developerGrants.cap, let minted = book.minted,
            let asked = book.nodes.adding(book.unminted)
        else { throw .broken(.pool, what: "more minted than the cap") }
        guard minted == self.minted ?? minted else {
            throw .broken(.pool, what: "the header minted something else")
        }
        guard book.next >= opening,
            asked == economy.nodeRewards.total(ofFirst: book.next - opening)
        else { throw .broken(.pool, what: "node rewards are not the schedule's") }
        try checkReports(book, opening)
        try checkShares(book)
    }

    private func checkReports(
        _ book: EmissionBook, _ opening: UInt64
    ) throws(InvariantViolation) {
        var tallies: [UInt64: EpochTally] = [:]
        for report in try parts(.report, EpochReport.self) {
            var tally = tallies[report.epoch] ?? EpochTally(epoch: report.epoch)
            guard tally.add(report), report.endpoint <= context.layout.beacon else {
                throw .broken(.epoch, what: "report of epoch \(report.epoch)")
            }
            tallies[report.epoch] = tally
        }
        let stored = try parts(.tally, EpochTally.self)
        guard stored.count == tallies.count, stored.allSatisfy({ tallies[$0.epoch] == $0 }) else {
            throw .broken(.epoch, what: "reports and tallies differ")
        }
        let count = UInt64(context.layout.endpointCount)
        let first = book.next > opening ? book.next - 1 : opening
        guard stored.allSatisfy({ $0.epoch >= first }),
            book.next == opening || tallies[first]?.count == count
        else { throw .broken(.epoch, what: "reports of epochs that are over") }
        let mints = due.compactMap { entry -> UInt64? in
            guard case .epoch(.mint(let epoch)) = entry.action else { return nil }
            return epoch
        }
        guard mints == (tallies[book.next]?.count == count ? [book.next] : []) else {
            throw .broken(.epoch, what: "minting is not queued once")
        }
    }

    // A share holds what it says, of an epoch that was minted for, each endpoint's once.
    private func checkShares(_ book: EmissionBook) throws(InvariantViolation) {
        struct Place: Hashable {
            let epoch: UInt64
            let endpoint: EndpointID
        }
        var seen: Set<Place> = []
        for entry in due {
            guard case .epoch(.share(let share, let endpoint)) = entry.action else { continue }
            guard share.value == entry.value, share.epoch < book.next,
                entry.key.destination == endpoint,
                seen.insert(Place(epoch: share.epoch, endpoint: endpoint)).inserted
            else { throw .broken(.epoch, what: "share of epoch \(share.epoch)") }
        }
    }
}
