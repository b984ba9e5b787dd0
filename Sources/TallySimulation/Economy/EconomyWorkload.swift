import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// What people and machines do in an economy: nodes that answer their rounds, validators that
/// attest and arbitrate, jobs, rentals, trades and stakes. It looks at the decided state, so most
/// of it is what somebody would do next; a good part is what nobody may do: too early, twice, by
/// somebody else, in another state (SIM-43).
package struct EconomyWorkload: Sendable {
    /// Who asked for what.
    package struct Act: Sendable {
        package let sender: Address
        package let operation: TallyTransactions.Operation

        init(_ sender: Address, _ operation: TallyTransactions.Operation) {
            self.sender = sender
            self.operation = operation
        }

        init(_ sender: Address, _ operation: JobOperation) { self.init(sender, .job(operation)) }
        init(_ sender: Address, _ operation: NodeOperation) {
            self.init(sender, .node(operation))
        }
        init(_ sender: Address, _ operation: ProofOperation) {
            self.init(sender, .proof(operation))
        }
        init(_ sender: Address, _ operation: TradeOperation) {
            self.init(sender, .trade(operation))
        }
        init(_ sender: Address, _ operation: ValidatorOperation) {
            self.init(sender, .validator(operation))
        }
    }

    /// Who acts, validators of the genesis among them: all with money.
    let people: [Address]
    /// Of them, who run a node.
    let owners: [Address]
    /// Who may stake as a validator: in a network those who run one.
    let validators: [Address]
    /// The last ones that were made.
    var orders: [ObjectID] = []
    var offers: [ObjectID] = []
    var trades: [(id: ObjectID, seller: Address)] = []
    /// Work that a node has done, by owner.
    var answers: [Address: (round: UInt64, answer: ProofAnswer)] = [:]

    /// Objects that are remembered of each kind.
    private static let memory = 12

    package init(people: [Address], owners: [Address], validators: [Address]) {
        precondition(!people.isEmpty && !owners.isEmpty, "an economy without anybody")
        self.people = people
        self.owners = owners
        self.validators = validators
    }

    /// What is done next: what rounds and votes wait for, most of it, and `count` other things.
    package mutating func acts(
        _ count: Int, _ view: EconomyView, using random: inout SeededGenerator
    ) -> [Act] {
        var acts: [Act] = []
        for owner in owners { acts += roundActs(owner, view, &random) }
        for order in orders { acts += voteActs(order, view, &random) }
        for _ in 0..<count { acts.append(anything(view, &random)) }
        return acts
    }

    /// Remembers what an act made, under the nonce of its transaction.
    package mutating func note(_ act: Act, nonce: Nonce) {
        let id = ObjectID(owner: act.sender, number: nonce)
        switch act.operation {
        case .job(.postJob): Self.remember(id, in: &orders)
        case .trade(.listOffer): Self.remember(id, in: &offers)
        case .trade(.buyCompute(let offer, _, _)):
            trades.append((id, offer.owner))
            if trades.count > Self.memory { trades.removeFirst() }
        case .transfer, .node, .proof, .job, .trade, .validator: break
        }
    }

    private static func remember(_ id: ObjectID, in list: inout [ObjectID]) {
        list.append(id)
        if list.count > memory { list.removeFirst() }
    }

    private mutating func anything(
        _ view: EconomyView, _ random: inout SeededGenerator
    ) -> Act {
        switch random.pick(20) {
        case 0..<6: nodeAct(view, &random)
        case 6..<13: jobAct(view, &random)
        case 13..<17: tradeAct(view, &random)
        default: stakeAct(view, &random)
        }
    }

    func anybody(_ random: inout SeededGenerator) -> Address { random.pick(people) }

    func amount(_ range: ClosedRange<UInt64>, _ random: inout SeededGenerator) -> Amount {
        Amount(UInt128(random.pick(range)))
    }
}

extension Hash32 {
    static func random(_ random: inout SeededGenerator) -> Hash32 {
        Hash32(words: (random.next(), random.next(), random.next(), random.next()))
    }
}
