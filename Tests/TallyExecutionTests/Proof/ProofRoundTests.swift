import TallyCrypto
import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

private let owner = machine(1)

@Suite struct ProofRoundTests {
    private func world(
        accounts: [Address] = [owner], _ change: (inout NetworkParameters) -> Void = { _ in }
    ) throws -> NodeWorld {
        var world = try NodeWorld(accounts: accounts, change)
        try world.register(owner)
        return world
    }

    // MARK: A round

    @Test func aRoundMeasuresTheMedianOfWhatWasAttested() throws {
        var world = try world()
        let opening = try world.open(owner)
        #expect(
            world.proofEvents == [
                .opened(owner, round: 1, seed: opening.seed, deadline: opening.deadline)
            ])
        #expect(opening.seed == NodeWorld.seed(world.seedNumber))
        #expect(opening.deadline.milliseconds == world.time + 300_000)
        let answer = try world.commit(owner)
        let root = answer.commitment.root
        #expect(world.proofEvents == [.submitted(owner, root: root, .chain)])
        let draw = try world.draw(owner)
        #expect(
            world.proofEvents == [
                .drawn(owner, round: 1, seed: draw.seed, deadline: draw.deadline)
            ])
        #expect(try world.act(try world.reveal(owner, answer), by: owner) == nil)
        let deadline = BeaconTime(milliseconds: world.time + 300_000)
        #expect(world.proofEvents == [.revealed(owner, round: 1, deadline: deadline)])
        // Four of seven, and the later of the two in the middle.
        try world.attest(owner, [900, 30_218, 10_380, 40_000], by: draw.attesters)
        try world.finish(owner)
        let power = ComputePower(tenThousandths: 4_964)
        #expect(
            world.proofEvents.contains(
                .measured(owner, round: 1, milliseconds: 30_218, power)))
        #expect(world.nodeEvents == [.active(owner, power)])
        let round = try world.round(owner)
        #expect(round.last == .attested(milliseconds: 30_218, power))
        #expect(
            round.state
                == .idle(
                    next: BeaconTime(milliseconds: opening.at.milliseconds + 3_600_000)))
        #expect(try world.node(owner).reputation.passed == 1)
    }

    @Test func theNextRoundHasTheNextNumberAndAnotherChallenge() throws {
        var world = try world()
        _ = try world.open(owner)
        let first = try world.challenge(owner)
        try world.pass(owner)
        _ = try world.open(owner)
        let second = try world.challenge(owner)
        #expect(first.round == 1 && second.round == 2)
        #expect(first.id != second.id)
        #expect(try world.node(owner).rounds == 2)
    }

    @Test func aChallengeWaitsForASeedThatNobodyKnew() throws {
        var world = try NodeWorld(accounts: [owner])
        world.seedsStand = true
        try world.register(owner)
        let bound = try world.round(owner).state
        #expect(bound == .bound(drawFrom: world.seedNumber + 2))
        for _ in 0..<5 { try world.step() }
        #expect(try world.round(owner).state == bound)
        world.seedsStand = false
        try world.step()
        #expect(try world.round(owner).state == bound, "the next seed may be half known")
        try world.step()
        #expect(try world.round(owner).state.opening != nil)
    }

    @Test func aDrawWaitsForASeedThatNobodyKnew() throws {
        var world = try world()
        let opening = try world.open(owner)
        world.seedsStand = true
        try world.commit(owner)
        try world.go(to: opening.deadline.milliseconds + 5_000)
        guard case .committed(_, let commitment) = try world.round(owner).state else {
            Issue.record("drawn by a seed that was known")
            return
        }
        #expect(commitment.drawFrom == world.seedNumber + 2)
        world.seedsStand = false
        let draw = try world.draw(owner)
        #expect(draw.seed == NodeWorld.seed(world.seedNumber))
        #expect(world.seedNumber >= commitment.drawFrom)
    }

    // MARK: Commitments

    @Test func refusesACommitmentOutOfPlace() throws {
        var world = try world(accounts: [owner, machine(2)])
        func commit(_ round: UInt64) -> ProofOperation { .commit(round: round, root: .zero) }
        #expect(try world.act(commit(1), by: machine(2)) == .proof(.noRounds))
        #expect(try world.act(commit(2), by: owner) == .proof(.wrongRound))
        world.seedsStand = true
        var bound = try NodeWorld(accounts: [owner])
        bound.seedsStand = true
        try bound.register(owner)
        #expect(try bound.act(commit(1), by: owner) == .proof(.notOpen))
        world.seedsStand = false
        _ = try world.open(owner)
        try world.commit(owner)
        #expect(try world.act(commit(1), by: owner) == .proof(.alreadyCommitted))
        _ = try world.draw(owner)
        #expect(try world.act(commit(1), by: owner) == .proof(.alreadyCommitted))
        try world.go(to: world.time + 300_000)
        #expect(try world.act(commit(1), by: owner) == .proof(.notOpen))
    }

    @Test func aCommitmentIsInBeforeTheDeadline() throws {
        var world = try world()
        let opening = try world.open(owner)
        world.dueStands = true
        try world.step(opening.deadline.milliseconds - 1_000 - world.time)
        let operation = ProofOperation.commit(round: 1, root: .zero)
        var late = world
        #expect(try late.act(operation, by: owner) == .proof(.tooLate))
        try world.submit(.proof(operation), from: owner)
        try world.step(999)
        #expect(world.failures == [nil])
    }

    // MARK: Reveals

    @Test func aWrongOpeningCanBeTriedAgain() throws {
        var world = try world(accounts: [owner, machine(2)])
        _ = try world.open(owner)
        let answer = try world.commit(owner)
        let early = ProofOperation.reveal(
            round: 1, weight: ProofTask.tiny.weight, opening: [0xc0])
        #expect(try world.act(early, by: owner) == .proof(.notDrawn))
        _ = try world.draw(owner)
        let right = try world.reveal(owner, answer)
        guard case .reveal(_, let weight, let bytes) = right else { return }
        func attempt(
            round: UInt64 = 1, weight other: Weight? = nil, _ opening: [UInt8]
        ) throws -> ExecutionFailure? {
            try world.act(
                .reveal(round: round, weight: other ?? weight, opening: opening), by: owner)
        }
        let empty = ProofOpening.chain([]).encoded
        let hashes = ProofOpening.hash([1]).encoded
        let swapped: [UInt8]
        if case .chain(let paths) = try ProofOpening(encoded: bytes) {
            swapped = ProofOpening.chain(paths.reversed()).encoded
        } else {
            swapped = []
        }
        let long = [UInt8](repeating: 0, count: ProofTask.tiny.openingByteLimit + 1)
        #expect(try attempt(round: 2, bytes) == .proof(.wrongRound))
        #expect(try attempt(weight: weight - 1, bytes) == .proof(.wrongWeight))
        #expect(try attempt(weight: 0, bytes) == .proof(.wrongWeight))
        #expect(try attempt([]) == .proof(.malformedOpening))
        #expect(try attempt(long) == .proof(.malformedOpening))
        #expect(try attempt(hashes) == .proof(.wrongKind))
        #expect(try attempt(empty) == .proof(.wrongCount))
        #expect(try attempt(swapped) == .proof(.wrongPath))
        #expect(try world.act(right, by: owner) == nil)
        #expect(try attempt(bytes) == .proof(.alreadyRevealed))
        #expect(try world.act(right, by: machine(2)) == .proof(.noRounds))
    }

    @Test func aRevealIsInBeforeTheDeadline() throws {
        var world = try world()
        _ = try world.open(owner)
        let answer = try world.commit(owner)
        let draw = try world.draw(owner)
        let reveal = try world.reveal(owner, answer)
        world.dueStands = true
        try world.step(draw.deadline.milliseconds - 1_000 - world.time)
        #expect(try world.act(reveal, by: owner) == .proof(.tooLate))
        world.dueStands = false
        try world.step()
        #expect(world.proofEvents == [.missed(owner, round: 1)])
    }

    @Test func everyFaultOfAnOpeningHasAReason() {
        let faults: [(ProofFault, ProofFailure)] = [
            (.encoding(.truncated), .malformedOpening), (.tooLong(limit: 1), .malformedOpening),
            (.wrongKind(expected: .chain, actual: .hash), .wrongKind),
            (.wrongCount(expected: 1, actual: 2), .wrongCount),
            (.wrongTileSize(at: 0, actual: 1), .wrongTile),
            (.wrongEntry(at: 0, entry: 1), .wrongTile), (.commitmentMismatch, .wrongSolutions),
            (.notAscending(at: 1), .noSolution), (.noSolution(at: 0), .noSolution),
        ]
        for (fault, reason) in faults { #expect(ProofFailure(fault) == reason) }
    }

    // MARK: Ends

    @Test func aRoundWithoutACommitmentIsMissed() throws {
        var world = try world()
        let opening = try world.open(owner)
        try world.go(to: opening.deadline.milliseconds)
        #expect(world.proofEvents == [.missed(owner, round: 1)])
        let round = try world.round(owner)
        #expect(round.last == .missed)
        #expect(
            round.state
                == .idle(
                    next: BeaconTime(milliseconds: opening.at.milliseconds + 3_600_000)))
        #expect(try world.node(owner).state == .pending)
        #expect(try world.node(owner).reputation.missed == 1)
    }

    @Test(arguments: [(3, true), (4, false)])
    func moreThanHalfOfTheDrawnMustAttest(_ count: Int, _ isVoid: Bool) throws {
        var world = try world()
        let draw = try world.prove(owner)
        #expect(draw.attesters.count == 7 && draw.quorum == 4)
        let times = Array(repeating: UInt64(15_000), count: count)
        try world.attest(owner, times, by: draw.attesters)
        try world.finish(owner)
        #expect(world.proofEvents.contains(.void(owner, round: 1)) == isVoid)
        let power = ComputePower(tenThousandths: 10_000)
        #expect(try world.node(owner).state == (isVoid ? .pending : .active(power)))
        let node = try world.node(owner)
        #expect(node.reputation.missed == 0)
        #expect(node.reputation.passed == (isVoid ? 0 : 1))
    }

    @Test func theQuorumIsOfThoseWhoWereDrawn() throws {
        var world = try NodeWorld(accounts: [owner], validators: NodeWorld.validators(3))
        try world.register(owner)
        let draw = try world.prove(owner)
        #expect(draw.attesters.map(\.address) == world.validators)
        try world.attest(owner, [15_000, 15_000], by: draw.attesters)
        try world.finish(owner)
        #expect(
            try world.node(owner).state == .active(ComputePower(tenThousandths: 10_000)))
    }

    @Test func aVoidRoundOfAnActiveNodeChangesNothing() throws {
        var world = try world()
        try world.pass(owner)
        let before = try world.node(owner)
        try world.prove(owner)
        try world.finish(owner)
        let after = try world.node(owner)
        #expect(after.state == before.state)
        #expect(after.reputation == before.reputation)
        #expect(after.outage.lastSeen > before.outage.lastSeen)
    }

    @Test func aRoundOfANodeThatEndedStops() throws {
        var world = try world()
        let opening = try world.open(owner)
        #expect(try world.act(.deregister, by: owner) == nil)
        try world.go(to: opening.deadline.milliseconds + 1)
        #expect(world.proofEvents == [])
        #expect(try world.node(owner).reputation.missed == 0)
    }
}

