package import TallyConsensus
import TallyExecution
package import TallyJournal
package import TallyPrimitives
package import TallySharding
import TallyStore
import TallyTransactions

/// The beacon: drives agreement, makes its records durable, publishes what it decides.
///
/// Performs the effects of `Ibft` and `Durability`, in their order; holds the books and the beacon's
/// own endpoint. What can be done at once (logs, messages, timers) is done before any method
/// returns or suspends; what asks the shards (building, checking, deciding) are *jobs*, done one
/// after another by whoever finds none under way, while messages are still taken. Shards are asked
/// in parallel, one batch each a block.
package actor Beacon {
    // Agreement
    var agreement: Ibft
    private var inputs: [Ibft.Input] = [.start]
    var jobs: [Job] = []
    var isWorking = false
    var timers = Timers()
    /// Blocks of the open heights that were built or found valid here, by digest.
    var kept: [Hash32: KeptBlock] = [:]
    /// The last decisions, for those who are a little behind.
    var finals = RecentFinals()
    /// Once there is one, everything fails by it.
    private var failure: EngineError?

    // State
    var books: BeaconBranches
    var own: EndpointBranches
    var ownStorage: EndpointStorage
    let shards: [Shard]
    var quarantined: Set<EndpointID> = []
    var nextDueTime: BeaconTime?
    /// In the block decided last.
    var lastTransactions = 0
    var snapshots: [EndpointSnapshot]
    let beaconHistory: BeaconHistory

    // Disk
    var durability: Durability
    package nonisolated let logs: FileLogs
    var checkpointedRows: Height
    /// When the checkpoint under way was begun.
    var checkpointBegun = ContinuousClock.now
    var isEnding = false
    /// The beacon's part of the checkpoint under way.
    var beaconCheckpoint: Checkpoint?
    var shortage = Shortage()
    let space: WriteSpace
    let checkpointJobs: AsyncStream<CheckpointJob>.Continuation

    // Surroundings
    private let signer: any VoteSigner
    /// What its blocks reveal from (SEED-2); `nil` for who never does.
    var secrets: RevealSecrets?
    let genesis: Genesis
    let genesisHeader: BeaconHeader
    let network: any BeaconNetwork
    let clock: any NodeClock
    let notify: @Sendable (BeaconNotice) -> Void
    private let executor: QueueExecutor

    /// Checkpoints to be written, for `Checkpointer`. At most one is under way.
    package nonisolated let checkpoints: AsyncStream<CheckpointJob>

    package nonisolated let publisher: HeadPublisher
    package nonisolated let meter = BeaconMeter()
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// What the shards are needed for.
    enum Job: Sendable {
        case build(Ibft.BuildRequest)
        case validate(Ibft.ValidationRequest, ProposedBlock)
        case decide(Ibft.Decision)
    }

    /// Everything the beacon is started with.
    package struct Parts {
        package var core: BeaconCore
        package var own: ShardCore
        package var ownStorage: EndpointStorage
        package var memory: Ibft.Memory
        package var durability: Durability
        package var logs: FileLogs
        package var shards: [Shard]
        /// By endpoint index.
        package var snapshots: [EndpointSnapshot]
        package var beaconHistory: BeaconHistory
        package var finals: RecentFinals
        package var checkpointed: Height
        package var space: WriteSpace
    }

    package init(
        _ configuration: EngineConfiguration, genesisHeader: BeaconHeader, parts: sending Parts,
        clock: any NodeClock, notify: @escaping @Sendable (BeaconNotice) -> Void
    ) {
        let core = parts.core
        genesis = configuration.genesis
        signer = configuration.signer
        secrets = configuration.secrets
        agreement = Ibft(
            configuration.agreement, signer: configuration.signer,
            start: Ibft.Start(
                head: Ibft.Head(
                    height: core.head.height, digest: core.headHash, timestamp: core.head.time),
                sets: core.schedule.sets(around: core.head.height), memory: parts.memory,
                nonce: configuration.nonce))
        books = BeaconBranches(core)
        own = EndpointBranches(parts.own, head: core.headHash)
        ownStorage = parts.ownStorage
        durability = parts.durability
        logs = parts.logs
        shards = parts.shards
        snapshots = parts.snapshots
        beaconHistory = parts.beaconHistory
        finals = parts.finals
        checkpointedRows = parts.checkpointed
        meter.checkpointHeight.set(parts.checkpointed.value)
        space = parts.space
        self.genesisHeader = genesisHeader
        network = configuration.network
        self.clock = clock
        self.notify = notify
        executor = QueueExecutor(label: "tally.beacon")
        (checkpoints, checkpointJobs) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
        publisher = HeadPublisher(
            LedgerSnapshot(
                genesis: genesis, genesisHeader: genesisHeader, beacon: core,
                endpoints: parts.snapshots, beaconHistory: parts.beaconHistory))
        meter.pulse.set(clock.uptime().wholeMilliseconds)
        meter.note(agreement.sets[core.head.height.next])
    }

    var core: BeaconCore { books.core }
    var layout: ShardLayout { core.parameters.layout }

    // MARK: Inputs

    /// There may be something to propose. A lone validator builds blocks until nothing is left.
    package func work() async throws(EngineError) { try await handle(.work) }

    /// A message that an `Authenticator` checked, with the sets that ``validatorSets`` gave.
    package func receive(_ message: Authenticated) async throws(EngineError) {
        try await handle(.message(message))
    }

    /// A message that an `Authenticator` refused.
    /// - Parameter peer: who sent it, whatever the message claims.
    package func refused(
        _ refusal: MessageRefusal, from peer: Address
    ) async throws(EngineError) {
        if let hint = hint(refusal, from: peer) { try await handle(hint) }
    }

    /// What a refused message says all the same; answers who is far behind.
    ///
    /// Of a height whose set is not known here no signature can be checked: what it says is a hint at
    /// most, and its answer small (IBFT-R14).
    package func hint(_ refusal: MessageRefusal, from peer: Address) -> Ibft.Input? {
        guard case .unknownValidatorSet(let height) = refusal else { return nil }
        guard height > agreement.head.height else {
            network.announce(agreement.head, to: peer)
            return nil
        }
        // Who speaks of a height holds the one before for final, but for a proposal ahead.
        return .peerHead(Height(height.value - 1), from: peer)
    }

    /// A block that was requested, made by a `LedgerBlockReader`.
    package func receive(body: ProposedBlock) async throws(EngineError) {
        try await handle(.body(body))
    }

    /// A peer says that a height is final where it is.
    package func receive(head height: Height) async throws(EngineError) {
        try await handle(.peerHead(height))
    }

    /// Looks at the clock: timers, deadlines (IBFT-R18), and what found no space.
    package func tick() async throws(EngineError) {
        do throws(EngineError) {
            try retry()
        } catch { throw fail(error) }
        notePulse()
        inputs += timers.due(clock.uptime()).map(Ibft.Input.timer)
        let now = clock.now()
        if isTimeDue(now) { inputs.append(.work) }
        // The time since the last block, not since the start, tells a lone validator.
        if isAlone(core.head.height.next), isSilent(now) {
            inputs.append(.timer(.heartbeat(agreement.head.height.next)))
        }
        try await proceed()
        if isCheckpointOwed { await requestCheckpoint() }
    }

    /// Takes what happened, and does at once what can be. What asks the shards is left to
    /// ``proceed()``, so that who brings a peer's messages does not spend its time there.
    /// - Returns: whether somebody should call it.
    package func take(_ happened: [Ibft.Input]) throws(EngineError) -> Bool {
        if let failure { throw failure }
        inputs += happened
        do throws(EngineError) {
            try drain()
        } catch { throw fail(error) }
        return !jobs.isEmpty && !isWorking
    }

    private func handle(_ input: Ibft.Input) async throws(EngineError) {
        inputs.append(input)
        try await proceed()
    }

    // MARK: For the network

    /// For `Authenticator`.
    package var validatorSets: ValidatorSets { agreement.sets }

    /// A block that others ask for by its digest.
    package func block(_ digest: Hash32) -> ProposedBlock? {
        agreement.block(digest) ?? finals[digest]?.block
    }

    /// Proof of a recent decision; `nil` for one of long ago.
    package func final(of height: Height) -> Final? { finals[height] }

    // MARK: Steps

    /// Does what there is to do, unless somebody else is at it already.
    package func proceed() async throws(EngineError) {
        if let failure { throw failure }
        do throws(EngineError) {
            try drain()
            guard !isWorking else { return }
            isWorking = true
            defer { isWorking = false }
            while !jobs.isEmpty {
                try await perform(jobs.removeFirst())
                try drain()
            }
        } catch {
            if isEnding, beaconCheckpoint == nil { checkpointJobs.finish() }
            throw fail(error)
        }
        // The last checkpoint waited for what was under way here.
        if isEnding { await endCheckpoints() }
    }

    private func fail(_ error: EngineError) -> EngineError {
        failure = failure ?? error
        return failure ?? error
    }

    /// Gives agreement what happened, and does at once what can be.
    private func drain() throws(EngineError) {
        while !inputs.isEmpty {
            for effect in agreement.handle(inputs.removeFirst()) {
                try perform(effect)
            }
        }
        meter.round.set(agreement.round.value)
    }

    /// Answers agreement, which learns of it before anything else is done.
    func answer(_ input: Ibft.Input) { inputs.append(input) }

    private func perform(_ effect: Ibft.Effect) throws(EngineError) {
        switch effect {
        case .broadcast(let message):
            // Nobody votes with a lone validator, and what it tells itself is not durable yet.
            if !isAlone(message.height) { broadcast(message) }
        case .send(let message, let peer): network.send(message, to: peer)
        case .sendFinal(let height, let peer):
            if let final = finals[height] { network.send(.final(final), to: peer) }
        case .persist(let records, let token):
            try persist(records, token)
        case .schedule(let timer, let delay): timers.set(timer, at: clock.uptime() + delay)
        case .build(let request): jobs.append(.build(request))
        case .validate(let request, let block): jobs.append(.validate(request, block))
        case .requestBody(let request): network.request(request)
        case .requestSync(let first, let last): network.requestFinals(from: first, through: last)
        case .decide(let decision): jobs.append(.decide(decision))
        case .report(let evidence):
            meter.evidence.add()
            notify(.evidence(evidence))
        case .halt(let fork): throw .fork(fork)
        case .lateSeal, .refuse: break
        }
    }

    private func broadcast(_ message: Message) {
        if case .proposal(let proposal) = message, let kept = kept[proposal.block.digest] {
            network.broadcast(proposal, kept.block)
        } else {
            network.broadcast(message)
        }
    }

    private func perform(_ job: Job) async throws(EngineError) {
        let begun = ContinuousClock.now
        switch job {
        case .build(let request):
            try await build(request)
            meter.builds.observe(since: begun)
        case .validate(let request, let block):
            try await validate(request, block)
            meter.checks.observe(since: begun)
        case .decide(let decision):
            try await decide(decision)
            meter.publications.observe(since: begun)
        }
        notePulse()
    }

    private func notePulse() { meter.pulse.set(clock.uptime().wholeMilliseconds) }

    /// Whether we are the only validator of a height.
    func isAlone(_ height: Height) -> Bool {
        guard let set = agreement.sets[height] else { return false }
        return set.count == 1 && set.contains(agreement.address)
    }

    /// Whether a deadline has come that no block has passed (IBFT-R18).
    func isTimeDue(_ now: BeaconTime) -> Bool {
        guard let nextDueTime else { return false }
        return nextDueTime <= now && core.head.time < nextDueTime
    }

    private func isSilent(_ now: BeaconTime) -> Bool {
        let silence = now.milliseconds - min(core.head.time.milliseconds, now.milliseconds)
        return silence >= core.parameters.heartbeatMilliseconds
    }
}
