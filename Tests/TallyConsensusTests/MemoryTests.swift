import TallyConsensus
import TallyPrimitives
import Testing

@Suite struct MemoryTests {
    /// F validators say whatever they like, as often as they like (IBFT-R12).
    @Test func memoryIsBounded() throws {
        let fixture = try Fixture(4)
        var machine = Ibft(
            Ibft.Configuration(chain: Fixture.chain),
            signer: TestSigner(address: fixture.members[0]),
            start: Ibft.Start(
                head: Fixture.genesis, sets: fixture.sets(), memory: .none, nonce: .zero))
        _ = machine.handle(.start)
        var cache = SignatureCache(limit: 10)
        var generator = SeededGenerator(seed: 3)
        func say(_ message: Message) throws {
            let message = try fixture.authenticator().authenticate(
                message, sets: fixture.sets(), cache: &cache)
            _ = machine.handle(.message(message))
        }
        var largest = 0
        for i in 0..<3000 {
            let round = UInt32.random(in: 1...(.max), using: &generator) >> (i % 32)
            let height = UInt64(1 + i % 2)
            let digest = RevealDigest.make(i)
            try say(.prepare(fixture.prepare(1, height, round, digest)))
            try say(.commit(fixture.commit(1, height, round, digest)))
            if round > 0 { try say(.roundChange(fixture.change(1, height, round))) }
            largest = max(largest, machine.storedVotes)
        }
        // Two heights of 17 PREPAREs, 17 COMMITs, a ROUND-CHANGE and a PROPOSAL.
        #expect(largest <= 2 * 36 && largest > 10)
    }
}

extension MemoryTests {
    /// Who contradicts itself without end is reported, and not without end (IBFT-V3).
    @Test func reportsAreBounded() throws {
        let fixture = try Fixture(4)
        var machine = Ibft(
            Ibft.Configuration(chain: Fixture.chain),
            signer: TestSigner(address: fixture.members[0]),
            start: Ibft.Start(
                head: Fixture.genesis, sets: fixture.sets(), memory: .none, nonce: .zero))
        _ = machine.handle(.start)
        var cache = SignatureCache()
        var reports = 0
        var slots: [UInt32] = []
        for round in 1...400 as ClosedRange<UInt32> {
            let report = fixture.certificate(1, 0, .zero, by: [1, 2, 3])
            for change in [
                fixture.change(1, 1, round), fixture.change(1, 1, round, report),
                fixture.change(1, 1, round, report),
            ] {
                let message = try fixture.authenticator().authenticate(
                    .roundChange(change), sets: fixture.sets(), cache: &cache)
                for case .report(.roundChanges(let pair)) in machine.handle(.message(message)) {
                    reports += 1
                    slots.append(pair.first.round.value)
                }
            }
        }
        #expect(reports == 16)
        #expect(Set(slots).count == reports)
    }
}

private enum RevealDigest {
    static func make(_ i: Int) -> Hash32 { RevealChain.value(secret: .zero, steps: i % 50) }
}
