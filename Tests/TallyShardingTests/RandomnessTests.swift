import TallyConsensus
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySimulation
import TallyTesting
import Testing

@testable import TallySharding

/// Validators that build in turn, and nothing besides.
private struct Draws {
    let set: ValidatorSet
    let builders: [Address]
    var secrets: [RevealSecrets]
    var randomness = HeaderRandomness(genesis: Hash32(words: (1, 2, 3, 4)))
    var height = Height(1)

    init(_ count: UInt64) throws {
        let builders = (1...count).map { Address(words: ($0, $0, 7)) }
        self.builders = builders
        set = try ValidatorSet(builders.map { Validator(address: $0, power: 1) }, seed: .zero)
        secrets = builders.map(RevealSecrets.init(simulating:))
    }

    mutating func contribution(of index: Int) -> RevealContribution {
        secrets[index].contribution(to: randomness, of: builders[index], at: height)
    }

    mutating func absorb(_ contribution: RevealContribution, from index: Int) {
        randomness.absorb(contribution, by: builders[index], at: height, set)
        height = height.next
    }

    /// The block of a builder, whoever's turn it is.
    @discardableResult
    mutating func build(_ index: Int) -> RevealContribution {
        let contribution = contribution(of: index)
        #expect(
            randomness.check(contribution.reveal, by: builders[index], at: height) == nil,
            "height \(height)")
        absorb(contribution, from: index)
        return contribution
    }

    func rejection(_ reveal: Hash32, of index: Int) -> AnchorRejection? {
        randomness.check(reveal, by: builders[index], at: height)
    }
}

/// SEED-1 to SEED-5, without blocks.
@Suite struct HeaderRandomnessTests {
    @Test func revealsSixteenHeightsAfterTheAnnouncement() throws {
        var draws = try Draws(1)
        let builder = draws.builders[0]
        var known = RevealSecrets(simulating: builder)
        let first = draws.build(0)
        #expect(first.reveal == .zero && first.announced != .zero)
        // The value that is to be revealed at 17.
        var later = draws
        later.height = Height(17)
        let preimage = known.contribution(to: later.randomness, of: builder, at: Height(17)).reveal
        #expect(RevealChain.step(preimage) == first.announced)
        for _ in 2...16 {
            #expect(draws.rejection(preimage, of: 0) == .unexpectedReveal(builder))
            #expect(draws.build(0) == .none)
        }
        #expect(draws.height == Height(17))
        #expect(draws.rejection(.zero, of: 0) == .revealMissing(builder))
        #expect(draws.rejection(first.announced, of: 0) == .wrongReveal(builder))
        #expect(draws.rejection(RevealChain.step(first.announced), of: 0) == .wrongReveal(builder))
        #expect(draws.build(0).reveal == preimage)
        // Revealed once: the next is its preimage.
        #expect(draws.rejection(preimage, of: 0) == .wrongReveal(builder))
    }

