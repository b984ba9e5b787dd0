import TallyCrypto
import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

private let owner = machine(1)
private let other = machine(1, 2)
private let foreign = machine(2)

@Suite struct AttestationTests {
    /// With the round of `owner` drawn and revealed.
    private func world() throws -> (NodeWorld, [Address]) {
        var world = try NodeWorld(accounts: [owner, other, foreign])
        try world.register(owner)
        let draw = try world.prove(owner)
        return (world, draw.attesters.map(\.address))
    }

    private func entry(
        _ node: Address = owner, round: UInt64 = 1, saw milliseconds: UInt64 = 10_000
    ) -> ProofAttestation {
        ProofAttestation(node: node, round: round, milliseconds: milliseconds)
    }

    /// Lets an attester call, and what it sends arrive.
    /// - Returns: why nothing of it counted, at home or by a bounce.
    private func attest(
        _ entries: [ProofAttestation], by attester: Address, _ world: inout NodeWorld
    ) throws -> ExecutionFailure? {
        let failure = try world.act(.attest(entries), by: attester)
        guard failure == nil, world.home(of: attester) != world.home(of: owner) else {
            return failure
        }
        try world.settle()
        return world.bounces.first
    }

    @Test func theDrawnAreAFunctionOfTheSecondSeed() throws {
        let (world, attesters) = try world()
        guard case .revealed(_, _, let draw, _) = try world.round(owner).state else { return }
        #expect(
            attesters
                == ValidatorDraw.draw(
                    7, of: world.validators, seed: draw.seed,
                    subject: try world.challenge(owner).id))
        #expect(attesters.count == 7)
    }

    @Test func nobodyAttestsTheirOwnNode() throws {
        let validators = (NodeWorld.validators(3) + [owner]).sorted()
        var world = try NodeWorld(accounts: [], validators: validators)
        try world.register(owner)
        let draw = try world.prove(owner)
        #expect(draw.attesters.map(\.address) == validators.filter { $0 != owner })
    }

    @Test func eachAttesterCountsOnceInARound() throws {
        var (world, attesters) = try world()
        for attester in attesters {
            #expect(try attest([entry()], by: attester, &world) == nil)
            #expect(
                try attest([entry(saw: 99)], by: attester, &world) == .proof(.attestedTwice))
        }
        guard case .revealed(_, _, let draw, _) = try world.round(owner).state else { return }
        #expect(draw.times == Array(repeating: 10_000, count: 7))
    }

    @Test func aSecondEntryOfTheSameCallIsSkipped() throws {
        var (world, attesters) = try world()
        let attester = attesters[0]
        #expect(
            try attest([entry(), entry(saw: 99)], by: attester, &world) == nil)
        let expected: [ProofEvent] = [
            .attested(owner, by: attester, round: 1, milliseconds: 10_000),
            .skipped(owner, by: attester, round: 1, .attestedTwice),
        ]
        #expect(world.proofEvents == expected)
    }

    @Test func skipsWhatDoesNotCountAndFailsIfNothingDoes() throws {
        var (world, attesters) = try world()
        try world.register(other)
        _ = try world.open(other)
        let attester = attesters[0]
        let bad: [(ProofAttestation, ProofFailure)] = [
            (entry(foreign), .foreignNode), (entry(machine(1, 50)), .noRounds),
            (entry(round: 2), .wrongRound), (entry(saw: 0), .zeroTime), (entry(other), .notDrawn),
        ]
        for (entry, reason) in bad where world.home(of: entry.node) == world.home(of: owner) {
            #expect(try attest([entry], by: attester, &world) == .proof(reason))
            #expect(world.proofEvents == [])
        }
        #expect(
            try attest([entry()] + bad.map(\.0), by: attester, &world) == nil)
        #expect(
            world.proofEvents == [
                .attested(owner, by: attester, round: 1, milliseconds: 10_000)
            ]
                + bad.map { entry, reason in
                    .skipped(entry.node, by: attester, round: entry.round, reason)
                })
    }

    @Test func onlyTheDrawnAttest() throws {
        var (world, attesters) = try world()
        for validator in world.validators where !attesters.contains(validator) {
            #expect(try attest([entry()], by: validator, &world) == .proof(.notAttester))
        }
        #expect(try attest([entry()], by: foreign, &world) == .proof(.notAttester))
    }

    @Test func attestationsAreInBeforeTheDeadline() throws {
        var (world, attesters) = try world()
        guard case .revealed(_, _, _, let deadline) = try world.round(owner).state else { return }
        world.dueStands = true
        try world.step(deadline.milliseconds - 2_000 - world.time)
        let local = try #require(attesters.first { world.home(of: $0) == 1 })
        var late = world
        try late.step(2_000)
        #expect(try late.act(.attest([entry()]), by: local) == .proof(.tooLate))
        #expect(try world.act(.attest([entry()]), by: local) == nil)
        try world.finish(owner)
        let after = try #require(attesters.first { world.home(of: $0) == 1 })
        world.dueStands = false
        try world.go(to: deadline.milliseconds)
        #expect(try world.act(.attest([entry()]), by: after) == .proof(.tooLate))
    }

    @Test func oneCallAttestsSeveralNodes() throws {
        var world = try NodeWorld(accounts: [owner, other], validators: NodeWorld.validators(4))
        try world.submit(.node(.register(key: .zero, spec: .zero)), from: other)
        try world.register(owner)
        _ = try world.open(owner)
        _ = try world.open(other)
        let answers = [try world.commit(owner), try world.commit(other)]
        _ = try world.draw(owner)
        _ = try world.draw(other)
        #expect(try world.act(try world.reveal(owner, answers[0]), by: owner) == nil)
        #expect(try world.act(try world.reveal(other, answers[1]), by: other) == nil)
        let attester = try #require(world.validators.first { world.home(of: $0) != 1 })
        #expect(try attest([entry(), entry(other)], by: attester, &world) == nil)
        #expect(world.proofEvents.count == 2)
    }

    @Test func theTreasuryReimbursesTheBaseFee() throws {
        var (world, attesters) = try world()
        let attester = try #require(attesters.first { world.home(of: $0) != 1 })
        let operation = ProofOperation.attest([entry()])
        let weight = operation.weight + Weights.callData(operation.callData)
        let vault = try world.vault(at: owner)
        #expect(vault > Amount(UInt128(weight)))
        let before = try world.account(attester).balance
        #expect(try attest([entry()], by: attester, &world) == nil)
        #expect(
            world.paid == [
                .paid(
                    reference(world), object: .node(owner), .verification,
                    to: attester, value: Amount(UInt128(weight)), isEscrowed: false)
            ])
        #expect(try world.account(attester).balance == before, "base fee 1, no tip")
        #expect(try world.vault(at: owner) == vault.subtracting(Amount(UInt128(weight))))
    }

    private func reference(_ world: NodeWorld) -> ReceiptReference? {
        for event in world.events {
            if case .compute(.payout(.paid(let reference, _, _, _, _, _))) = event {
                return reference
            }
        }
        return nil
    }

    @Test func reimbursesAsFarAsTheVaultReaches() throws {
        var world = try NodeWorld(accounts: [owner]) { $0.baseFeeDestination = .burn }
        try world.register(owner)
        let draw = try world.prove(owner)
        let attester = try #require(
            draw.attesters.first { world.home(of: $0.address) == 1 }
        ).address
        #expect(try world.vault(at: owner) == .zero)
        #expect(try world.act(.attest([entry()]), by: attester) == nil)
        #expect(world.paid == [])
    }

    @Test func aFullCallFitsItsReceipt() {
        let node = Address(words: (.max, .max, .max))
        func bytes(_ count: Int) -> Int {
            let entries = Array(
                repeating: ProofAttestation(node: node, round: .max, milliseconds: .max),
                count: count)
            return RLPEncoder.list { out in
                out.append(UInt64.max - 1)
                out.append(ProofOperation.attest(entries).callData)
            }.count
        }
        #expect(bytes(ProofOperation.maximumAttestations) <= BlockExecutor.callByteLimit)
        #expect(bytes(ProofOperation.maximumAttestations + 1) > BlockExecutor.callByteLimit)
    }

    @Test func limitsOfRevealsCoverEveryTask() {
        #expect(ProofOperation.maximumVerification == ProofTask.maximumWeight)
        #expect(ProofTask.standard.openingByteLimit <= ProofOperation.maximumOpeningBytes)
    }
}
