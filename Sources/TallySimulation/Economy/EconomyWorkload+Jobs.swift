import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions

// Orders, bids, results, arbitration, offers and trades.

extension EconomyWorkload {
    private static let answer = SHA256.plain([1])
    private static let wrong = SHA256.plain([2])
    private static let salt = SHA256.plain([3])

    private static func pair(_ domain: HashDomain, _ words: [Hash32]) -> Hash32 {
        SHA256.hash(domain) { for word in words { $0.update(word) } }
    }

    /// What an arbiter commits to (JOB-17).
    private static func verdict(
        _ order: ObjectID, _ arbiter: Address, _ result: Hash32
    ) -> Hash32 {
        SHA256.hash(.jobVerdict) {
            $0.update(order.word)
            $0.update(arbiter)
            $0.update(result)
            $0.update(salt)
        }
    }

    /// What an arbiter says: one in four is wrong, and stays so.
    private static func opinion(_ arbiter: Address) -> Hash32 {
        arbiter.words.2 % 4 == 0 ? wrong : answer
    }

    /// What a vote waits for; mostly done.
    func voteActs(
        _ id: ObjectID, _ view: EconomyView, _ random: inout SeededGenerator
    ) -> [Act] {
        guard let order = view.order(id), case .active(let lease) = order.state,
            case .delivered(let delivery) = lease.state, case .voting(let vote) = delivery.check
        else { return [] }
        var acts: [Act] = []
        for ballot in vote.ballots where random.pick(3) == 0 {
            acts.append(Self.ballotAct(id, ballot))
        }
        return acts
    }

    private static func ballotAct(_ id: ObjectID, _ ballot: JobBallot) -> Act {
        let told = opinion(ballot.arbiter)
        switch ballot.vote {
        case .none:
            return Act(
                ballot.arbiter,
                .commitVerdict(order: id, commitment: verdict(id, ballot.arbiter, told)))
        case .committed, .revealed:
            return Act(ballot.arbiter, .revealVerdict(order: id, result: told, salt: salt))
        }
    }

    // MARK: Orders

    func jobAct(_ view: EconomyView, _ random: inout SeededGenerator) -> Act {
        let live = orders.filter {
            if case .closed = view.order($0)?.state ?? .open(bids: []) { false } else { true }
        }
        guard !orders.isEmpty, random.pick(live.count < 4 ? 3 : 12) != 0 else {
            return post(view, &random)
        }
        let id = random.pick(live.isEmpty || random.pick(10) == 0 ? orders : live)
        guard let order = view.order(id), random.pick(6) != 0 else {
            return Act(anybody(&random), stray(id, &random))
        }
        let anyone = anybody(&random)
        switch order.state {
        case .open(let bids): return bidding(order, bids, view, &random)
        case .closed: return Act(anyone, stray(id, &random))
        case .active(let lease):
            switch lease.state {
            case .working:
                return random.pick(6) == 0
                    ? Act(lease.provider, .closeLease(order: id))
                    : Act(lease.provider, .deliver(order: id, result: result(&random)))
            case .renting, .insufficientFunds:
                switch random.pick(6) {
                case 0, 1, 2: return Act(anyone, .settle(order: id))
                case 3, 4: return Act(anyone, .topUp(order: id, value: amount(1...9_000, &random)))
                default:
                    let sender = random.pick([id.owner, lease.provider])
                    return Act(sender, .closeLease(order: id))
                }
            case .delivered: return judging(id, anyone, &random)
            }
        }
    }

    private func result(_ random: inout SeededGenerator) -> Hash32 {
        random.pick(3) == 0 ? Self.wrong : Self.answer
    }

    private func post(_ view: EconomyView, _ random: inout SeededGenerator) -> Act {
        let price = random.pick(1...3_000)
        let seals = [
            Self.pair(.jobSeal, [Self.answer, Self.salt]), Hash32.random(&random),
        ]
        let terms = JobTerms(
            program: random.pick(JobProgram.allCases), pricing: random.pick([.fixed, .rental]),
            input: .random(&random), sealed: random.pick(seals), price: Amount(UInt128(price)),
            bidsUntil: BeaconTime(
                milliseconds: view.time.milliseconds + random.pick(1...60_000)),
            duration: random.pick(1...60_000), spec: [1, 2, 3])
        return Act(
            anybody(&random), .postJob(terms, escrow: amount(price...(price + 9_000), &random)))
    }