    @Test func theMixTakesEachReveal() throws {
        var draws = try Draws(1)
        for _ in 1...16 { draws.build(0) }
        let before = draws.randomness.mix.value
        #expect(before == Hash32(words: (1, 2, 3, 4)))
        let reveal = draws.build(0).reveal
        #expect(
            draws.randomness.mix.value
                == SHA256.hash(.randomnessMix, before.bytes + reveal.bytes))
        #expect(
            draws.randomness.seed == BeaconSeed(number: 1, value: draws.randomness.mix.value))
        draws.build(0)
        #expect(draws.randomness.seed.number == 2)
    }

    /// SEED-4: of four one may be faulty, so it takes two.
    @Test func seedsNeedMoreThanFPower() throws {
        var draws = try Draws(4)
        for height in 0..<20 { draws.build(height % 4) }
        // 17 to 20: the first reveals of everybody.
        #expect(draws.randomness.seed.number == 2)
        for _ in 0..<5 { draws.build(3) }
        #expect(draws.randomness.seed.number == 2)
        let mix = draws.randomness.mix.value
        #expect(draws.randomness.seed.value != mix)
        #expect(draws.randomness.draw.builders == [draws.builders[3]])
        draws.build(0)
        #expect(
            draws.randomness.seed == BeaconSeed(number: 3, value: draws.randomness.mix.value))
        #expect(draws.randomness.draw.builders.isEmpty)
        #expect(draws.randomness.seed.nextDraw == 5)
    }

    @Test func neverRunsDry() throws {
        var draws = try Draws(4)
        var reveals = 0
        for block in 0..<10_000 {
            if draws.build(block % 4).reveal != .zero { reveals += 1 }
        }
        #expect(reveals == 10_000 - 16)
        #expect(draws.randomness.validators.map(\.count) == [3, 3, 3, 3])
        #expect(draws.randomness.seed.number == UInt64(reveals / 2))
        // A lone one: sixteen steps are just enough.
        var alone = try Draws(1)
        for _ in 0..<3_000 { alone.build(0) }
        #expect(alone.randomness.seed.number == 3_000 - 16)
    }

    /// Whoever builds rarely has blocks enough too.
    @Test func anyOrderOfBuildersReveals() throws {
        for seed in 1...UInt64(3) {
            var random = SeededGenerator(seed: seed)
            var draws = try Draws(3)
            for _ in 0..<6_000 {
                draws.build([0, 0, 0, 0, 1, 1, 2][Int.random(in: 0..<7, using: &random)])
            }
            #expect(draws.randomness.seed.number > 2_000, "seed \(seed)")
        }
    }

    @Test func aRestartFindsItsPlace() throws {
        let seed: UInt64 = 11
        var random = SeededGenerator(seed: seed)
        var draws = try Draws(4)
        var restarted = draws
        for _ in 0..<8_000 {
            let index = Int.random(in: 0..<4, using: &random)
            if Bool.random(using: &random) {
                restarted.secrets[index] = RevealSecrets(simulating: draws.builders[index])
            }
            guard draws.build(index) == restarted.build(index) else {
                Issue.record("seed \(seed): height \(draws.height)")
                return
            }
        }
        #expect(draws.randomness == restarted.randomness)
        #expect(draws.randomness.validators.allSatisfy { $0.count > 1 })
    }

    /// SEED-1: the second announcement takes the place of the first.
    @Test func anUnusedChainIsReplaced() throws {
        var draws = try Draws(1)
        draws.build(0)
        // The key moved: another secret, and a chain that it cannot reveal from.
        draws.secrets[0] = RevealSecrets(secret: Hash32(words: (9, 9, 9, 9)))
        let second = draws.build(0)
        #expect(second.announced != .zero)
        for _ in 3...17 { #expect(draws.build(0) == .none) }
        #expect(RevealChain.step(draws.build(0).reveal) == second.announced)
    }

    @Test func aForeignChainLapses() throws {
        var draws = try Draws(1)
        for _ in 1...20 { draws.build(0) }
        let builder = draws.builders[0]
        draws.secrets[0] = RevealSecrets(secret: Hash32(words: (9, 9, 9, 9)))
        #expect(draws.contribution(of: 0).reveal == .zero)
        #expect(draws.rejection(.zero, of: 0) == .revealMissing(builder))
        draws.height = Height(20 + 65_535)
        #expect(draws.rejection(.zero, of: 0) == .revealMissing(builder))
        draws.height = Height(20 + 65_536)
        let announced = draws.build(0)
        #expect(announced.reveal == .zero && announced.announced != .zero)
        for _ in 1...15 { draws.build(0) }
        #expect(draws.build(0).reveal != .zero)
    }

    @Test func withoutSecretsNothingIsOwed() throws {
        let draws = try Draws(2)
        #expect(draws.rejection(.zero, of: 1) == nil)
        var same = draws.randomness
        same.absorb(.none, by: draws.builders[1], at: Height(1), draws.set)
        #expect(same == draws.randomness && same.validators.isEmpty)
    }

    @Test func secretsShowNothing() {
        let secrets = RevealSecrets(secret: Hash32(words: (1, 1, 1, 1)))
        #expect("\(secrets)" == "RevealSecrets(redacted)")
        #expect(String(reflecting: secrets) == "RevealSecrets(redacted)")
        var text = ""
        dump(secrets, to: &text)
        #expect(text.contains("redacted") && !text.contains("0101") && !text.contains("secret"))
    }

    @Test func chainsDifferByKeyAndNetwork() throws {
        let key = try PrivateKey(Hash32(words: (0, 0, 0, 5)))
        let other = try PrivateKey(Hash32(words: (0, 0, 0, 6)))
        var ends: Set<Hash32> = []
        for (key, genesis) in [
            (key, Hash32.zero), (key, Hash32(words: (1, 0, 0, 0))), (other, .zero),
        ] {
            var secrets = RevealSecrets(key, genesis: genesis)
            let first = secrets.contribution(
                to: HeaderRandomness(genesis: genesis), of: key.address, at: Height(1))
            ends.insert(first.announced)
        }
        #expect(ends.count == 3)
    }
}

