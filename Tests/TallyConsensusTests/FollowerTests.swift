import TallyConsensus
import TallyPrimitives
import Testing

/// A node that is no member follows by the same messages, and says nothing that needs a vote.
@Suite struct FollowerTests {
    private let fixture: Fixture
    private let stranger: Address

    init() throws {
        fixture = try Fixture(4)
        stranger = try #require(Address([UInt8](repeating: 9, count: 20)))
    }

    private func machine(_ memory: Ibft.Memory) -> Ibft {
        Ibft(
            Ibft.Configuration(chain: Fixture.chain), signer: TestSigner(address: stranger),
            start: Ibft.Start(
                head: Fixture.genesis, sets: fixture.sets(1...4), memory: memory,
                nonce: Fixture.chain.genesis))
    }

    /// Performs what can be at once, and gives the rest.
    private func settle(_ machine: inout Ibft, _ inputs: [Ibft.Input]) -> [Ibft.Effect] {
        var inputs = inputs
        var others: [Ibft.Effect] = []
        while !inputs.isEmpty {
            for effect in machine.handle(inputs.removeFirst()) {
                switch effect {
                case .persist(_, let token): inputs.append(.persisted(token))
                case .validate(let request, _): inputs.append(.validated(request, .valid))
                case .broadcast, .send, .sendFinal, .schedule, .build, .requestBody, .requestSync,
                    .decide, .lateSeal, .report, .refuse, .halt:
                    others.append(effect)
                }
            }
        }
        return others
    }

    private func says(_ effects: [Ibft.Effect]) -> Bool {
        effects.contains { effect in
            switch effect {
            case .broadcast, .send, .build: true
            case .sendFinal, .persist, .schedule, .validate, .requestBody, .requestSync, .decide,
                .lateSeal, .report, .refuse, .halt:
                false
            }
        }
    }

    @Test func decidesByVotesOfOthersInSilence() throws {
        var machine = machine(.none)
        var cache = SignatureCache(limit: 100)
        let block = TestBlocks.make(1, parent: Fixture.genesis.digest, content: "A")
        let messages: [Message] =
            [.proposal(fixture.proposal(1, 0, block))]
            + (1..<4).map { .prepare(fixture.prepare($0, 1, 0, block.digest)) }
            + (1..<4).map { .commit(fixture.commit($0, 1, 0, block.digest)) }
        var inputs: [Ibft.Input] = [.start, .work]
        for message in messages {
            inputs.append(
                .message(
                    try fixture.authenticator().authenticate(
                        message, sets: fixture.sets(), cache: &cache)))
        }
        inputs += [
            .timer(.round(Height(1), .zero)), .timer(.retransmission(Height(1))),
            .timer(.heartbeat(Height(1))),
        ]
        let effects = settle(&machine, inputs)
        #expect(!says(effects))
        let decided = effects.contains { if case .decide = $0 { true } else { false } }
        #expect(decided)
    }

    /// IBFT-R9: others would take the question for an offence.
    @Test func asksNobodyForHeadsThoughItsVoteLogIsLost() {
        var machine = machine(.lost)
        let effects = settle(&machine, [.start, .timer(.headQuery)])
        #expect(!says(effects))
        #expect(
            effects.contains(.schedule(.headQuery, after: machine.configuration.retransmission)))
    }
}
