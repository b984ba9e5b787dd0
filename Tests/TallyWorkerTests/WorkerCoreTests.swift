import TallyCrypto
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution
@testable import TallyWorker

private let me = account(1)
private let payer = account(2)
private let opening = RoundOpening(
    seed: SHA256.plain([1]), at: BeaconTime(milliseconds: 1_000),
    deadline: BeaconTime(milliseconds: 11_000))
private let drawSeed = SHA256.plain([2])

/// Values of what the computing machine sees, one thing changed after another.
private struct Scene {
    var core: WorkerCore
    var view: WorkerView
    let performer = WorkPerformer(runner: nil)

    init(_ change: (inout WorkerPolicy) -> Void = { _ in }) throws {
        let echo = try #require(ProgramName("echo"))
        var policy = WorkerPolicy(
            programs: RunnablePrograms(names: [echo], maximumSteps: 1_000))
        policy.price = Amount(800)
        policy.patience = 5
        change(&policy)
        core = WorkerCore(account: me, policy: policy)
        view = WorkerView(
            height: Height(10), time: BeaconTime(milliseconds: 2_000), economy: .small,
            balance: Amount(1_000_000))
    }

    /// - Parameter heights: since the last view.
    mutating func advance(_ heights: UInt64 = 1) -> [WorkerAction] {
        view.height = Height(view.height.value + heights)
        return core.advance(view)
    }

    mutating func round(_ state: RoundState, number: UInt64 = 3) {
        view.round = ProofRound(node: me, number: number, state: state, entry: 1, last: nil)
    }

    var challenge: ProofChallenge {
        ProofChallenge(task: .tiny, seed: opening.seed, node: me, round: 3)
    }

    var answer: ProofAnswer { .commit(answering: challenge) }

    var commitment: RoundCommitment {
        RoundCommitment(root: answer.root, at: BeaconTime(milliseconds: 3_000), drawFrom: 9)
    }

    func draw(until deadline: UInt64 = 20_000) -> RoundDraw {
        RoundDraw(
            seed: drawSeed, deadline: BeaconTime(milliseconds: deadline), attesters: [])
    }

    mutating func order(
        _ state: OrderState = .open(bids: []), _ terms: JobTerms? = nil, number: UInt64 = 1,
        payer: Address = payer
    ) throws {
        let id = ObjectID(owner: payer, number: number)
        view.orders.removeAll { $0.id == id }
        let usual = jobTerms(.hashChain, ProofTask.tiny.encoded)
        view.orders.append(
            JobOrder(
                id: id, terms: terms ?? usual, escrow: Amount(1_000), state: state,
                timer: JobTimer(step: 0, at: view.time)))
    }

    /// A lease of the machine's on order 1.
    func lease(_ state: LeaseState, of provider: Address = me) -> OrderState {
        .active(
            JobLease(
                bid: ObjectID(owner: provider, number: 4), price: Amount(800), state: state))
    }
}

private let job = ObjectID(owner: payer, number: 1)

@Suite struct WorkerCoreTests {
    // MARK: The node

    @Test func registersIfToldTo() throws {
        var idle = try Scene()
        #expect(idle.advance() == [])
        var scene = try Scene {
            $0.registration = .init(key: SHA256.plain([1]), spec: SHA256.plain([2]))
        }
        let operation = Operation.node(
            .register(key: SHA256.plain([1]), spec: SHA256.plain([2])))
        #expect(scene.advance() == [.submit(operation)])
        #expect(scene.advance() == [])
        scene.view.node = ComputeNode(
            owner: me, key: .zero, spec: .zero, state: .pending,
            outage: NodeOutage(lastSeen: scene.view.time))
        #expect(scene.advance(9) == [])
        scene.view.node?.state = .retired
        #expect(scene.advance() == [.submit(operation)])
    }

    @Test func saysItAgainAfterSomeHeights() throws {
        var scene = try Scene { $0.claimFrom = Amount(100) }
        scene.view.rewards = Amount(99)
        #expect(scene.advance() == [])
        scene.view.rewards = Amount(100)
        let claim = [WorkerAction.submit(.node(.claimRewards))]
        #expect(scene.advance() == claim)
        #expect(scene.advance(4) == [])
        #expect(scene.advance(1) == claim)
        // A node that lags shows an older height.
        scene.view.height = Height(2)
        #expect(scene.advance() == [])
    }

    @Test func saysAgainWhatWasNotTaken() throws {
        var scene = try Scene { $0.claimFrom = Amount(100) }
        scene.view.rewards = Amount(100)
        #expect(scene.advance().count == 1)
        scene.core.refused(.node(.deregister))
        #expect(scene.advance() == [])
        scene.core.refused(.node(.claimRewards))
        #expect(scene.advance().count == 1)
    }

    @Test func claimsNothingOfNothing() throws {
        var scene = try Scene { $0.claimFrom = .zero }
        #expect(scene.advance() == [])
    }