@Suite struct HeaderRandomnessCodecTests {
    @Test func comesBack() throws {
        var draws = try Draws(3)
        for block in 0..<3_200 {
            draws.build(block % 3)
            guard block % 97 == 0 else { continue }
            let bytes = draws.randomness.encoded
            let copy = try HeaderRandomness(encoded: bytes)
            #expect(copy == draws.randomness && copy.encoded == bytes)
            #expect(copy.hash == draws.randomness.hash)
        }
        let empty = HeaderRandomness(genesis: .zero)
        #expect(try HeaderRandomness(encoded: empty.encoded) == empty)
    }

    @Test func hashSaysEverything() throws {
        var draws = try Draws(3)
        for block in 0..<40 { draws.build(block % 3) }
        let state = draws.randomness
        var hashes: Set<Hash32> = [state.hash]
        let changes: [(inout HeaderRandomness) -> Void] = [
            { $0.mix = RandomnessMix(.zero) },
            { $0.seed = BeaconSeed(number: $0.seed.number + 1, value: $0.seed.value) },
            { $0.seed = BeaconSeed(number: $0.seed.number, value: .zero) },
            { $0.draw.revealed(by: Address(words: (9, 9, 9))) },
            { $0.validators.removeLast() },
            { $0.validators[0].count += 1 },
            { $0.validators[0].current?.steps += 1 },
            { $0.validators[0].current?.newest = Height(1) },
            { $0.validators[0].current?.number += 1 },
            { $0.validators[0].current = nil },
            { $0.validators[1].announced = .init(commitment: .zero, height: .genesis) },
        ]
        for change in changes {
            var other = state
            change(&other)
            hashes.insert(other.hash)
        }
        #expect(hashes.count == changes.count + 1)
    }

    @Test func refusesWhatNoStateIs() throws {
        var draws = try Draws(2)
        for block in 0..<40 { draws.build(block % 2) }
        draws.randomness.draw = PendingDraw()
        func error(_ change: (inout HeaderRandomness) -> Void) -> RLPError? {
            var state = draws.randomness
            change(&state)
            do throws(RLPError) { _ = try HeaderRandomness(encoded: state.encoded) } catch {
                return error
            }
            return nil
        }
        #expect(error { _ in } == nil)
        #expect(error { $0.validators.swapAt(0, 1) } == .unknownValue(1))
        #expect(error { $0.validators[1] = $0.validators[0] } == .unknownValue(1))
        #expect(error { $0.validators[0].current?.steps = 0 } == .unknownValue(0))
        #expect(error { $0.validators[0].current?.steps = 1_025 } == .unknownValue(1_025))
        #expect(error { $0.validators[0].current?.number = 2 } == .unknownValue(2))
        #expect(error { $0.validators[0].current = nil } == .unknownValue(1))
        #expect(error { $0.seed = BeaconSeed(number: 0, value: $0.mix.value) } == .unknownValue(0))
        let bytes = draws.randomness.encoded
        #expect(throws: RLPError.trailingBytes) { _ = try HeaderRandomness(encoded: bytes + [0]) }
        #expect(throws: RLPError.truncated) {
            _ = try HeaderRandomness(encoded: bytes.dropLast())
        }
    }
}

