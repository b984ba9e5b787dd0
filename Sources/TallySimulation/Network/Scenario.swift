import TallyConsensus
import TallyCrypto
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding

/// One kind of misbehaviour of a validator that breaks the rules (SIM-12).
enum Misbehaviour: String, Hashable, Sendable, CaseIterable {
    case equivocates, proposesLate, proposesToSome, corruptsBodies, corruptsBlocks, liesAboutTime
    case votesTwice, withholdsCommits, commitsToOne, forgesCertificates, replaysVotes
    case repeatsRoundChanges, concealsLocks, floodsRounds, forgesFinals, liesAboutHeads, isTwins
    case isMute, proposesOnLosers, withholdsBodies
}

/// Everything about a run that the seed decides before it begins.
///
/// Times are in microseconds of virtual time.
struct Scenario: Sendable {
    let seed: UInt64
    let options: SimulationOptions
    var heights: Int
    /// Who there is, members of some set or not; nodes by index.
    var addresses: [Address]
    /// Stakes of validators, by the time from which somebody sends them (SIM-10).
    var stakes: [PlannedStake] = []
    var impeachments: [Impeachment] = []
    var genesis: Genesis
    var isPipelined = true
    var firstTimeout: UInt64 = 1_000_000
    var maximumTimeout: UInt64 = 8_000_000
    var heartbeat: UInt64 = 5_000_000
    var retransmission: UInt64 = 700_000
    /// Of every message, once way.
    var delay: UInt64 = 50_000
    /// Added at random, so that messages overtake each other.
    var jitter: UInt64 = 0
    var loss = Percent.none
    var duplicates = Percent.none
    var replays = Percent.none
    /// Of one request to persist.
    var diskDelay: UInt64 = 0
    /// Of building or executing a block.
    var executionDelay: UInt64 = 0
    /// Between arrivals of transactions, on average; 0 for always work.
    var arrival: UInt64 = 2_000_000
    var transactionsPerArrival = 4
    /// Whether a third of them is made so that nobody can execute it.
    var hasIllegal = true
    var drift: Int64 = 500
    /// Whether heads are announced, or silence has to be understood.
    var announcesHeads = true
    var faulty: [Int: Set<Misbehaviour>] = [:]
    /// Nodes whose clock may be wrong, or whose votes may be lost: with the faulty of at most F power.
    var weak: Set<Int> = []
    /// More than F power breaks the rules.
    var isExcess = false
    var checkpoints = CheckpointPolicy(heights: 6)
    var limits = JournalLimits(payloadBytes: 1 << 20, segmentBytes: 16_384)
    /// Whether people and machines use the economy (SIM-45).
    var hasWorkload = false
    /// When the last fault ends. Faults of validators go on.
    var healsAt: UInt64 = 0
    /// Fault classes of this run.
    var classes: Set<FaultClass> = []
    var accounts: [Address]

    /// Microseconds of T(round) (IBFT-R10).
    func timeout(_ round: UInt32) -> UInt64 {
        round >= 20 ? maximumTimeout : min(firstTimeout << UInt64(round), maximumTimeout)
    }

    /// Whether disks may be lost: not where one validator is all there is.
    var mayLose: Bool { !isExcess && addresses.count > 1 }

    /// Whether this node keeps the rules.
    func isHonest(_ node: Int) -> Bool { faulty[node] == nil }
}

extension Scenario {
    static let start = BeaconTime(milliseconds: 1_700_000_000_000)

    static func address(_ text: String) -> Address {
        SHA256.plain(Array(text.utf8)).withBytes {
            Address(loading: UnsafeRawBufferPointer(rebasing: $0[..<20]))
        }
    }

