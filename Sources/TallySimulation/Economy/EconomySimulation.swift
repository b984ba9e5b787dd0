import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Why a seed of the economy failed.
package struct EconomyFailure: Error, Sendable, CustomStringConvertible {
    package let checker: String
    package let detail: String

    package var description: String { "\(checker): \(detail)" }
}

/// A whole economy on two replicas of a ledger, from one seed (SIM-43): without agreement or disk,
/// every height recounted from the facts, and its money from its events.
package struct EconomySimulation: Sendable {
    /// What a run went through.
    package struct Outcome: Hashable, Sendable {
        package var heights = 0
        package var transactions = 0
        /// How often each log of the families was.
        package var events: [String: Int] = [:]
        /// Why operations failed, here or where their object is, and how often.
        package var failures: [String: Int] = [:]
    }

    private var driver: LedgerDriver
    private var checker: LedgerChecker
    private var oracle: EconomyOracle
    private var elections: ElectionModel
    private var workload: EconomyWorkload
    private let transfers: Workload
    private let factory: WorkloadTransactions
    private let validators: [Address]
    private var random: SeededGenerator
    private var now: BeaconTime
    /// Hours that the ledger may sleep at once; 0 for never.
    private let longestSleep: UInt64
    private var outcome = Outcome()

    /// Runs one seed: `heights` with traffic, and some without, until all that was promised is paid.
    package static func run(seed: UInt64, heights: Int = 150) throws -> Outcome {
        var simulation = try EconomySimulation(seed)
        for _ in 0..<heights { try simulation.advance() }
        for _ in 0..<12 { try simulation.advance(isQuiet: true) }
        for _ in 0..<120 where !simulation.oracle.isSettled {
            try simulation.advance(isQuiet: true)
        }
        guard simulation.oracle.isSettled else {
            throw EconomyFailure(checker: "liveness", detail: "promised payments do not arrive")
        }
        return simulation.outcome
    }

    private init(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &* 0x9e37_79b9 &+ 43)
        let shards = [1, 2, 3, 5][Int(seed % 4)]
        guard let layout = ShardLayout(shardCount: shards) else {
            preconditionFailure("a layout of \(shards) shards")
        }
        var parameters = NetworkParameters(chainID: 9, layout: layout)
        parameters.minimumBaseFee = Amount(1)
        parameters.baseFeeDestination = random.pick(3) == 0 ? .burn : .treasury
        parameters.window = Int(random.pick([8, 64, 4_096]))
        parameters.dueBound = Int(random.pick([120, 400, 65_536]))
        parameters.blockWeight = random.pick(2_000_000...20_000_000)
        longestSleep = random.pick(3) == 0 ? 0 : 30
        parameters.epochMilliseconds =
            longestSleep == 0
            ? random.pick([20_000, 60_000]) : random.pick([3_600_000, 21_600_000])
        parameters.economy = .simulated(using: &random)
        let people = (0..<Int(random.pick(8...16))).map { number in
            SHA256.hash(.object, Array("person \(seed) \(number)".utf8)).withBytes {
                Address(loading: UnsafeRawBufferPointer(rebasing: $0[..<20]))
            }
        }
        validators = Array(people.prefix(Int(random.pick(1...6))))
        now = BeaconTime(milliseconds: 1_700_000_000_000)
        let genesis = try Genesis(
            parameters: parameters, time: now,
            accounts: people.map { .init(address: $0, balance: Amount(1_000_000_000_000)) },
            validators: validators)
        driver = try LedgerDriver(genesis, proposer: validators[0])
        checker = LedgerChecker(genesis)
        oracle = EconomyOracle(genesis)
        elections = ElectionModel(genesis)
        workload = EconomyWorkload(
            people: people, owners: Array(people.suffix(Int(random.pick(2...6)))),
            validators: people)
        factory = WorkloadTransactions(chainID: 9, maxFee: Amount(1_000))
        transfers = Workload(accounts: people, factory: factory)
        self.random = random
    }

    private mutating func advance(isQuiet: Bool = false) throws {
        sleep(isQuiet)
        // Whoever was elected: seeds are made by builders of power (SEED-4).
        let validators = driver.beacon.view.validators
        var input = HeightInput(now: now, proposer: random.pick(validators))
        if !isQuiet { input.transactions = try offers() }
        switch try driver.advance(input) {
        case .rejected(let rejection):
            throw EconomyFailure(checker: "validity", detail: "\(rejection)")
        case .decided(let height):
            outcome.heights += 1
            try checker.check(height, driver)
            count(height)
            do throws(EconomyViolation) {
                try oracle.check(
                    height.records, validators: validators, endpoints: driver.endpoints)
            } catch { throw EconomyFailure(checker: "economy", detail: "\(error)") }
            do throws(ModelViolation) {
                try elections.check(height.block.header, elected: oracle.elected)
            } catch { throw EconomyFailure(checker: "execution", detail: "\(error)") }
        }
    }

    /// Mostly a second or two, sometimes so long that epochs, terms and penalties are missed.
    private mutating func sleep(_ isQuiet: Bool) {
        var wait = random.pick(200...2_500)
        if !isQuiet, random.pick(40) == 0 {
            wait =
                longestSleep == 0
                ? random.pick(1...600_000) : random.pick(1...longestSleep) * 3_600_000
        }
        now = BeaconTime(milliseconds: now.milliseconds + wait)
    }

    private mutating func offers() throws -> [[Transaction]] {
        let layout = driver.genesis.parameters.layout
        let view = EconomyView(driver.beacon, driver.endpoints)
        var offered: [[Transaction]] = Array(repeating: [], count: layout.endpointCount)
        var nonces: [Address: Nonce] = [:]
        var acts = workload.acts(Int(random.pick(1...6)), view, using: &random)
        if random.pick(3) == 0 {
            let transfer = transfers.operation(at: now, &random)
            acts.append(.init(random.pick(transfers.accounts), .transfer(transfer)))
        }
        for act in acts {
            let nonce = try nonces[act.sender] ?? driver.account(act.sender).nonce
            guard
                let made = try? factory.transaction(
                    of: act.operation, from: act.sender, nonce: nonce)
            else { continue }
            workload.note(act, nonce: nonce)
            nonces[act.sender] = nonce + 1
            offered[Int(layout.home(of: act.sender).value)].append(made)
        }
        return offered
    }

    private mutating func count(_ height: DecidedHeight) {
        for record in height.records {
            outcome.transactions += record.results.count
            for reason in record.results.compactMap(\.failure) {
                outcome.failures["\(reason)", default: 0] += 1
            }
            for result in [record.systemResult].compactMap({ $0 }) + record.results {
                for event in result.events {
                    if case .bounced(_, _, _, _, let reason) = event {
                        outcome.failures["\(reason)", default: 0] += 1
                    }
                    guard case .compute(let event) = event, let name = event.record?.name else {
                        continue
                    }
                    outcome.events[name, default: 0] += 1
                }
            }
        }
    }
}
