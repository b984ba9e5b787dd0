import Synchronization
import TallyClient
import TallyPrimitives

/// One repetition: offers signed transactions, and watches until they are final.
package final class LoadRun: Sendable {
    /// What a second of a run was, as it ends.
    package struct Tick: Sendable {
        /// From 1.
        package let second: Int
        package let offered: Int
        package let accepted: Int
        package let final: Int
        package let failed: Int
        package let backlog: Int
        /// Sorted, in nanoseconds, of what became final in this second.
        package let latencies: [UInt64]
        package let processes: [ProcessUse]
    }

    let endpoints: [String]
    let transactions: [SignedTransaction]
    let options: LoadOptions
    let clock = RunClock()
    let tracker: Mutex<RunTracker>
    let lanes: LaneQueues
    private let watched: @Sendable () async -> [WatchedProcess]
    private let onTick: @Sendable (Tick) -> Void
    /// Rung by the observer, for closed loops.
    private let progress = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let book = Mutex(Book())

    private struct Book {
        var pacer: Pacer?
        var resubmitted = 0
        var failovers = 0
        var ticks: [Tick] = []
        /// When offering ended, in nanoseconds.
        var offeringEnd: UInt64?
        var cpuAtStart = 0.0
        var cpuAtEnd = 0.0
    }

    /// - Parameters:
    ///   - watched: processes of nodes on this machine.
    ///   - onTick: called each second.
    package init(
        endpoints: [String], transactions: [SignedTransaction], options: LoadOptions,
        watched: @escaping @Sendable () async -> [WatchedProcess],
        onTick: @escaping @Sendable (Tick) -> Void
    ) {
        precondition(!endpoints.isEmpty, "nobody to load")
        self.endpoints = endpoints
        self.transactions = transactions
        self.options = options
        self.watched = watched
        self.onTick = onTick
        tracker = Mutex(RunTracker(hashes: transactions.map(\.hash)))
        lanes = LaneQueues(count: endpoints.count * options.connections)
    }

    /// - Parameter height: blocks above it are looked at.
    /// - Throws: `CancellationError`.
    package func run(after height: UInt64) async throws -> LoadOutcome {
        book.withLock { $0.cpuAtStart = RunClock.ownProcessorSeconds }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for lane in 0..<lanes.count {
                group.addTask { [self] in
                    await serve(lane)
                    return false
                }
            }
            group.addTask { [self] in
                await observe(after: height)
                return false
            }
            group.addTask { [self] in
                try await tick()
                return false
            }
            group.addTask { [self] in
                try await resubmit()
                return false
            }
            group.addTask { [self] in
                try await offer()
                try await drain()
                return true
            }
            while let isOver = try await group.next() {
                if isOver { break }
            }
            group.cancelAll()
        }
        try Task.checkCancellation()
        let book = book.withLock { $0 }
        return LoadOutcome(
            tracker: tracker.withLock { $0 }, ticks: book.ticks,
            offeringEnd: book.offeringEnd ?? clock.now, lateShare: book.pacer?.lateShare ?? 0,
            worstLag: book.pacer?.worst ?? 0,
            generatorSeconds: book.cpuAtEnd - book.cpuAtStart, resubmitted: book.resubmitted,
            failovers: book.failovers)
    }

    // MARK: Offering

    private func offer() async throws {
        switch options.mode {
        case .open(let rate): try await offerOpen(rate)
        case .closed(let clients): try await offerClosed(clients)
        }
        let cpu = RunClock.ownProcessorSeconds
        let now = clock.now
        book.withLock {
            $0.offeringEnd = now
            $0.cpuAtEnd = cpu
        }
    }

    private func offerOpen(_ rate: Double) async throws {
        var pacer = Pacer(ArrivalSchedule(rate: rate, count: transactions.count))
        while let next = pacer.next {
            let now = clock.now
            guard next <= now else {
                try await clock.sleep(until: next)
                continue
            }
            let range = pacer.take(at: now)
            let schedule = pacer.schedule
            tracker.withLock { tracker in
                for index in range { tracker.offer(index, intended: schedule.intended(index)) }
            }
            enqueue(range)
        }
        let done = pacer
        book.withLock { $0.pacer = done }
    }

    private func offerClosed(_ clients: Int) async throws {
        let end = UInt64(options.offeredSeconds * 1e9)
        var next = 0
        var bells = progress.stream.makeAsyncIterator()
        while next < transactions.count {
            let now = clock.now
            guard now < end else { return }
            let free = clients - tracker.withLock { $0.backlog }
            if free > 0 {
                let range = next..<min(transactions.count, next + free)
                next = range.upperBound
                tracker.withLock { tracker in
                    for index in range { tracker.offer(index, intended: now) }
                }
                enqueue(range)
            }
            // The ticker rings too, so that the end is not missed.
            guard await bells.next() != nil else { throw CancellationError() }
        }
    }

    private func enqueue(_ range: Range<Int>) {
        lanes.append(range.lazy.map { (lane: self.lane(of: $0), index: $0) })
    }

    private func lane(of index: Int) -> Int { Int(transactions[index].sender) % lanes.count }

    /// Waits until everything has an end.
    private func drain() async throws {
        let end = clock.now + UInt64(options.drain * 1e9)
        while clock.now < end, tracker.withLock({ $0.backlog }) > 0 {
            try await Task.sleep(for: .milliseconds(20))
        }
        // What left its shard in the last block arrives in the next.
        try await Task.sleep(for: .milliseconds(300))
    }

    // MARK: Sending

    /// How long a node that takes nothing, or is away, is left alone.
    private static let pause = Duration.milliseconds(20)
    /// How long after a failure a lane goes back to its own node.
    private static let homecoming: UInt64 = 10_000_000_000

    private func serve(_ lane: Int) async {
        let home = lane % endpoints.count
        var place = home
        var clients: [Int: RPCClient] = [:]
        var left: UInt64 = 0
        for await _ in lanes.wakes[lane] {
            while !Task.isCancelled {
                let batch = lanes.take(lane, limit: options.batch)
                guard !batch.isEmpty else { break }
                if place != home, clock.now - left > Self.homecoming { place = home }
                guard let client = clients[place] ?? (try? RPCClient(endpoints[place])) else {
                    return
                }
                clients[place] = client
                switch await send(batch, client) {
                case .done: break
                case .later(let rest):
                    lanes.giveBack(rest, lane: lane)
                    try? await Task.sleep(for: Self.pause)
                case .unreachable:
                    guard !Task.isCancelled else { break }
                    lanes.giveBack(batch, lane: lane)
                    place = (place + 1) % endpoints.count
                    left = clock.now
                    book.withLock { $0.failovers += 1 }
                    try? await Task.sleep(for: Self.pause)
                }
            }
        }
        for client in clients.values { client.close() }
    }

    private enum Sent {
        case done
        /// These are to be offered again.
        case later([Int])
        case unreachable
    }

    private func send(_ batch: [Int], _ client: RPCClient) async -> Sent {
        let start = clock.now
        tracker.withLock { tracker in for index in batch { tracker.sent(index, at: start) } }
        let answers: [Result<JSON, RPCRemoteError>]
        do throws(RPCClientError) {
            answers = try await client.batch("eth_sendRawTransaction", count: batch.count) {
                $1.hex(self.transactions[batch[$0]].raw)
            }
        } catch { return .unreachable }
        let now = clock.now
        var later: [Int] = []
        tracker.withLock { tracker in
            for (index, answer) in zip(batch, answers) {
                switch answer {
                case .success: tracker.accept(index, at: now)
                case .failure(let error):
                    switch Refusal(error, wasSentBefore: tracker.entries[index].attempts > 1) {
                    case .known: tracker.accept(index, at: now)
                    case .later(let reason):
                        tracker.retry(reason: reason)
                        later.append(index)
                    case .final(let reason): tracker.refuse(index, reason: reason)
                    }
                }
            }
        }
        progress.continuation.yield()
        return later.isEmpty ? .done : .later(later)
    }

    /// Sends what has no end for long to another node: one that was killed took what it had not passed
    /// on with it.
    private func resubmit() async throws {
        let patience = UInt64(options.resubmitSeconds * 1e9)
        while !Task.isCancelled {
            try await Task.sleep(for: .milliseconds(250))
            let now = clock.now
            guard now > patience else { continue }
            let overdue = tracker.withLock { tracker in
                let overdue = tracker.overdue(since: now - patience, limit: 1_000)
                for index in overdue { tracker.sent(index, at: now) }
                return overdue
            }
            guard !overdue.isEmpty else { continue }
            book.withLock { $0.resubmitted += overdue.count }
            lanes.append(overdue.map { (lane: (lane(of: $0) + 1) % lanes.count, index: $0) })
        }
    }

    // MARK: Looking

    private func observe(after height: UInt64) async {
        var observer = BlockObserver(
            endpoints: endpoints, next: height + 1, clock: clock,
            pause: .nanoseconds(Int64(options.pollMilliseconds * 1e6)))
        while let block = await observer.block() {
            let found = tracker.withLock { $0.observe(block) }
            if found > 0 { progress.continuation.yield() }
        }
    }

    private func tick() async throws {
        var sampler = ProcessSampler()
        _ = sampler.sample(await watched())
        var second = 0
        while !Task.isCancelled {
            second += 1
            try await clock.sleep(until: UInt64(second) * 1_000_000_000)
            let processes = sampler.sample(await watched())
            let number = second
            let tick = tracker.withLock { tracker in
                Tick(
                    second: number, offered: tracker.offered, accepted: tracker.accepted,
                    final: tracker.final, failed: tracker.failed, backlog: tracker.backlog,
                    latencies: tracker.takeLatencies(), processes: processes)
            }
            book.withLock { $0.ticks.append(tick) }
            onTick(tick)
            progress.continuation.yield()
        }
    }
}

/// What a refusal means for a run.
enum Refusal: Hashable {
    /// The node has the transaction, or a block has.
    case known
    case later(String)
    case final(String)

    init(_ error: RPCRemoteError, wasSentBefore: Bool) {
        let reason = error.data?["reason"]?.stringValue ?? "\(error.code)"
        if reason == "alreadyKnown" || wasSentBefore && reason == "nonceTooLow" {
            self = .known
        } else if error.data?["retryable"]?.boolValue == true {
            self = .later(reason)
        } else {
            self = .final(reason)
        }
    }
}

extension Pacer {
    /// Part of the transactions that were late.
    package var lateShare: Double { handedOut == 0 ? 0 : Double(late) / Double(handedOut) }
}

/// What a repetition left behind.
package struct LoadOutcome: Sendable {
    package let tracker: RunTracker
    package let ticks: [LoadRun.Tick]
    /// When offering ended, in nanoseconds.
    package let offeringEnd: UInt64
    package let lateShare: Double
    /// Nanoseconds.
    package let worstLag: UInt64
    /// Processor time of this process until offering ended.
    package let generatorSeconds: Double
    package let resubmitted: Int
    package let failovers: Int
}