    /// Derives everything from the seed.
    init(seed: UInt64, options: SimulationOptions) {
        self.seed = seed
        self.options = options
        var random = SeededGenerator(seed: seed &* 0x9e37_79b9 &+ 17)
        let count = Self.validatorCount(&random, options)
        precondition(options.validatorRange.contains(count), "the options are checked")
        let shards = options.shards ?? Int(random.pick(1...4))
        heights = options.heights ?? Int(random.pick(20...32))
        let changesSets = options.demands(.sets)
        let maySet = options.faults == nil && options.script == nil
        let extra = changesSets || maySet && random.pick(4) == 0 && count > 1
        // Somebody has to join where the set has to change.
        let drawnJoining =
            extra ? Int(random.pick((changesSets ? 1 : 0)...UInt64(min(count, 6)))) : 0
        // As many as an elected set has at least.
        let joining = extra ? max(drawnJoining, Self.leastElected - count) : 0
        addresses = (0..<count + joining).map { Self.address("validator \($0)") }
        accounts = (0..<Int(random.pick(8...48))).map { Self.address("account \($0)") }
        genesis = Self.genesis(shards, Array(addresses.prefix(count)), accounts, &random)
        if Self.hasEconomy(seed, options) {
            hasWorkload = true
            genesis = Self.withEconomy(genesis, addresses, seed)
        }
        let drawn = options.faults == nil && options.script == nil
        if let named = options.faults { classes = named }
        for faults in FaultClass.allCases where drawn {
            switch faults {
            case .excess: if count > 3, random.pick(16) == 0 { classes.insert(faults) }
            case .sets: if extra { classes.insert(faults) }
            case .clock: if random.pick(4) == 0 { classes.insert(faults) }
            case .network, .process, .storage, .byzantine:
                if random.pick(8) < 5 { classes.insert(faults) }
            }
        }
        isExcess = classes.contains(.excess)
        pickTimes(&random)
        if classes.contains(.sets) { holdElections(&random) }
        pickFaulty(&random)
        if hasWorkload { tradeBriskly() }
        if let script = options.script { play(script) }
    }

    /// Drawn only where nobody says it.
    private static func validatorCount(
        _ random: inout SeededGenerator, _ options: SimulationOptions
    ) -> Int {
        if let given = options.validators { return given }
        if options.script != nil { return 4 }
        let drawn =
            switch random.pick(100) {
            case 0..<2: 1
            case 2..<62: 4
            case 62..<84: Int(random.pick(5...7))
            case 84..<95: Int(random.pick(2...10))
            case 95..<99: Int(random.pick(8...13))
            default: Int(random.pick(14...31))
            }
        return max(drawn, options.validatorRange.lowerBound)
    }

    private static func genesis(
        _ shards: Int, _ validators: [Address], _ accounts: [Address],
        _ random: inout SeededGenerator
    ) -> Genesis {
        guard let layout = ShardLayout(shardCount: shards) else {
            preconditionFailure("the options are checked")
        }
        var parameters = NetworkParameters(chainID: 1_337, layout: layout)
        parameters.minimumBaseFee = Amount(10)
        parameters.heartbeatMilliseconds = 5_000
        parameters.baseFeeDestination = random.pick(2) == 0 ? .burn : .treasury
        // Small, so that they are met.
        parameters.window = Int(random.pick([4, 16, 4_096]))
        parameters.dueBound = Int(random.pick([16, 64, 65_536]))
        parameters.epochMilliseconds = random.pick([20_000, 60_000, 86_400_000])
        // A few poor ones among them: what they send is refused.
        let openings = accounts.enumerated().map { index, address in
            Genesis.Opening(
                address: address, balance: Amount(index % 7 == 6 ? 50_000 : 1_000_000_000_000))
        }
        guard
            let genesis = try? Genesis(
                parameters: parameters, time: start, accounts: openings, validators: validators)
        else { preconditionFailure("the genesis of a scenario is sound") }
        return genesis
    }