@Suite struct ProofRoundCodecTests {
    @Test func roundsDecodeAsTheyWereEncoded() throws {
        let now = BeaconTime(milliseconds: 9)
        let opening = RoundOpening(
            seed: Hash32(words: (1, 2, 3, 4)), at: now, deadline: BeaconTime(milliseconds: 10))
        let commitment = RoundCommitment(root: .zero, at: now, drawFrom: 300)
        let draw = RoundDraw(
            seed: .zero, deadline: now,
            attesters: [
                RoundAttester(address: machine(1)),
                RoundAttester(address: machine(2), milliseconds: 5),
            ])
        let states: [RoundState] = [
            .idle(next: now), .bound(drawFrom: 7), .open(opening),
            .committed(opening, commitment), .drawn(opening, commitment, draw),
            .revealed(opening, commitment, draw, deadline: now),
        ]
        let outcomes: [RoundOutcome?] = [
            nil, .void, .missed,
            .attested(milliseconds: 3, ComputePower(tenThousandths: 200)),
        ]
        for state in states {
            for last in outcomes {
                let round = ProofRound(
                    node: owner, number: 3, state: state, entry: 200, last: last)
                #expect(try ProofRound(round.object) == round)
            }
        }
        var object = ProofRound(
            node: owner, number: 3, state: .bound(drawFrom: 1), entry: 1, last: nil
        ).object
        object.value = Amount(1)
        #expect(throws: RLPError.unknownValue(0)) { try ProofRound(object) }
    }

    @Test func eventsDecodeAsTheyWereEncoded() throws {
        let now = BeaconTime(milliseconds: 9)
        let events: [ProofEvent] = [
            .opened(owner, round: 1, seed: .zero, deadline: now),
            .submitted(owner, root: .zero, .matrix),
            .drawn(owner, round: 1, seed: .zero, deadline: now),
            .revealed(owner, round: 2, deadline: now),
            .attested(owner, by: machine(2), round: 1, milliseconds: 5),
            .skipped(owner, by: machine(2), round: 1, .attestedTwice),
            .measured(owner, round: 1, milliseconds: 2, ComputePower(tenThousandths: 3)),
            .missed(owner, round: 1), .void(owner, round: 1),
        ]
        for event in events {
            let whole = ComputeEvent.proof(event)
            #expect(try ComputeEvent(encoded: whole.encoded) == whole)
        }
        let due = ProofDue.step(node: owner)
        #expect(try ProofDue(encoded: due.encoded) == due)
        #expect(throws: RLPError.unknownValue(2)) {
            try ProofDue(encoded: RLPEncoder.list { $0.append(UInt8(2)) })
        }
    }
}
