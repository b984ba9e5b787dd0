import TallyCrypto
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyExecution
@testable import TallyWorker

private let me = account(0, 50)
private let other = account(1, 51)
private let order = ObjectID(owner: account(2), number: 1)
private let secret = SHA256.plain([5])

private struct Scene {
    var duties: ValidatorDuties
    var view: ValidatorView

    init() throws {
        duties = Self.duties()
        view = ValidatorView(
            height: Height(10), time: BeaconTime(milliseconds: 5_000),
            layout: try #require(ShardLayout(shardCount: 4)), economy: .small)
    }

    static func duties(_ secret: Hash32 = secret) -> ValidatorDuties {
        ValidatorDuties(
            account: me, secret: secret, programs: RunnablePrograms(maximumSteps: 1_000),
            patience: 5)
    }

    mutating func advance(_ heights: UInt64 = 1) -> [WorkerAction] {
        view.height = Height(view.height.value + heights)
        return duties.advance(view)
    }

    // MARK: Rounds

    static func round(
        _ node: Address, attesters: [RoundAttester] = [RoundAttester(address: me)],
        isRevealed: Bool = true, until deadline: UInt64 = 9_000
    ) -> ProofRound {
        let opening = RoundOpening(
            seed: .zero, at: BeaconTime(milliseconds: 1_000),
            deadline: BeaconTime(milliseconds: 4_000))
        let commitment = RoundCommitment(
            root: .zero, at: BeaconTime(milliseconds: 3_500), drawFrom: 1)
        let end = BeaconTime(milliseconds: deadline)
        let draw = RoundDraw(
            seed: .zero, deadline: isRevealed ? BeaconTime(milliseconds: 1) : end,
            attesters: attesters)
        let state: RoundState =
            isRevealed
            ? .revealed(opening, commitment, draw, deadline: end)
            : .drawn(opening, commitment, draw)
        return ProofRound(node: node, number: 3, state: state, entry: 1, last: nil)
    }

    // MARK: Votes

    /// A vote that began at 0: 10 s to commit, 10 s to reveal.
    mutating func vote(
        _ ballot: JobBallot.Vote, at time: UInt64, began: UInt64 = 0,
        _ terms: JobTerms = jobTerms(.hashChain, ProofTask.tiny.encoded)
    ) {
        view.time = BeaconTime(milliseconds: time)
        let vote = JobVote(
            cause: .dispute, began: BeaconTime(milliseconds: began),
            ballots: [
                JobBallot(arbiter: me, vote: ballot), JobBallot(arbiter: other, vote: .none),
            ])
        let delivery = JobDelivery(
            result: .zero, disputableUntil: view.time, check: .voting(vote))
        let lease = JobLease(
            bid: ObjectID(owner: account(3), number: 1), price: Amount(1),
            state: .delivered(delivery))
        view.orders = [
            JobOrder(
                id: order, terms: terms, escrow: Amount(1), state: .active(lease),
                timer: JobTimer(step: 0, at: view.time))
        ]
    }

    mutating func compute() {
        for work in advance().work {
            duties.finish(WorkPerformer(runner: nil).perform(work))
        }
    }

    /// What it commits to now.
    mutating func commitment() throws -> Hash32 {
        guard case .job(.commitVerdict(order, let commitment))? = advance().operations.first
        else { throw Nothing() }
        return commitment
    }

    struct Nothing: Error {}
}

@Suite struct ValidatorDutiesTests {
    // MARK: Attestations

    @Test(arguments: [false, true]) func attestsWhereItWasDrawn(isRevealed: Bool) throws {
        var scene = try Scene()
        scene.view.rounds = [Scene.round(account(1), isRevealed: isRevealed)]
        let entry = ProofAttestation(node: account(1), round: 3, milliseconds: 2_500)
        #expect(scene.advance() == [.submit(.proof(.attest([entry])))])
        #expect(scene.advance() == [])
        #expect(scene.advance(5).count == 1)
    }

    @Test func attestsWhatItSawItself() throws {
        var scene = try Scene()
        scene.view.rounds = [Scene.round(account(1)), Scene.round(account(1, 2))]
        scene.view.observed = [
            RoundName(node: account(1), number: 3): 1_777,
            RoundName(node: account(1, 2), number: 3): 0,
        ]
        #expect(
            scene.advance() == [
                .submit(
                    .proof(
                        .attest([
                            ProofAttestation(node: account(1), round: 3, milliseconds: 1_777),
                            ProofAttestation(node: account(1, 2), round: 3, milliseconds: 1),
                        ])))
            ])
    }

    @Test func attestsNothingElse() throws {
        var scene = try Scene()
        scene.view.rounds = [
            Scene.round(account(0), attesters: [RoundAttester(address: other)]),
            Scene.round(account(1), attesters: [RoundAttester(address: me, milliseconds: 7)]),
            Scene.round(account(2), until: 5_000),
            Scene.round(account(2, 2), isRevealed: false, until: 5_000),
            ProofRound(
                node: account(3), number: 1, state: .bound(drawFrom: 3), entry: 1, last: nil),
        ]
        #expect(scene.advance() == [])
    }