    // MARK: Rounds

    @Test func answersARound() throws {
        var scene = try Scene()
        scene.round(.bound(drawFrom: 4))
        #expect(scene.advance() == [])
        scene.round(.open(opening))
        let work = Work.round(scene.challenge)
        #expect(scene.advance() == [.compute(work)])
        #expect(scene.advance(9) == [], "it is computed once")
        scene.core.finish(scene.performer.perform(work))
        #expect(
            scene.advance() == [.submit(.proof(.commit(round: 3, root: scene.answer.root)))])
        #expect(scene.advance() == [])
        scene.round(.committed(opening, scene.commitment))
        #expect(scene.advance() == [])
        scene.round(.drawn(opening, scene.commitment, scene.draw()))
        let items = scene.challenge.draw(seed: drawSeed, of: scene.answer.commitment)
        let proof = scene.answer.opening(items)
        #expect(
            scene.advance() == [
                .submit(
                    .proof(
                        .reveal(round: 3, weight: ProofTask.tiny.weight, opening: proof.encoded)))
            ])
        #expect(scene.advance() == [])
        try scene.challenge.verify(proof, of: scene.answer.commitment, drawnBy: drawSeed)
        scene.round(
            .revealed(
                opening, scene.commitment, scene.draw(), deadline: BeaconTime(milliseconds: 1)))
        #expect(scene.advance(9) == [])
    }

    @Test func computesAgainAfterARestart() throws {
        for isDrawn in [false, true] {
            var scene = try Scene()
            let drawn = RoundState.drawn(opening, scene.commitment, scene.draw())
            scene.round(isDrawn ? drawn : .committed(opening, scene.commitment))
            #expect(scene.advance() == [.compute(.round(scene.challenge))])
            scene.core.finish(scene.performer.perform(.round(scene.challenge)))
            scene.round(drawn)
            #expect(scene.advance().operations.count == 1)
        }
    }

    @Test func asksAgainForAbandonedWork() throws {
        var scene = try Scene()
        scene.round(.open(opening))
        #expect(scene.advance().work.count == 1)
        scene.core.abandon(.round(challenge: scene.challenge.id))
        #expect(scene.advance().work.count == 1)
    }

    @Test func ignoresWorkThatNobodyAskedFor() throws {
        var scene = try Scene()
        scene.core.finish(scene.performer.perform(.round(scene.challenge)))
        scene.round(.open(opening))
        #expect(scene.advance() == [.compute(.round(scene.challenge))])
    }

    @Test func revealsNothingOfAnotherRoot() throws {
        var scene = try Scene()
        let other = RoundCommitment(
            root: .zero, at: BeaconTime(milliseconds: 3_000), drawFrom: 9)
        scene.round(.drawn(opening, other, scene.draw()))
        #expect(scene.advance().work.count == 1)
        scene.core.finish(scene.performer.perform(.round(scene.challenge)))
        #expect(scene.advance() == [])
    }

    @Test func doesNothingTooLate() throws {
        var scene = try Scene()
        scene.view.time = opening.deadline
        scene.round(.open(opening))
        #expect(scene.advance() == [])
        scene.round(.drawn(opening, scene.commitment, scene.draw(until: 11_000)))
        #expect(scene.advance() == [])
    }

    @Test func answersTheNextRoundAnew() throws {
        var scene = try Scene()
        scene.round(.open(opening))
        _ = scene.advance()
        scene.core.finish(scene.performer.perform(.round(scene.challenge)))
        #expect(scene.advance().operations.count == 1)
        scene.round(.open(opening), number: 4)
        let next = ProofChallenge(task: .tiny, seed: opening.seed, node: me, round: 4)
        #expect(scene.advance() == [.compute(.round(next))])
    }

    // MARK: Bids

    @Test func bidsItsPriceWithTheBond() throws {
        var scene = try Scene()
        try scene.order()
        let bid = JobOperation.placeBid(order: job, price: Amount(800), bond: Amount(80))
        #expect(scene.advance() == [.submit(.job(bid))])
        #expect(scene.advance() == [])
        try scene.order(.open(bids: [ObjectID(owner: me, number: 0)]))
        #expect(scene.advance(9) == [])
    }

    @Test func bidsItsRateOnRentals() throws {
        var scene = try Scene { $0.rate = Amount(20) }
        try scene.order(.open(bids: []), jobTerms(.listed, listed("echo"), .rental))
        // 10 % of 20 a second for a minute.
        let bid = JobOperation.placeBid(order: job, price: Amount(20), bond: Amount(120))
        #expect(scene.advance() == [.submit(.job(bid))])
    }

    @Test func leavesOrdersAlone() throws {
        func bids(_ terms: JobTerms, _ change: (inout WorkerPolicy) -> Void = { _ in }) throws
            -> Int
        {
            var scene = try Scene(change)
            try scene.order(.open(bids: []), terms)
            return scene.advance().count
        }
        let spec = ProofTask.tiny.encoded
        #expect(try bids(jobTerms(.hashChain, spec)) == 1)
        #expect(try bids(jobTerms(.hashChain, spec, price: 800)) == 1)
        #expect(try bids(jobTerms(.hashChain, spec, price: 799)) == 0, "pays less")
        #expect(try bids(jobTerms(.hashChain, spec, bidsUntil: 2_000)) == 0, "over")
        #expect(try bids(jobTerms(.hashChain, spec, .rental)) == 0, "no rate")
        #expect(try bids(jobTerms(.matrixProduct, spec)) == 0, "no task")
        #expect(try bids(jobTerms(.listed, listed("other"))) == 0, "not in the list")
        #expect(try bids(jobTerms(.hashChain, spec)) { $0.price = nil } == 0)
        #expect(try bids(jobTerms(.hashChain, spec)) { $0.shortestDuration = 60_001 } == 0)
        #expect(try bids(jobTerms(.hashChain, spec)) { $0.maximumLeases = 0 } == 0)
        #expect(try bids(jobTerms(.hashChain, spec)) { $0.programs.maximumSteps = 1 } == 0)
        // A bond of 80 of 1,000,000.
        #expect(try bids(jobTerms(.hashChain, spec)) { $0.reserve = Amount(999_920) } == 1)
        #expect(try bids(jobTerms(.hashChain, spec)) { $0.reserve = Amount(999_921) } == 0)
    }

    @Test func leavesItsOwnAndFullOrdersAlone() throws {
        var scene = try Scene()
        try scene.order(payer: me)
        #expect(scene.advance() == [])
        let others = (0..<16).map { ObjectID(owner: account(3, $0), number: 0) }
        try scene.order(.open(bids: others))
        #expect(scene.advance() == [])
        try scene.order(.open(bids: Array(others.dropLast())))
        #expect(scene.advance().count == 1)
    }

    @Test func bidsOnNoMoreThanItMay() throws {
        var scene = try Scene { $0.maximumLeases = 3 }
        try scene.order(scene.lease(.working(deadline: BeaconTime(milliseconds: 2_000))))
        for number in (2...5).reversed() { try scene.order(number: UInt64(number)) }
        #expect(scene.advance().operations.map(\.bidOn) == [2, 3])
        #expect(scene.advance() == [])
        try scene.order(.open(bids: [ObjectID(owner: me, number: 7)]), number: 2)
        #expect(scene.advance() == [], "one is seen, the other is not, the third is a lease")
    }

    @Test func bidsWithinItsMoney() throws {
        var scene = try Scene { $0.maximumLeases = 9 }
        scene.view.balance = Amount(239)
        for number in 1...5 { try scene.order(number: UInt64(number)) }
        #expect(scene.advance().count == 2)
    }

    // MARK: Leases

    @Test func deliversWhatItWasGiven() throws {
        var scene = try Scene()
        let state = scene.lease(.working(deadline: BeaconTime(milliseconds: 50_000)))
        try scene.order(state)
        let work = Work.job(job, jobTerms(.hashChain, ProofTask.tiny.encoded))
        #expect(scene.advance() == [.compute(work)])
        #expect(scene.advance(9) == [])
        scene.core.finish(scene.performer.perform(work))
        let result = ComputeProgram.result(of: .tiny, seed: jobInput)
        #expect(scene.advance() == [.submit(.job(.deliver(order: job, result: result)))])
        #expect(scene.advance() == [])
        let delivery = JobDelivery(
            result: result, disputableUntil: scene.view.time, check: .passed)
        try scene.order(scene.lease(.delivered(delivery)))
        #expect(scene.advance(9) == [])
    }

    @Test func deliversNothingTooLateOrForOthers() throws {
        var scene = try Scene()
        try scene.order(scene.lease(.working(deadline: scene.view.time)))
        #expect(scene.advance() == [])
        let later = BeaconTime(milliseconds: 50_000)
        try scene.order(scene.lease(.working(deadline: later), of: account(3)))
        #expect(scene.advance() == [])
    }

    @Test func deliversNothingWithoutAResult() throws {
        var scene = try Scene()
        let terms = try jobTerms(.listed, listed("echo"))
        let later = BeaconTime(milliseconds: 50_000)
        try scene.order(scene.lease(.working(deadline: later)), terms)
        #expect(scene.advance() == [.compute(.job(job, terms))])
        scene.core.finish(.job(job, .noResult(.timedOut)))
        #expect(scene.advance(9) == [])
    }

    @Test func computesNothingForARental() throws {
        var scene = try Scene()
        let meter = RentalMeter(elapsed: 0, since: scene.view.time, paid: .zero)
        try scene.order(
            scene.lease(.renting(meter)), jobTerms(.listed, listed("echo"), .rental))
        try scene.order(number: 2)
        #expect(scene.advance() == [], "and it takes the one place")
    }
}
