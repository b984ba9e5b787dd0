import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Who sends what, over the whole run: transfers of every kind, some of which nobody can execute.
struct WorkloadState {
    private let workload: Workload
    /// Of a network that has an economy.
    private var economy: EconomyWorkload?
    private var random: SeededGenerator
    private let hasIllegal: Bool
    /// Made so that nobody can execute them, and no builder has refused them yet.
    private var illegal: Set<Hash32> = []
    /// The next nonce of a sender whose transactions are not final yet, and until when to believe it.
    private var next: [Address: (nonce: Nonce, until: UInt64)] = [:]

    init(_ scenario: Scenario) {
        var factory = WorkloadTransactions(
            chainID: scenario.genesis.parameters.chainID, maxFee: Amount(1_000_000), tip: Amount(1))
        factory.tip = Amount(2)
        workload = Workload(accounts: scenario.accounts, factory: factory)
        if scenario.hasWorkload {
            economy = EconomyWorkload(
                people: scenario.accounts + scenario.addresses,
                owners: Array(scenario.accounts.prefix(4)), validators: scenario.addresses)
        }
        hasIllegal = scenario.hasIllegal
        random = SeededGenerator(seed: scenario.seed ^ 0x776f_726b_6c6f_6164)
    }

    /// Transactions that nobody made before, and how long to wait for more.
    /// - Parameter reference: the decided state.
    mutating func arrival(
        _ scenario: Scenario, _ now: UInt64, _ reference: VirtualLedger
    ) -> (transactions: [Transaction], wait: UInt64) {
        let count = Int(random.pick(1...UInt64(scenario.transactionsPerArrival)))
        let time = BeaconTime(milliseconds: Scenario.start.milliseconds + now / 1000)
        var made: [Transaction] = []
        for _ in 0..<count {
            let sender = random.pick(scenario.accounts)
            var next = nonce(sender, now, reference)
            if let (transaction, isLegal) = transaction(sender, &next, time) {
                if !isLegal { illegal.insert(transaction.hash) }
                made.append(transaction)
                self.next[sender] = (next, now + 15_000_000)
            }
        }
        made += acts(now, reference)
        made += stakes(scenario, now, reference)
        return (made, random.pick(scenario.arrival / 4...scenario.arrival * 7 / 4))
    }

    private func nonce(_ sender: Address, _ now: UInt64, _ reference: VirtualLedger) -> Nonce {
        let final = reference.account(sender).nonce
        guard let known = next[sender], known.until > now, known.nonce > final else {
            return final
        }
        return known.nonce
    }

    /// Stakes and votes that are due, until the ledger has them (SIM-10).
    private mutating func stakes(
        _ scenario: Scenario, _ now: UInt64, _ reference: VirtualLedger
    ) -> [Transaction] {
        guard scenario.stakes.contains(where: { $0.from <= now }) else { return [] }
        let view = EconomyView(reference.beacon, reference.endpoints)
        var due: [(Address, ValidatorOperation)] = []
        for stake in scenario.stakes where stake.from <= now {
            guard view.stake(of: stake.owner) == nil else { continue }
            due.append((stake.owner, .stakeRole(.validator, termDays: 1, value: stake.amount)))
        }
        for impeachment in scenario.impeachments where impeachment.from <= now {
            let accused = impeachment.accused
            guard let stake = view.stake(of: accused), stake.isActive else { continue }
            for voter in scenario.stakes.map(\.owner)
            where voter != accused && !stake.votes.contains(voter)
                && view.stake(of: voter)?.isActive == true
            {
                due.append((voter, .impeach(accused)))
            }
        }
        var made: [Transaction] = []
        for (sender, operation) in due {
            let nonce = nonce(sender, now, reference)
            // One at a time, until it is final or lost.
            guard nonce == reference.account(sender).nonce,
                let transaction = try? workload.factory.transaction(
                    of: .validator(operation), from: sender, nonce: nonce)
            else { continue }
            made.append(transaction)
            next[sender] = (nonce + 1, now + 15_000_000)
        }
        return made
    }

    /// What the economy has to do.
    private mutating func acts(_ now: UInt64, _ reference: VirtualLedger) -> [Transaction] {
        guard var economy else { return [] }
        let view = EconomyView(reference.beacon, reference.endpoints)
        var made: [Transaction] = []
        for act in economy.acts(Int(random.pick(1...3)), view, using: &random) {
            let nonce = nonce(act.sender, now, reference)
            guard
                let transaction = try? workload.factory.transaction(
                    of: act.operation, from: act.sender, nonce: nonce)
            else { continue }
            economy.note(act, nonce: nonce)
            made.append(transaction)
            next[act.sender] = (nonce + 1, now + 15_000_000)
        }
        self.economy = economy
        return made
    }

    private mutating func transaction(
        _ sender: Address, _ nonce: inout Nonce, _ time: BeaconTime
    ) -> (Transaction, isLegal: Bool)? {
        var operation = workload.operation(at: time, &random)
        var factory = workload.factory
        var used = nonce
        var isLegal = false
        switch hasIllegal ? random.pick(12) : 12 {
        case 0: used = nonce + random.pick(1...3)
        case 1: used = nonce > 0 ? nonce - 1 : 5
        case 2: factory.maxFee = Amount(3)
        case 3: operation = .single(to: sender, value: Amount(1 << 90))
        default:
            nonce += 1
            isLegal = true
        }
        let made = try? factory.transaction(operation, from: sender, nonce: used)
        return made.map { ($0, isLegal) }
    }

    /// How many of these, refused by a builder, were made for that; each counts once.
    mutating func countIllegal(_ refused: [Hash32]) -> Int {
        refused.count { illegal.remove($0) != nil }
    }
}

extension NetworkRun {
    func arrive() {
        let (transactions, wait) = load.arrival(scenario, now, checks.reference)
        schedule(.arrival, after: wait)
        guard !transactions.isEmpty else { return }
        // One validator takes them in and tells the others.
        let entry = random.pick(nodes.count)
        take(transactions, nodes[entry])
        for node in nodes.indices where node != entry && links.connects(entry, node) {
            schedule(.transactions(transactions, to: node), after: 2 * scenario.delay)
        }
    }

    func take(_ transactions: [Transaction], _ node: VirtualValidator) {
        guard node.isUp, !postponed(.transactions(transactions, to: node.index), node) else {
            return
        }
        for transaction in transactions {
            node.pool.add(transaction, expires: now + 15_000_000)
        }
        offerWork(node)
    }
}
