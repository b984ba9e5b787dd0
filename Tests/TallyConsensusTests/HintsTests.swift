import TallyPrimitives
import Testing

@testable import TallyConsensus

/// What others say is final is asked for seldom, and forgotten when nobody has it (IBFT-R14).
@Suite struct HintsTests {
    private let fixture: Fixture
    private var machine: Ibft

    init() throws {
        fixture = try Fixture(4)
        machine = Ibft(
            Ibft.Configuration(chain: Fixture.chain),
            signer: TestSigner(address: fixture.members[0]),
            start: Ibft.Start(
                head: Fixture.genesis, sets: fixture.sets(), memory: .none, nonce: .zero))
        _ = machine.handle(.start)
    }

    /// The last heights of the requests that an input leads to.
    private mutating func requests(_ input: Ibft.Input) -> [UInt64] {
        machine.handle(input).compactMap {
            guard case .requestSync(let from, let through) = $0 else { return nil }
            #expect(from == machine.head.height.next)
            return through.value
        }
    }

    private mutating func hear(_ height: UInt64, from member: Int?) -> [UInt64] {
        requests(.peerHead(Height(height), from: member.map { fixture.members[$0] }))
    }

    private mutating func tick() -> [UInt64] {
        requests(.timer(.retransmission(machine.head.height.next)))
    }

    private func block(_ height: UInt64) -> ProposedBlock {
        (1...height).reduce(into: nil as ProposedBlock?) { parent, height in
            parent = TestBlocks.make(
                height, parent: parent?.digest ?? Fixture.genesis.digest, time: height,
                content: "")
        } ?? TestBlocks.make(1, parent: Fixture.genesis.digest, time: 1, content: "")
    }

    private mutating func decideByFinal(_ height: UInt64) throws -> [UInt64] {
        var cache = SignatureCache()
        let message = try fixture.authenticator().authenticate(
            .final(fixture.final(0, block(height), by: [1, 2, 3])), sets: machine.sets,
            cache: &cache)
        var asked: [UInt64] = []
        for effect in machine.handle(.message(message)) {
            guard case .persist(_, let token) = effect else { continue }
            asked += requests(.persisted(token))
            asked += requests(.applied(Height(height), setAfterNext: fixture.set))
        }
        return asked
    }

    @Test mutating func growingHintsCauseOneRequestAnInterval() {
        let first = hear(5, from: 1)
        #expect(first == [5])
        for height in 6...1000 as ClosedRange<UInt64> {
            let more = hear(height, from: Int(height % 3) + 1)
            #expect(more == [])
        }
        // Nothing was retransmitted when it was asked, so the first timer is a whole interval later.
        let second = tick()
        #expect(second == [1000])
        for height in 1001...2000 as ClosedRange<UInt64> {
            let more = hear(height, from: 1)
            #expect(more == [])
        }
        let third = tick()
        #expect(third == [2000])
    }

    /// The interval that was under way when it was asked is none.
    @Test mutating func aRequestBetweenTwoTimersHasAnIntervalOfItsOwn() {
        let race = hear(1, from: 1)
        #expect(race == [])
        let first = hear(2, from: 1)
        #expect(first == [2])
        let early = tick()
        #expect(early == [])
        let second = tick()
        #expect(second == [2])
    }

    @Test mutating func whatNobodyHasIsForgotten() {
        _ = hear(3, from: 2)
        let lie = hear(.max, from: 1)
        #expect(lie == [])
        // Members in turn, four in a row without a FINAL: the highest goes, then the next.
        let asked = (0..<10).map { _ in tick() }
        let most = UInt64.max
        #expect(asked == [[most], [most], [most], [3], [3], [3], [3], [], [], []])
        #expect(machine.hints.target == nil)
        // A new one counts again.
        let again = hear(4, from: 1)
        #expect(again == [4])
    }

    @Test mutating func whatBringsFinalsGoesOn() throws {
        _ = hear(40, from: 1)
        for height in 1...10 as ClosedRange<UInt64> {
            let asked = try decideByFinal(height)
            #expect(asked == [])
            let again = tick()
            #expect(again == [40])
            #expect(machine.head.height == Height(height))
        }
    }

    /// The request ends with its last height; what was heard meanwhile is asked for then.
    @Test mutating func theNextRequestFollowsTheLastHeightOfTheOneBefore() throws {
        _ = hear(2, from: 1)
        _ = hear(9, from: 2)
        let first = try decideByFinal(1)
        #expect(first == [])
        let second = try decideByFinal(2)
        #expect(second == [9])
    }

    /// A member has room for one hint, and all others together for another one.
    @Test mutating func roomForHintsIsBounded() throws {
        let strangers = try Fixture(60).members.filter { !fixture.set.contains($0) }
        for height in 2...300 as ClosedRange<UInt64> {
            _ = hear(height, from: Int(height % 4))
            let stranger = strangers[Int(height) % strangers.count]
            _ = requests(.peerHead(Height(height), from: stranger))
            _ = hear(height, from: nil)
        }
        #expect(machine.hints.count == 5)
        #expect(machine.hints.target == Height(300))
        let past = hear(0, from: 1)
        #expect(past == [] && machine.hints.count == 5)
    }
}
