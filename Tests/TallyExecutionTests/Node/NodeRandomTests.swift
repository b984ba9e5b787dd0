import TallyPrimitives
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution

/// Owners and validators who do anything at any time. After every block of every endpoint the state
/// is recounted and all money is (`NodeWorld.step`).
@Suite struct NodeRandomTests {
    private let owners = (0..<8).map { machine($0 % 4, $0) }

    @Test(arguments: [0x5eed_7000, 0x5eed_7001, 0x5eed_7002, 0x5eed_7003] as [UInt64])
    func keepsEveryInvariantAndAllMoney(_ seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var world = try NodeWorld(accounts: owners, validators: NodeWorld.validators(5)) {
            $0.economy?.computeNodes.minimumTermDays = 1
        }
        var answers: [Address: ProofAnswer] = [:]
        var done: Set<String> = []
        for _ in 0..<700 {
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                let owner = try #require(owners.randomElement(using: &generator))
                try act(owner, &world, &answers, &generator)
            }
            world.dueStands = Int.random(in: 0..<20, using: &generator) == 0
            try world.step(UInt64.random(in: 1...40_000, using: &generator))
            for event in world.nodeEvents { done.insert(event.record.name) }
            for event in world.proofEvents { done.insert(event.record.name) }
            if Int.random(in: 0..<200, using: &generator) == 0 { try world.step(80_000_000) }
        }
        #expect(done.isSuperset(of: Self.usual), "seed \(seed): \(Self.usual.subtracting(done))")
    }

    private static let usual: Set<String> = [
        "NodeRegistered", "NodeUpdated", "NodeRetired", "NodeStaked", "NodeActive", "NodeOffline",
        "ChallengeOpened", "ProofSubmitted", "ProofDrawn", "ProofRevealed", "ProofAttested",
        "ProofMeasured", "ProofMissed",
    ]

    /// Something that fits the node's round as a rule, or anything.
    private func act(
        _ owner: Address, _ world: inout NodeWorld, _ answers: inout [Address: ProofAnswer],
        _ generator: inout SeededGenerator
    ) throws {
        guard try world.hasRound(owner) else {
            let spec = Hash32.random(&generator)
            try world.submit(.node(.register(key: .zero, spec: spec)), from: owner)
            return
        }
        if Int.random(in: 0..<5, using: &generator) == 0 {
            try world.submit(.node(anything(&generator)), from: owner)
            return
        }
        switch try world.round(owner).state {
        case .idle, .bound: break
        case .open:
            guard try world.round(owner).number % 3 != 0 else { break }
            let answer = ProofAnswer.commit(answering: try world.challenge(owner))
            answers[owner] = answer
            let operation = ProofOperation.commit(
                round: try world.round(owner).number, root: answer.commitment.root)
            try world.submit(.proof(operation), from: owner)
        case .committed: break
        case .drawn(_, _, let draw):
            if let answer = answers[owner] {
                try world.submit(.proof(try world.reveal(owner, answer)), from: owner)
            }
            try attest(owner, draw, &world, &generator)
        case .revealed(_, _, let draw, _): try attest(owner, draw, &world, &generator)
        }
    }

    private func anything(_ generator: inout SeededGenerator) -> NodeOperation {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: .deregister
        case 1: .unstake
        case 2: .claimRewards
        case 3: .register(key: .zero, spec: .zero)
        case 4: .update(key: .random(&generator), spec: .zero)
        default:
            .stake(
                termDays: UInt32.random(in: 0...2, using: &generator),
                value: Amount(
                    UInt128(UInt64.random(in: 90_000_000_000...300_000_000_000, using: &generator)))
            )
        }
    }

    private func attest(
        _ owner: Address, _ draw: RoundDraw, _ world: inout NodeWorld,
        _ generator: inout SeededGenerator
    ) throws {
        let number = try world.round(owner).number
        for attester in draw.attesters where Bool.random(using: &generator) {
            let entry = ProofAttestation(
                node: owner, round: number,
                milliseconds: UInt64.random(in: 8_000...30_000, using: &generator))
            try world.submit(.proof(.attest([entry])), from: attester.address)
        }
    }
}