    @Test func groupsAttestationsByShard() throws {
        var scene = try Scene()
        scene.view.rounds = (1...17).map { Scene.round(account(2, $0)) }
        scene.view.rounds += [Scene.round(account(0)), Scene.round(account(3))]
        scene.view.rounds.reverse()
        func nodes(_ numbers: ClosedRange<UInt64>) -> [Address] { numbers.map { account(2, $0) } }
        let expected = [
            [account(0)], nodes(1...7), nodes(8...14), nodes(15...17), [account(3)],
        ]
        #expect(scene.advance().operations.map(\.attested) == expected)
        scene.view.rounds.append(Scene.round(account(2, 18)))
        let more = scene.advance().operations
        #expect(
            more == [
                .proof(
                    .attest([
                        ProofAttestation(node: account(2, 18), round: 3, milliseconds: 2_500)
                    ]))
            ])
    }

    // MARK: Verdicts

    @Test func commitsAndReveals() throws {
        var scene = try Scene()
        scene.vote(.none, at: 0)
        scene.compute()
        let commitment = try scene.commitment()
        #expect(scene.advance() == [])
        scene.vote(.committed(commitment), at: 9_999)
        #expect(scene.advance(9) == [])
        scene.vote(.committed(commitment), at: 10_000)
        let revealed = scene.advance().operations
        guard case .job(.revealVerdict(order, let result, let salt))? = revealed.first else {
            Issue.record("\(revealed)")
            return
        }
        #expect(result == ComputeProgram.result(of: .tiny, seed: jobInput))
        #expect(
            JobOrder.verdict(order: order, arbiter: me, result: result, salt: salt) == commitment)
        #expect(
            salt
                == SHA256.plain(
                    [0x64] + secret.bytes + order.word.bytes + [0, 0, 0, 0, 0, 0, 0, 0]))
        #expect(scene.advance() == [])
        scene.vote(.revealed(result), at: 12_000)
        #expect(scene.advance(9) == [])
    }

    @Test func revealsAfterARestart() throws {
        var scene = try Scene()
        scene.vote(.none, at: 0)
        scene.compute()
        let commitment = try scene.commitment()
        scene.duties = Scene.duties()
        scene.vote(.committed(commitment), at: 19_999)
        scene.compute()
        #expect(scene.advance().operations.count == 1)
        scene.duties = Scene.duties(.zero)
        scene.compute()
        #expect(scene.advance() == [], "of another secret")
    }

    @Test func saltsEachVoteAnew() throws {
        var scene = try Scene()
        scene.vote(.none, at: 0)
        scene.compute()
        let first = try scene.commitment()
        scene.vote(.none, at: 30_000, began: 30_000)
        #expect(try scene.commitment() != first)
    }

    @Test func abstainsFromWhatItCannotRun() throws {
        var scene = try Scene()
        scene.vote(.none, at: 0, try jobTerms(.listed, listed("echo")))
        #expect(scene.advance() == [])
        let large = ProofTask.chain(try ChainTask(segments: 1_001, stepsPerSegment: 1, openings: 1))
        scene.vote(.none, at: 0, jobTerms(.hashChain, large.encoded))
        #expect(scene.advance() == [])
        scene.vote(.none, at: 0, jobTerms(.hashChain, [1]))
        #expect(scene.advance() == [])
    }

    @Test func saysNothingOutsideItsHalf() throws {
        var scene = try Scene()
        scene.vote(.none, at: 10_000)
        #expect(scene.advance() == [])
        scene.vote(.committed(.zero), at: 20_000)
        #expect(scene.advance() == [])
    }

    // MARK: Signs of life

    func stake(_ role: StakeRole, lastSeen: UInt64, phase: RoleStake.Phase = .active) -> RoleStake {
        RoleStake(
            id: ObjectID(owner: me, number: 0), role: role, left: Amount(1), staked: Amount(1),
            termDays: 1, since: BeaconTime(milliseconds: 0),
            until: BeaconTime(milliseconds: 90_000_000), phase: phase,
            lastSeen: BeaconTime(milliseconds: lastSeen), charged: 0, votes: [], offences: [])
    }

    @Test(arguments: [(StakeRole.validator, UInt64(1_200_000)), (.router, 200_000)])
    func beatsEveryThirdOfAStep(role: StakeRole, third: UInt64) throws {
        var scene = try Scene()
        scene.view.stake = stake(role, lastSeen: 1_000)
        scene.view.time = BeaconTime(milliseconds: 1_000 + third - 1)
        #expect(scene.advance() == [])
        scene.view.time = BeaconTime(milliseconds: 1_000 + third)
        let beat = [WorkerAction.submit(.validator(.heartbeat))]
        #expect(scene.advance() == beat)
        #expect(scene.advance() == [])
        scene.view.stake = stake(role, lastSeen: 1_000 + third)
        scene.view.time = BeaconTime(milliseconds: 1_000 + 2 * third)
        #expect(scene.advance() == beat)
    }

    @Test func beatsOnlyForALiveStake() throws {
        var scene = try Scene()
        scene.view.time = BeaconTime(milliseconds: 80_000_000)
        #expect(scene.advance() == [])
        scene.view.stake = stake(
            .validator, lastSeen: 0, phase: .released(at: BeaconTime(milliseconds: 5)))
        #expect(scene.advance() == [])
        scene.view.stake = stake(.validator, lastSeen: 0)
        scene.view.time = BeaconTime(milliseconds: 90_000_000)
        #expect(scene.advance() == [])
    }
}
