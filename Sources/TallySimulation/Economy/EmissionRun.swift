import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// EMC's economy over days of beacon time, with three nodes of known power (SIM-46): real
/// registrations, rounds, attestations, stakes, epochs and claims on two replicas of four shards.
///
/// Of the profile only the rounds are others: a task of a few hashes in place of 15 s of work, and
/// one round a node. What it attests is the time, which is all that money depends on.
package struct EmissionRun: Sendable {
    /// What a node shows, and whether it stakes: 1.4451, 0.4964, and 1.4451 for 90 days, which
    /// weighs 8.95962 (ECON-3, ECON-6).
    private static let machines: [(milliseconds: UInt64, termDays: UInt32?, shard: Int)] = [
        (10_380, nil, 0), (30_218, nil, 2), (10_380, 90, 0),
    ]
    private static let token: UInt128 = 100_000_000

    private var driver: LedgerDriver
    private var checker: LedgerChecker
    private var oracle: EconomyOracle
    private let factory: WorkloadTransactions
    private let validators: [Address]
    private let owners: [Address]
    private var now: BeaconTime
    private var answers: [Address: ProofAnswer] = [:]
    /// Of the last height.
    private var events: [ComputeEvent] = []
    private var table: EmissionTable

    /// - Parameter days: epochs that are closed, 1 to 3,600.
    /// - Returns: a row for each.
    package static func run(days: Int) throws -> EmissionTable {
        precondition((1...3_600).contains(days), "days are checked")
        var run = try EmissionRun()
        try run.begin()
        for day in 0..<days { try run.pass(day) }
        return run.table
    }

    private init() throws {
        guard let layout = ShardLayout(shardCount: 4) else {
            preconditionFailure("a layout of 4 shards")
        }
        var parameters = NetworkParameters(chainID: 7, layout: layout)
        parameters.minimumBaseFee = Amount(1)
        parameters.baseFeeDestination = .treasury
        parameters.economy = .emc
        parameters.economy?.rounds.task = EconomyParameters.simulatedTask
        parameters.economy?.rounds.everyMilliseconds = 4_000 * EconomyOracle.day
        now = BeaconTime(milliseconds: 20_000 * EconomyOracle.day)
        validators = (0..<13).map { Scenario.address("emission validator \($0)") }
        var owners: [Address] = []
        for machine in Self.machines {
            owners.append(Self.address(on: machine.shard, layout, apartFrom: owners))
        }
        let genesis = try Genesis(
            parameters: parameters, time: now,
            accounts: (validators + owners).map {
                .init(address: $0, balance: Amount(10_000 * Self.token))
            }, validators: validators)
        driver = try LedgerDriver(genesis, proposer: validators[0])
        checker = LedgerChecker(genesis)
        oracle = EconomyOracle(genesis)
        factory = WorkloadTransactions(chainID: 7, maxFee: Amount(1_000))
        self.owners = owners
        table = EmissionTable(
            decimals: EconomyParameters.emc.decimals,
            nodes: try zip(owners, Self.machines).map { owner, machine in
                let power = try ComputePower(
                    referenceMilliseconds: EconomyParameters.emc.referenceMilliseconds,
                    proofMilliseconds: machine.milliseconds)
                return EmissionTable.Node(
                    owner: owner, shard: layout.home(of: owner), power: power,
                    termDays: machine.termDays,
                    weight: EconomyParameters.emc.multipliers.weight(
                        of: power, termDays: machine.termDays))
            })
    }

    /// The first address of a shard that is not taken.
    private static func address(
        on shard: Int, _ layout: ShardLayout, apartFrom others: [Address]
    ) -> Address {
        var number = 0
        while true {
            let address = Scenario.address("emission node \(number)")
            if Int(layout.home(of: address).value) == shard, !others.contains(address) {
                return address
            }
            number += 1
        }
    }

    // MARK: Days

    /// Registers, proves and stakes within the first day.
    private mutating func begin() throws {
        try decide(owners.map { ($0, .node(.register(key: .zero, spec: .zero))) })
        for _ in 0..<400 {
            let view = EconomyView(driver.beacon, driver.endpoints)
            let waiting = owners.filter {
                if case .active = view.node(of: $0)?.state { false } else { true }
            }
            guard !waiting.isEmpty else { return try stake() }
            try decide(waiting.indices.flatMap { acts(waiting[$0], view) })
        }
        throw EconomyFailure(checker: "rounds", detail: "nodes are not measured in time")
    }

    private mutating func stake() throws {
        for (owner, machine) in zip(owners, Self.machines) {
            guard let days = machine.termDays else { continue }
            // ECON-7: 1,000 tokens for each E.
            let power = table.nodes[owners.firstIndex(of: owner) ?? 0].power.tenThousandths
            let value = Amount(UInt128(power) * 1_000 * Self.token / 10_000)
            try decide([(owner, .node(.stake(termDays: days, value: value)))])
        }
    }

    /// What the round of a node waits for.
    private mutating func acts(
        _ owner: Address, _ view: EconomyView
    ) -> [(Address, TallyTransactions.Operation)] {
        guard let round = view.round(of: owner) else { return [] }
        let task = EconomyParameters.simulatedTask
        switch round.state {
        case .idle, .bound, .committed: return []
        case .open(let opening):
            let answer = ProofAnswer.commit(answering: round.challenge(opening, task: task))
            answers[owner] = answer
            return [(owner, .proof(.commit(round: round.number, root: answer.commitment.root)))]
        case .drawn(let opening, _, let draw):
            guard let answer = answers[owner] else { return [] }
            let challenge = round.challenge(opening, task: task)
            let shown = answer.opening(challenge.draw(seed: draw.seed, of: answer.commitment))
            let reveal = ProofOperation.reveal(
                round: round.number, weight: task.weight, opening: shown.encoded)
            return [(owner, .proof(reveal))]
        case .revealed(_, _, let draw, _): return attestations(round, draw)
        }
    }

    private func attestations(
        _ round: ProofRound, _ draw: RoundDraw
    ) -> [(Address, TallyTransactions.Operation)] {
        let machine = Self.machines[owners.firstIndex(of: round.node) ?? 0]
        let entry = ProofAttestation(
            node: round.node, round: round.number, milliseconds: machine.milliseconds)
        return draw.attesters.filter { $0.milliseconds == nil }.map {
            ($0.address, .proof(.attest([entry])))
        }
    }

    /// Goes through an epoch to its end, waits until its shares have arrived, and claims.
    private mutating func pass(_ day: Int) throws {
        let epoch = 20_000 + UInt64(day)
        // At noon whatever came due in the morning is done within the epoch.
        now = BeaconTime(milliseconds: epoch * EconomyOracle.day + EconomyOracle.day / 2)
        for _ in 0..<3 { try decide([]) }
        now = BeaconTime(milliseconds: (epoch + 1) * EconomyOracle.day)
        var minted: Amount?
        var arrived = 0
        for _ in 0..<200 where arrived < driver.endpoints.count {
            try decide([])
            for event in events {
                switch event {
                case .epoch(.minted(epoch, let nodes, _, _)): minted = nodes
                case .epoch(.arrived(_, epoch, _, _, _)): arrived += 1
                case .requested, .handled, .payout, .node, .proof, .job, .trade, .validator,
                    .epoch:
                    break
                }
            }
        }
        guard let minted, arrived == driver.endpoints.count else {
            throw EconomyFailure(checker: "epochs", detail: "epoch \(day) is not settled")
        }
        try claim(UInt64(day), minted)
    }

    private mutating func claim(_ epoch: UInt64, _ minted: Amount) throws {
        // A stake whose term ended was settled by itself.
        var rewards = pending
        pending = Array(repeating: 0, count: owners.count)
        if !minted.isZero { try decide(owners.map { ($0, .node(.claimRewards)) }) }
        for (place, paid) in pending.enumerated() { rewards[place] += paid }
        pending = Array(repeating: 0, count: owners.count)
        let paid = rewards.reduce(0, +)
        table.rows.append(
            EmissionTable.Row(
                epoch: epoch, minted: minted, rewards: rewards.map { Amount($0) },
                treasury: Amount(minted.units - paid),
                total: Amount((table.rows.last?.total.units ?? 0) + minted.units),
                unminted: EconomyView(driver.beacon, driver.endpoints).emission?.unminted ?? .zero))
    }

    // MARK: Heights

    /// What nodes were paid since the last row.
    private var pending: [UInt128] = Array(repeating: 0, count: EmissionRun.machines.count)

    /// Decides a height, 15 s after the one before.
    private mutating func decide(
        _ acts: [(sender: Address, operation: TallyTransactions.Operation)]
    ) throws {
        let layout = driver.genesis.parameters.layout
        now = BeaconTime(milliseconds: now.milliseconds + 15_000)
        let height = Int(truncatingIfNeeded: driver.beacon.head.height.value)
        var input = HeightInput(now: now, proposer: validators[height % validators.count])
        input.transactions = Array(repeating: [], count: layout.endpointCount)
        var nonces: [Address: Nonce] = [:]
        for (sender, operation) in acts {
            let nonce = try nonces[sender] ?? driver.account(sender).nonce
            nonces[sender] = nonce + 1
            input.transactions[Int(layout.home(of: sender).value)].append(
                try factory.transaction(of: operation, from: sender, nonce: nonce))
        }
        guard let decided = try driver.advance(input).decided else {
            throw EconomyFailure(checker: "validity", detail: "a proposal is refused")
        }
        try checker.check(decided, driver)
        try oracle.check(decided.records, validators: validators, endpoints: driver.endpoints)
        note(decided)
    }

    private mutating func note(_ height: DecidedHeight) {
        let results = height.records.flatMap { record in
            [record.systemResult].compactMap { $0 } + record.results
        }
        events = results.flatMap(\.events).compactMap { event in
            if case .compute(let event) = event { event } else { nil }
        }
        for case .node(.rewardsClaimed(let owner, let value)) in events {
            guard let place = owners.firstIndex(of: owner) else { continue }
            pending[place] += value.units
        }
    }
}