    private mutating func pickTimes(_ random: inout SeededGenerator) {
        isPipelined = random.pick(5) != 0
        delay = random.pick([1_000, 5_000, 20_000, 50_000, 100_000, 200_000])
        firstTimeout = random.pick([1_000_000, 1_500_000, 2_000_000])
        maximumTimeout = random.pick([8_000_000, 16_000_000])
        heartbeat = random.pick([5_000_000, 8_000_000, 10_000_000])
        retransmission = random.pick([500_000, 700_000, 1_000_000])
        arrival = random.pick([3_000_000, 6_000_000, 12_000_000])
        transactionsPerArrival = Int(random.pick(1...8))
        diskDelay = random.pick([0, 200, 5_000, 20_000])
        executionDelay = random.pick([0, 0, 500, 10_000])
        announcesHeads = classes.contains(.sets) || random.pick(2) == 0
        checkpoints = CheckpointPolicy(heights: random.pick(3...12))
        limits = JournalLimits(
            payloadBytes: 1 << 20, segmentBytes: random.pick([2_048, 6_144, 16_384]))
        healsAt = random.pick(60_000_000...150_000_000)
        guard classes.contains(.network) else { return }
        jitter = random.pick([0, delay / 2, 2 * delay, 4 * delay])
        loss = Percent(random.pick([0, 0, 5, 10, 30, 50]))
        duplicates = Percent(random.pick([0, 5, 30]))
        replays = Percent(random.pick([0, 2, 10]))
    }

    // MARK: Faulty validators

    /// Whether so many are at most F in every set: that of the genesis, and the least that stakes can
    /// elect, in which all have a power of 1.
    private func isWithinFaulty(_ nodes: some Collection<Int>) -> Bool {
        var least = genesis.validators.count
        if genesis.parameters.economy != nil { least = min(least, Self.leastElected) }
        return nodes.count <= Quorum.faulty(total: UInt64(least))
    }

    private mutating func pickFaulty(_ random: inout SeededGenerator) {
        let order = random.shuffle(Array(addresses.indices))
        if isExcess {
            // One more than is allowed for.
            for node in order where isWithinFaulty(faulty.keys) {
                faulty[node] = [.equivocates, .votesTwice]
                if random.pick(2) == 0 { faulty[node] = [.isTwins] }
            }
            return
        }
        if classes.contains(.byzantine) { pickByzantine(order, &random) }
        for node in order
        where isHonest(node) && isWithinFaulty(Array(faulty.keys) + Array(weak) + [node]) {
            weak.insert(node)
        }
    }
}

extension Scenario {
    private mutating func pickByzantine(_ order: [Int], _ random: inout SeededGenerator) {
        for node in order where isWithinFaulty(Array(faulty.keys) + [node]) {
            guard faulty.isEmpty || random.pick(3) != 0 else { break }
            var kinds: Set<Misbehaviour> = []
            for _ in 0..<random.pick(1...3) { kinds.insert(random.pick(Misbehaviour.allCases)) }
            // Of the others some need an occasion.
            if options.demands(.byzantine) {
                kinds.insert(random.pick([.floodsRounds, .liesAboutHeads]))
            }
            faulty[node] = kinds.contains(.isTwins) ? [.isTwins] : kinds
        }
    }
}

extension Scenario: CustomStringConvertible {
    /// One line: everything that the seed decided and a reader may want to know.
    var description: String {
        let byzantine = faulty.sorted { $0.key < $1.key }.map { node, kinds in
            "\(node):" + kinds.map(\.rawValue).sorted().joined(separator: "+")
        }
        return [
            "validators \(genesis.validators.count) of \(addresses.count)",
            "stakes \(stakes.count)",
            "shards \(genesis.parameters.layout.shardCount)", "heights \(heights)",
            "delay \(delay) µs", "jitter \(jitter) µs", "loss \(loss.value) %",
            "duplicates \(duplicates.value) %", "replays \(replays.value) %",
            "disk \(diskDelay) µs", isPipelined ? "pipelined" : "not pipelined",
            "heals at \(healsAt / 1_000_000) s",
            hasWorkload ? "economy" : "no economy",
            "faults "
                + (classes.isEmpty
                    ? "none" : classes.map(\.rawValue).sorted().joined(separator: ",")),
            "faulty " + (byzantine.isEmpty ? "none" : byzantine.joined(separator: " ")),
        ].joined(separator: ", ")
    }
}
