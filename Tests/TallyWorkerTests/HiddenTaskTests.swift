import TallyCrypto
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution
@testable import TallyWorker

private let me = account(0, 50)
private let buyer = account(1, 7)
private let secret = SHA256.plain([5])
private let seen = ObjectID(owner: buyer, number: 3)
/// The task's id, once it is on the ledger.
private let task = ObjectID(owner: me, number: 9)

/// A machine and a ledger that the test writes: an order of somebody else was seen at 5,000 ms.
private struct Scene {
    var tasks: HiddenTasks
    var view = HiddenTaskView(
        height: Height(10), time: BeaconTime(milliseconds: 5_000),
        balance: Amount(1_000_000_000), fee: Amount(2))

    init(share: UInt16 = 10_000, most: UInt128 = 5_000, _ secret: Hash32 = secret) {
        tasks = Self.tasks(share: share, most: most, secret)
    }

    static func tasks(
        share: UInt16 = 10_000, most: UInt128 = 5_000, _ secret: Hash32 = secret
    ) -> HiddenTasks {
        HiddenTasks(
            account: me, secret: secret,
            policy: HiddenTaskPolicy(
                shareBps: share, maximumEscrow: Amount(most),
                programs: RunnablePrograms(maximumSteps: 1_000), patience: 5))
    }

    static func pattern(
        _ id: ObjectID = seen, _ terms: JobTerms = jobTerms(.hashChain, ProofTask.tiny.encoded),
        escrow: UInt128 = 3_000
    ) -> OrderPattern {
        OrderPattern(id: id, terms: terms, escrow: Amount(escrow), bidding: 40_000)
    }

    /// One view later: what is asked for, with all work done.
    mutating func advance(
        after milliseconds: UInt64 = 0, heights: UInt64 = 1
    ) -> [TallyTransactions.Operation] {
        view.height = Height(view.height.value + heights)
        view.time = BeaconTime(milliseconds: view.time.milliseconds + milliseconds)
        var actions = tasks.advance(view)
        view.posted = []
        var operations = actions.operations
        while !actions.work.isEmpty {
            for work in actions.work { tasks.finish(WorkPerformer(runner: nil).perform(work)) }
            actions = tasks.advance(view)
            operations += actions.operations
        }
        return operations
    }

    /// The task that is posted for an order that was seen.
    mutating func posted(_ pattern: OrderPattern = pattern()) throws -> (JobTerms, Amount) {
        view.posted = [pattern]
        var operations = advance()
        if operations.isEmpty { operations = advance(after: pattern.bidding) }
        guard case .job(.postJob(let terms, let escrow))? = operations.first else {
            throw Nothing()
        }
        return (terms, escrow)
    }

    struct Nothing: Error {}

    /// The task as an order of the ledger, with bids.
    mutating func open(_ terms: JobTerms, _ bids: [(ObjectID, UInt128)] = []) {
        view.orders = [order(terms, .open(bids: bids.map(\.0)))]
        view.bids[task] = bids.map {
            JobBid(order: task, id: $0.0, price: Amount($0.1), bond: Amount(1), state: .open)
        }
    }

    mutating func deliver(_ terms: JobTerms, _ result: Hash32, _ check: ResultCheck? = nil) {
        let delivery = JobDelivery(
            result: result,
            disputableUntil: BeaconTime(milliseconds: view.time.milliseconds + 20_000),
            check: check ?? .unsampled(draw: 9))
        let lease = JobLease(
            bid: ObjectID(owner: account(3), number: 1), price: Amount(1),
            state: .delivered(delivery))
        view.orders = [order(terms, .active(lease))]
    }

    func order(_ terms: JobTerms, _ state: OrderState) -> JobOrder {
        JobOrder(
            id: task, terms: terms, escrow: Amount(3_000), state: state,
            timer: JobTimer(step: 0, at: view.time))
    }

    /// Everything that is asked for in the next 60 s.
    mutating func wait() -> [TallyTransactions.Operation] {
        (0..<60).flatMap { _ in advance(after: 1_000, heights: 0) }
    }
}

private func result(_ terms: JobTerms) -> Hash32 {
    ComputeProgram.result(of: .tiny, seed: terms.input)
}

private func bid(_ number: UInt64) -> ObjectID { ObjectID(owner: account(3, number), number: 0) }

@Suite struct HiddenTaskTests {
    // MARK: Posting

