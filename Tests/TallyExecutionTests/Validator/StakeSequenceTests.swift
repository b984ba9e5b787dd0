import TallyConsensus
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

/// Random calls over two shards: after each block `ValidatorWorld` checks every invariant and the sum
/// of all money; here, that each step of an outage is charged at most once, that a stake's money
/// goes to its owner or the treasury, and what was made to the stakes.
@Suite struct StakeSequenceTests {
    @Test func anySequenceKeepsTheMoneyAndChargesOnce() throws {
        try forEachSeed(base: 0x5ca1_e000, count: 6) { seed, random in
            var run = try Sequence(&random)
            for _ in 0..<180 { try run.round(&random) }
            try run.check("seed \(seed)")
        }
    }

    /// Owners with keys, for evidence, on both shards.
    private struct Sequence {
        let keys: [PrivateKey]
        var world: ValidatorWorld
        var outcomes: Set<UInt8> = []

        init(_ random: inout SeededGenerator) throws {
            keys = try (1...10).map { try PrivateKey([UInt8](repeating: $0, count: 32)) }
            let rich = try tokens("9000000")
            world = try ValidatorWorld(keys.map { ($0.address, rich) }, epochs: true) {
                parameters in
                parameters.economy?.firstValidators = 4
                // Terms that a test lives to see.
                parameters.economy?.validators.minimumTermDays = 5
                parameters.economy?.validators.renewal = .once(minimumDays: 3)
                parameters.economy?.routers.minimumTermDays = 3
                parameters.economy?.routers.renewal = .unlimited(minimumDays: 2)
            }
        }

        mutating func round(_ random: inout SeededGenerator) throws {
            var calls: [Transaction] = []
            for key in keys where Int.random(in: 0..<3, using: &random) == 0 {
                calls.append(
                    try world.transaction(try operation(&random), from: key.address))
            }
            try world.step(at: world.time, calls)
            let jump: UInt64 =
                switch Int.random(in: 0..<6, using: &random) {
                case 0: 0
                case 1: 1
                case 2: .random(in: 0..<600_000, using: &random)
                case 3: ValidatorWorld.hour
                case 4: .random(in: 0..<ValidatorWorld.day, using: &random)
                default: .random(in: 0..<4 * ValidatorWorld.hour, using: &random)
                }
            try world.step(at: world.time + jump)
        }

        private func operation(
            _ random: inout SeededGenerator
        ) throws -> ValidatorOperation {
            let other = keys[Int.random(in: 0..<keys.count, using: &random)]
            switch Int.random(in: 0..<14, using: &random) {
            case 0...3:
                let isValidator = Int.random(in: 0..<4, using: &random) > 0
                let amount = try tokens(isValidator ? "1000000" : "100000")
                return .stakeRole(
                    isValidator ? .validator : .router,
                    termDays: .random(in: 2...9, using: &random),
                    value: Amount(amount.units + .random(in: 0...1_000, using: &random)))
            case 4: return .renewStake(termDays: .random(in: 1...5, using: &random))
            case 5: return .unstake
            case 6...8: return .heartbeat
            case 9: return .impeach(other.address)
            case 10: return .impeach(keys[0].address)
            case 11, 12: return .claimRewards
            default: return try evidence(of: other, &random)
            }
        }

        private func evidence(
            of key: PrivateKey, _ random: inout SeededGenerator
        ) throws -> ValidatorOperation {
            let chain = ChainIdentity(
                genesis: world.chain, chainID: world.parameters.chainID)
            let round = Round(.random(in: 0..<3, using: &random))
            func commit(_ digest: Hash32) -> Commit {
                let statement = CommitStatement(
                    height: Height(5), round: round, digest: digest)
                let signature = KeySigner(key).sign(
                    statement.digest(chain, validators: .zero))
                return Commit(statement, sender: key.address, signature: signature)
            }
            let pair = Contradiction(commit(world.chain), commit(.zero))
            return .submitEvidence(
                try #require(EvidenceReport(.commits(pair), validators: .zero)).encoded)
        }

        mutating func check(_ seed: Comment) throws {
            // Let all that is under way arrive.
            for _ in 0..<5 { try world.step(at: world.time) }
            var charged: [ObjectID: BeaconTime] = [:]
            var (placed, taken, back, earned) = (UInt128(0), UInt128(0), UInt128(0), UInt128(0))
            var kinds: Set<Int> = []
            for event in world.events() {
                switch event {
                case .rolePenalised(let id, let amount, let from, let to):
                    #expect(from < to, seed)
                    if let last = charged[id] { #expect(last <= from, seed) }
                    charged[id] = to
                    taken += amount.units
                    kinds.insert(1)
                case .stakeForfeited(_, let reason, let value):
                    taken += value.units
                    kinds.insert(10 + Int(reason.rawValue))
                case .stakePlaced(_, _, let value, _, _):
                    placed += value.units
                    kinds.insert(2)
                case .stakeReleased(_, let value):
                    back += value.units
                    kinds.insert(3)
                case .stakeRenewed: kinds.insert(4)
                case .heartbeat: kinds.insert(5)
                case .impeachmentVoted: kinds.insert(6)
                case .validatorsElected: kinds.insert(7)
                case .rewardsClaimed(_, let value):
                    earned += value.units
                    kinds.insert(8)
                }
            }
            let left = try keys.reduce(UInt128(0)) {
                $0 + (try world.stakeObject(of: $1.address)?.left.units ?? 0)
            }
            #expect(placed == taken + back + left, seed)
            // STAKE-15: of what was made, the treasury has what rounding left, and less than a unit of
            // each share and payment.
            let residue = try world.treasury().units - taken
            #expect(
                try earned + world.undrawn().units + residue == world.made.units, seed)
            #expect(residue < 1_000, seed)
            #expect(
                kinds.isSuperset(of: [1, 2, 3, 5, 6, 8, 11]),
                "\(seed.rawValue) saw \(kinds.sorted())")
        }
    }
}