/// SEED-2 to SEED-4 in the beacon's checks.
@Suite struct BeaconRandomnessTests {
    /// A ledger whose next block must reveal.
    private func ledger() throws -> TestLedger {
        var ledger = try TestLedger()
        for _ in 1...17 { try ledger.decide() }
        #expect(ledger.view.seed.number == 1)
        return ledger
    }

    private func block(_ core: BeaconCore) -> BeaconHeader {
        var secrets: RevealSecrets? = RevealSecrets(simulating: TestLedger.proposer)
        return core.propose(
            [], now: core.head.time, proposer: TestLedger.proposer, secrets: &secrets,
            elected: nil
        ).header
    }

    @Test func refusesAnotherReveal() throws {
        let core = try ledger().driver.beacon
        let header = block(core)
        #expect(
            header.reveal != .zero && core.check(header, [], mandatory: [], elected: nil) == nil)
        let proposer = TestLedger.proposer
        func rejection(_ change: (inout BeaconHeader) -> Void) -> AnchorRejection? {
            var other = header
            change(&other)
            return core.check(other, [], mandatory: [], elected: nil)
        }
        #expect(rejection { $0.reveal = .zero } == .revealMissing(proposer))
        #expect(rejection { $0.reveal = $0.randomness } == .wrongReveal(proposer))
        let stranger = Address(words: (1, 2, 3))
        #expect(rejection { $0.proposer = stranger } == .unexpectedReveal(stranger))
        #expect(rejection { $0.randomness = core.head.randomness } == .wrongRandomness)
        // An announcement is part of the state.
        #expect(rejection { $0.announced = $0.randomness } == .wrongRandomness)
        // Who has announced nothing owes nothing, and changes nothing.
        #expect(
            rejection {
                ($0.proposer, $0.reveal, $0.randomness) = (stranger, .zero, core.randomness.hash)
            } == nil)
    }

    @Test func blocksReadTheSeedOfTheirParent() throws {
        var ledger = try ledger()
        for _ in 0..<5 {
            let before = ledger.driver.beacon.randomness
            #expect(ledger.view.seed == before.seed)
            try ledger.decide()
            #expect(ledger.view.seed.number == before.seed.number + 1)
            #expect(ledger.driver.beacon.head.randomness == ledger.driver.beacon.randomness.hash)
        }
    }

    @Test func booksKeepTheRandomness() throws {
        let ledger = try ledger()
        let core = ledger.driver.beacon
        let copy = try BeaconCore(ledger.driver.genesis, encodedBooks: core.encodedBooks)
        #expect(copy.randomness == core.randomness && copy.view.seed == core.view.seed)
        #expect(block(copy) == block(core))
    }

    @Test func genesisCommitsToItsHash() throws {
        let core = try TestLedger().driver.beacon
        #expect(core.randomness.mix.value == core.chain && core.randomness.seed == .none)
        #expect(core.head.randomness == core.randomness.hash && core.head.contribution == .none)
    }

    /// A block on an undecided one reads and reveals what that one leaves.
    @Test func revealsAheadOfTheDecision() throws {
        let ledger = try ledger()
        var books = BeaconBranches(ledger.driver.beacon)
        let one = block(books.core)
        books.extend(one, [])
        let view = try #require(books.view(after: one.hash))
        #expect(view.seed.number == 2)
        var secrets: RevealSecrets? = RevealSecrets(simulating: TestLedger.proposer)
        let two = try #require(
            try books.propose(
                [], on: one.hash, now: ledger.now, proposer: TestLedger.proposer,
                secrets: &secrets, mandatory: [], elected: nil)
        ).header
        #expect(RevealChain.step(two.reveal) == one.reveal)
        books.decide(one, [])
        #expect(books.core.check(two, [], mandatory: [], elected: nil) == nil)
    }
}