    private func bidding(
        _ order: JobOrder, _ bids: [ObjectID], _ view: EconomyView,
        _ random: inout SeededGenerator
    ) -> Act {
        if !bids.isEmpty, random.pick(2) == 0 {
            let bid = random.pick(bids)
            switch random.pick(6) {
            case 0: return Act(bid.owner, .withdrawBid(order: order.id))
            case 1: return Act(order.payer, .closeOrder(order: order.id))
            default: return Act(order.payer, .acceptBid(order: order.id, bid: bid))
            }
        }
        let limit = UInt64(truncatingIfNeeded: order.terms.price.units)
        let price = amount(1...(limit + (random.pick(8) == 0 ? 10 : 0)), &random)
        let bond = EconomyOracle.bond(price, order.terms, view.parameters.economy?.jobs)
        let paid = random.pick(10) == 0 ? Amount(bond.units + 1) : bond
        return Act(
            anybody(&random), .placeBid(order: order.id, price: price, bond: paid))
    }

    private func judging(
        _ id: ObjectID, _ anyone: Address, _ random: inout SeededGenerator
    ) -> Act {
        switch random.pick(6) {
        case 0, 1: Act(id.owner, .dispute(order: id))
        case 2: Act(id.owner, .acceptResult(order: id))
        case 3: Act(id.owner, .reveal(order: id, answer: Self.answer, salt: Self.salt))
        default: Act(anyone, .settle(order: id))
        }
    }

    /// Something with an order that nobody looked at.
    private func stray(_ id: ObjectID, _ random: inout SeededGenerator) -> JobOperation {
        switch random.pick(10) {
        case 0: .withdrawBid(order: id)
        case 1: .closeOrder(order: id)
        case 2: .deliver(order: id, result: Self.answer)
        case 3: .reveal(order: id, answer: Self.answer, salt: Self.salt)
        case 4: .acceptResult(order: id)
        case 5: .dispute(order: id)
        case 6: .commitVerdict(order: id, commitment: .random(&random))
        case 7: .topUp(order: id, value: Amount(5))
        case 8: .closeLease(order: id)
        default: .settle(order: id)
        }
    }

    // MARK: Offers

    func tradeAct(_ view: EconomyView, _ random: inout SeededGenerator) -> Act {
        if offers.isEmpty || random.pick(5) == 0 {
            let until = BeaconTime(
                milliseconds: view.time.milliseconds + random.pick(1...200_000))
            let terms = OfferTerms(
                resource: random.pick(ComputeResource.allCases), specification: .random(&random),
                pricePerUnit: amount(1...90_000, &random), units: random.pick(1...40),
                until: random.pick([until, nil]))
            return Act(anybody(&random), .listOffer(terms))
        }
        let open = offers.filter { view.offer($0) != nil }
        let id = random.pick(open.isEmpty || random.pick(8) == 0 ? offers : open)
        let offer = view.offer(id)
        switch random.pick(12) {
        case 0:
            return Act(random.pick([id.owner, anybody(&random)]), .cancelOffer(id))
        case 1: return Act(id.owner, .repriceOffer(id, pricePerUnit: amount(1...90_000, &random)))
        case 2...3:
            guard !trades.isEmpty else { return Act(id.owner, .cancelOffer(id)) }
            let trade = random.pick(trades)
            return Act(anybody(&random), .settleTrade(trade.id, seller: trade.seller))
        default:
            let price = offer?.pricePerUnit.units ?? 5
            let most = random.pick(10) == 0 ? max(1, price - 1) : price + UInt128(random.pick(20))
            return Act(
                anybody(&random),
                .buyCompute(
                    id, units: random.pick(1...max(1, (offer?.units ?? 2) / 3 + 1)),
                    maximumPrice: Amount(most)))
        }
    }
}
