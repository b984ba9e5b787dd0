import TallyConsensus
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct ValidatorSetTests {
    private func address(_ i: Int) throws -> Address {
        try #require(Address([UInt8](repeating: 0, count: 18) + [UInt8(i >> 8), UInt8(i & 255)]))
    }

    private func error(_ validators: [Validator]) -> ValidatorSetError? {
        do throws(ValidatorSetError) {
            _ = try ValidatorSet(validators, seed: .zero)
            return nil
        } catch { return error }
    }

    @Test func refusesWhatIsNoSet() throws {
        let a = Validator(address: try address(1), power: 1)
        #expect(error([]) == .empty)
        #expect(error([a, a]) == .duplicate(a.address))
        let powerless = Validator(address: try address(2), power: 0)
        #expect(error([a, powerless]) == .powerless(powerless.address))
        let strong = Validator(address: try address(2), power: ValidatorSet.maximumPower)
        #expect(error([strong]) == nil)
        #expect(error([a, strong]) == .tooPowerful)
        #expect(error([a, .init(address: strong.address, power: .max)]) == .tooPowerful)
        let many = try (0...512).map { Validator(address: try address($0), power: 1) }
        #expect(error(many) == .tooMany(limit: 512))
        #expect(error(many.dropLast()) == nil)
    }

    /// Whatever the weights, F power can be lost and F power cannot make two quorums.
    @Test func quorumsOfWeights() throws {
        try forEachSeed(base: 1, count: 50) { seed, generator in
            let count = Int(generator.next() % 20) + 1
            let members = try (0..<count).map {
                Validator(address: try address($0), power: generator.next() % 1000 + 1)
            }
            let set = try ValidatorSet(members, seed: .zero)
            #expect(set.totalPower == members.reduce(0) { $0 + $1.power }, "seed \(seed)")
            #expect(2 * set.quorum > set.totalPower + set.faulty)
            #expect(set.totalPower - set.faulty >= set.quorum)
            for member in members { #expect(set.power(of: member.address) == member.power) }
            #expect(set.power(of: try address(999)) == 0)
        }
    }

    /// Everybody proposes once in N rounds and once in N heights (IBFT-R17).
    @Test func proposersTakeTurns() throws {
        let fixture = try Fixture(7)
        for start: UInt64 in [0, 1, 6, 7, .max - 7] {
            let byRound = (0..<7).map { fixture.set.proposer(Height(start), Round(UInt32($0))) }
            let byHeight = (0..<7).map { fixture.set.proposer(Height(start + $0), .zero) }
            #expect(Set(byRound).count == 7 && byRound == byHeight)
        }
        _ = fixture.set.proposer(Height(.max), Round(.max))
    }

    @Test func seedDecidesTheOrder() throws {
        let one = try Fixture(7, seed: 1)
        let other = try Fixture(7, seed: 2)
        #expect(one.set.validators == other.set.validators)
        #expect(one.set.order != other.set.order)
        #expect(one.set.hash != other.set.hash)
    }

    /// The hash does not depend on the order of arrival, and on everything else.
    @Test func hashCoversTheSet() throws {
        let fixture = try Fixture(4)
        let shuffled = try ValidatorSet(fixture.set.validators.reversed(), seed: fixture.set.seed)
        #expect(shuffled == fixture.set && shuffled.hash == fixture.set.hash)
        let heavier = try Fixture(4, powers: [1, 2, 1, 1])
        #expect(heavier.set.hash != fixture.set.hash)
    }
}