    @Test func postsAnOrderLikeOneThatItSaw() throws {
        var scene = Scene()
        let (terms, escrow) = try scene.posted()
        let pattern = Scene.pattern()
        #expect(escrow == pattern.escrow)
        #expect(terms.input != pattern.terms.input && terms.sealed != pattern.terms.sealed)
        #expect(terms.bidsUntil.milliseconds == scene.view.time.milliseconds + 40_000)
        #expect(
            terms
                == JobTerms(
                    program: .hashChain, pricing: .fixed, input: terms.input,
                    sealed: terms.sealed, price: Amount(1_000), bidsUntil: terms.bidsUntil,
                    duration: 60_000, spec: ProofTask.tiny.encoded))
        #expect(scene.wait() == [], "once")
    }

    @Test func sealsTheAnswerWithADrawnSalt() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        let number: [UInt8] = [0, 0, 0, 0, 0, 0, 0]
        #expect(terms.input == SHA256.plain([0x66] + secret.bytes + number + [4] + seen.word.bytes))
        let salt = SHA256.plain([0x66] + secret.bytes + number + [5] + terms.input.bytes)
        #expect(terms.sealed == JobOrder.seal(answer: result(terms), salt: salt))
    }

    @Test func anotherSecretDrawsAnotherTask() throws {
        var scene = Scene()
        var other = Scene(.zero)
        #expect(try scene.posted().0.input != other.posted().0.input)
    }

    /// The delay is a draw: below the time for bids, and not always the same.
    @Test func postsAfterADrawnDelay() throws {
        var delays: Set<UInt64> = []
        for number in 0..<12 {
            var scene = Scene()
            scene.view.posted = [Scene.pattern(ObjectID(owner: buyer, number: UInt64(number)))]
            var waited: UInt64 = 0
            while scene.advance(after: waited == 0 ? 0 : 1_000, heights: 0).isEmpty {
                waited += 1_000
                try #require(waited <= 41_000)
            }
            delays.insert(waited)
        }
        #expect(delays.count > 6)
    }

    /// 500 of 10,000: of 2,000 orders 100, within four standard deviations (39).
    @Test func postsForItsShareOfOrders() {
        var count = 0
        for number in 0..<2_000 {
            var scene = Scene(share: 500)
            scene.view.posted = [Scene.pattern(ObjectID(owner: buyer, number: UInt64(number)))]
            scene.view.height = Height(11)
            if !scene.tasks.advance(scene.view).work.isEmpty { count += 1 }
        }
        #expect((61...139).contains(count), "\(count)")
    }

    @Test func shareOfNothingPostsNothing() {
        var scene = Scene(share: 0)
        scene.view.posted = [Scene.pattern()]
        #expect(scene.wait() == [])
    }

    @Test(arguments: ["rental", "listed", "steps", "malformed", "own", "dear", "late"])
    func looksLikeNoOtherOrder(what: String) throws {
        var scene = Scene()
        let spec = ProofTask.tiny.encoded
        let long = ProofTask.chain(try ChainTask(segments: 1_001, stepsPerSegment: 1, openings: 1))
        let plain = jobTerms(.hashChain, spec)
        let pattern =
            switch what {
            case "rental": Scene.pattern(seen, jobTerms(.hashChain, spec, .rental))
            case "listed": Scene.pattern(seen, try jobTerms(.listed, listed("echo")))
            case "steps": Scene.pattern(seen, jobTerms(.hashChain, long.encoded))
            case "malformed": Scene.pattern(seen, jobTerms(.matrixProduct, spec))
            case "own": Scene.pattern(ObjectID(owner: me, number: 1))
            case "dear": Scene.pattern(escrow: 5_001)
            default: OrderPattern(id: seen, terms: plain, escrow: Amount(1), bidding: 0)
            }
        scene.view.posted = [pattern]
        #expect(scene.wait() == [])
    }

    /// The fees of 100,000,000 of weight at 2 are kept.
    @Test(arguments: [(UInt128(200_003_000), true), (200_002_999, false), (100, false)])
    func spendsNothingOfItsReserve(balance: UInt128, isEnough: Bool) {
        var scene = Scene()
        scene.view.balance = Amount(balance)
        let posted = try? scene.posted()
        #expect((posted != nil) == isEnough)
        #expect(scene.wait() == [])
    }

    @Test func hasOneTaskAtATime() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        scene.view.posted = [Scene.pattern(ObjectID(owner: buyer, number: 4))]
        #expect(scene.advance(after: 40_000) == [], "on its way")
        scene.open(terms)
        scene.view.posted = [Scene.pattern(ObjectID(owner: buyer, number: 5))]
        #expect(scene.wait() == [], "on the ledger")
        scene.view.orders = []
        scene.view.posted = [Scene.pattern(ObjectID(owner: buyer, number: 6))]
        #expect(scene.wait().count == 1)
    }

    @Test func forgetsWhatWasNotTaken() throws {
        var scene = Scene()
        let (terms, escrow) = try scene.posted()
        scene.tasks.refused(.job(.postJob(terms, escrow: escrow)))
        #expect(scene.wait() == [])
        #expect(try scene.posted(Scene.pattern(ObjectID(owner: buyer, number: 4))).0 != terms)
    }

    // MARK: Bids

    @Test func acceptsTheLowestBid() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        let own = ObjectID(owner: me, number: 1)
        scene.open(terms, [(bid(4), 900), (bid(3), 800), (bid(2), 800), (own, 1)])
        #expect(scene.wait() == [.job(.acceptBid(order: task, bid: bid(2)))])
    }

    /// It may take half of the time that is left, and never more.
    @Test func acceptsInTime() throws {
        for remaining: UInt64 in [2, 500, 40_000] {
            var scene = Scene()
            let (terms, _) = try scene.posted()
            let end = terms.bidsUntil.milliseconds
            scene.view.time = BeaconTime(milliseconds: end - remaining)
            scene.open(terms, [(bid(1), 900)])
            let found = scene.advance() + scene.advance(after: remaining / 2)
            #expect(found == [.job(.acceptBid(order: task, bid: bid(1)))])
        }
    }

    @Test func withoutABidTheLedgerClosesIt() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        scene.open(terms)
        #expect(scene.wait() == [])
        scene.open(terms, [(bid(1), 900)])
        #expect(scene.advance() == [], "bidding is over")
        scene.view.orders = []
        #expect(scene.wait() == [])
    }

    // MARK: Results

    @Test func acceptsARightResult() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        scene.deliver(terms, result(terms))
        #expect(scene.wait() == [.job(.acceptResult(order: task))])
    }

    @Test(arguments: [ResultCheck.unsampled(draw: 1), .passed])
    func opensTheSealOfAWrongResult(check: ResultCheck) throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        scene.deliver(terms, .zero, check)
        guard case .job(.reveal(task, let answer, let salt))? = scene.advance().first else {
            Issue.record("nothing opened")
            return
        }
        #expect(answer == result(terms))
        #expect(JobOrder.seal(answer: answer, salt: salt) == terms.sealed)
        #expect(scene.advance() == [])
        #expect(scene.advance(heights: 5).count == 1, "lost, and said again")
    }

    @Test func leavesAVoteToItsArbiters() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        let vote = JobVote(cause: .sample, began: scene.view.time, ballots: [])
        for check in [ResultCheck.disputed(draw: 1), .voting(vote)] {
            scene.deliver(terms, .zero, check)
            #expect(scene.wait() == [])
        }
    }

    @Test func saysNothingOnceTheWindowIsOver() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        scene.deliver(terms, .zero)
        scene.view.time = BeaconTime(milliseconds: scene.view.time.milliseconds + 20_000)
        #expect(scene.wait() == [])
    }

    // MARK: Restarts

    @Test func goesOnAfterARestart() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        scene.tasks = Scene.tasks()
        #expect(scene.wait() == [], "posted, or lost")
        scene.open(terms, [(bid(1), 900)])
        scene.view.time = BeaconTime(milliseconds: terms.bidsUntil.milliseconds - 2)
        scene.tasks = Scene.tasks()
        #expect(scene.advance() == [.job(.acceptBid(order: task, bid: bid(1)))])
        scene.tasks = Scene.tasks()
        scene.deliver(terms, result(terms))
        #expect(scene.wait() == [.job(.acceptResult(order: task))])
        scene.tasks = Scene.tasks()
        scene.deliver(terms, .zero)
        let opened = scene.wait()
        #expect(opened.count == 1)
        guard case .job(.reveal)? = opened.first else {
            Issue.record("\(opened)")
            return
        }
    }

    /// Of another secret, or posted by the operator for itself: that the account pays does not make a
    /// task of it.
    @Test func leavesOtherOrdersOfTheAccountAlone() throws {
        var scene = Scene()
        let (terms, _) = try scene.posted()
        scene.tasks = Scene.tasks(.zero)
        scene.open(terms, [(bid(1), 900)])
        scene.view.time = BeaconTime(milliseconds: terms.bidsUntil.milliseconds - 2)
        #expect(scene.advance() == [])
        scene.deliver(terms, .zero)
        #expect(scene.wait() == [])
        // It is no task, so that one may be posted besides.
        scene.view.posted = [Scene.pattern()]
        #expect(scene.wait().count == 1)
    }

    /// Orders of the operator are computed too, to see whether they are tasks: not all at once.
    @Test func computesOneAfterAnother() throws {
        var scene = Scene()
        scene.view.orders = (1...3).map { number in
            JobOrder(
                id: ObjectID(owner: me, number: number),
                terms: JobTerms(
                    program: .hashChain, pricing: .fixed, input: SHA256.plain([UInt8(number)]),
                    sealed: .zero, price: Amount(1), bidsUntil: scene.view.time, duration: 1,
                    spec: ProofTask.tiny.encoded), escrow: Amount(1), state: .open(bids: []),
                timer: JobTimer(step: 0, at: scene.view.time))
        }
        for _ in 0..<3 {
            let work = scene.tasks.advance(scene.view).work
            #expect(work.count == 1)
            #expect(scene.tasks.advance(scene.view).work.isEmpty)
            for work in work { scene.tasks.finish(WorkPerformer(runner: nil).perform(work)) }
        }
        #expect(scene.tasks.advance(scene.view) == [])
    }
}
