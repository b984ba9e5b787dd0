import TallyPrimitives
import Testing

@testable import TallyConsensus

/// A disk is lost where the validators changed (IBFT-R9, IBFT-R13).
@Suite struct ObservationTests {
    private let fixture: Fixture
    private let old: ValidatorSet
    private let new: ValidatorSet

    init() throws {
        fixture = try Fixture(7)
        let members = fixture.members
        let set = { (places: [Int]) in
            try ValidatorSet(
                places.map { Validator(address: members[$0], power: 1) }, seed: .zero)
        }
        old = try set([0, 1, 2, 3])
        new = try set([0, 4, 5, 6])
    }

    /// Set(1) is `old`, that of the heights above `new`. Member 0 has nothing left.
    private func observer() -> Ibft {
        var machine = Ibft(
            Ibft.Configuration(chain: Fixture.chain),
            signer: TestSigner(address: fixture.members[0]),
            start: Ibft.Start(
                head: Fixture.genesis, sets: ValidatorSets([Height(1): old, Height(2): new]),
                memory: .lost, nonce: Fixture.chain.genesis))
        _ = machine.handle(.start)
        _ = machine.handle(.persisted(PersistToken(1)))
        return machine
    }

    /// Until where the machine decides to be silent when a member says where it is.
    private func until(
        _ machine: inout Ibft, member: Int, head: Ibft.Head
    ) throws -> Height? {
        let statement = HeadAnswerStatement(
            height: head.height, digest: head.digest, nonce: Fixture.chain.genesis)
        var cache = SignatureCache()
        let message = try fixture.authenticator().authenticate(
            .headAnswer(fixture.sign(statement, member, validators: .zero)), sets: machine.sets,
            cache: &cache)
        for case .persist(let records, _) in machine.handle(.message(message)) {
            for case .observing(_, let until) in records { return until }
        }
        return nil
    }

    /// They may have left before they learned that height 1 is final, and the asker went on with the
    /// new members to heights of which they know nothing.
    @Test func aQuorumOfWhoLeftDoesNotEndTheSilence() throws {
        var machine = observer()
        for member in 1...3 {
            let answer = try until(&machine, member: member, head: Fixture.genesis)
            #expect(answer == nil)
        }
        #expect(machine.observation?.answers.count == 3)
    }

    @Test func aQuorumOfTheSetInWhichItEndsDoes() throws {
        var machine = observer()
        let low = try until(&machine, member: 1, head: Fixture.genesis)
        #expect(low == nil)
        for member in 4...5 {
            let answer = try until(&machine, member: member, head: Fixture.genesis)
            #expect(answer == nil)
        }
        let last = try until(&machine, member: 6, head: Fixture.genesis)
        #expect(last == Height(2))
    }

    /// Whoever knows better counts, of whichever set.
    @Test func aHigherHeadOfWhoLeftCounts() throws {
        var machine = observer()
        let block = TestBlocks.make(1, parent: Fixture.genesis.digest, time: 1, content: "A")
        let head = Ibft.Head(height: Height(1), digest: block.digest, timestamp: block.timestamp)
        let claim = try until(&machine, member: 1, head: head)
        #expect(claim == nil)
        for member in 4...6 {
            _ = try until(&machine, member: member, head: Fixture.genesis)
        }
        // The claim of height 1 is not proven here: it does not count.
        #expect(machine.observation?.until == Height(2))
    }
}
