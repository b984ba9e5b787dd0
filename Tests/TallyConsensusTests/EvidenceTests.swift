import TallyConsensus
import TallyPrimitives
import Testing

/// Evidence stands on its own bytes (IBFT-V1, IBFT-V2).
@Suite struct EvidenceTests {
    private let fixture: Fixture
    private let a = TestBlocks.make(1, parent: Fixture.genesis.digest, content: "A")
    private let b = TestBlocks.make(1, parent: Fixture.genesis.digest, content: "B")

    init() throws { fixture = try Fixture(4) }

    private func error(_ evidence: Evidence) -> EvidenceError? {
        var cache = SignatureCache()
        do throws(EvidenceError) {
            try fixture.authenticator().verify(evidence, set: fixture.set, cache: &cache)
            return nil
        } catch { return error }
    }

    @Test func acceptsEveryKind() {
        let lock = fixture.certificate(1, 0, a.digest, by: [0, 1, 2])
        let few = Justification(
            roundChanges: [1, 2].map { fixture.change($0, 1, 1).signed }, certificate: nil)
        let all: [Evidence] = [
            .proposals(
                Contradiction(fixture.proposal(1, 0, a).signed, fixture.proposal(1, 0, b).signed)),
            .prepares(
                Contradiction(
                    fixture.prepare(1, 1, 0, a.digest), fixture.prepare(1, 1, 0, b.digest))),
            .commits(
                Contradiction(
                    fixture.commit(1, 1, 0, a.digest), fixture.commit(1, 1, 0, b.digest))),
            .roundChanges(
                Contradiction(
                    fixture.change(1, 1, 1).signed, fixture.change(1, 1, 1, lock).signed)),
            .concealedCommit(fixture.commit(1, 1, 0, a.digest), fixture.change(1, 1, 1).signed),
            .concealedCommit(
                fixture.commit(1, 1, 1, a.digest), fixture.change(1, 1, 2, lock).signed),
            .unjustified(fixture.proposal(2, 1, a, few).signed, few),
        ]
        for evidence in all {
            #expect(error(evidence) == nil)
            #expect(fixture.members[1...2].contains(evidence.offender))
            #expect(evidence.height == Height(1))
        }
    }

    /// A pair has one form, whichever came first.
    @Test func hasOneForm() {
        let (first, second) = (
            fixture.prepare(1, 1, 0, a.digest), fixture.prepare(1, 1, 0, b.digest)
        )
        #expect(Contradiction(first, second) == Contradiction(second, first))
    }

    @Test func acquitsTheHonest() {
        let lock = fixture.certificate(1, 0, a.digest, by: [0, 1, 2])
        let prepare = fixture.prepare(1, 1, 0, a.digest)
        #expect(error(.prepares(Contradiction(prepare, prepare))) == .notContradictory)
        #expect(
            error(.prepares(Contradiction(prepare, fixture.prepare(1, 1, 1, b.digest))))
                == .notContradictory, "another round")
        #expect(
            error(.prepares(Contradiction(prepare, fixture.prepare(1, 2, 0, b.digest))))
                == .notContradictory, "another height")
        #expect(
            error(.prepares(Contradiction(prepare, fixture.prepare(2, 1, 0, b.digest))))
                == .notContradictory, "another sender")
        let commit = fixture.commit(1, 1, 0, a.digest)
        #expect(
            error(.concealedCommit(commit, fixture.change(1, 1, 1, lock).signed))
                == .nothingConcealed, "it reports the round of the COMMIT")
        let later = fixture.commit(1, 1, 1, a.digest)
        #expect(
            error(.concealedCommit(later, fixture.change(1, 1, 1).signed)) == .nothingConcealed,
            "the COMMIT came after")
        #expect(
            error(.concealedCommit(commit, fixture.change(2, 1, 1).signed)) == .nothingConcealed)
    }

    @Test func refusesForgeries() {
        let mine = fixture.prepare(1, 1, 0, a.digest)
        let other = fixture.prepare(2, 1, 0, b.digest)
        let forged = Prepare(other.statement, sender: mine.sender, signature: other.signature)
        #expect(
            error(.prepares(Contradiction(mine, forged))) == .wrongSigner(claimed: mine.sender))
    }

    @Test func acquitsTheJustified() {
        let lock = fixture.certificate(1, 0, a.digest, by: [0, 1, 2])
        let good = Justification(
            roundChanges: [
                fixture.change(0, 1, 1).signed, fixture.change(1, 1, 1).signed,
                fixture.change(2, 1, 1, lock).signed,
            ], certificate: lock)
        #expect(error(.unjustified(fixture.proposal(2, 1, a, good).signed, good)) == .justified)
        let other = Justification(roundChanges: [], certificate: nil)
        #expect(
            error(.unjustified(fixture.proposal(2, 1, a, good).signed, other)) == .justified,
            "not the one that was signed")
        #expect(error(.unjustified(fixture.proposal(1, 0, a).signed, other)) == .justified)
    }

    @Test func refusesStrangers() throws {
        let wider = try Fixture(5)
        let member = try #require((0..<5).first { !fixture.members.contains(wider.members[$0]) })
        let pair = Contradiction(
            wider.prepare(member, 1, 0, a.digest), wider.prepare(member, 1, 0, b.digest))
        #expect(error(.prepares(pair)) == .notAValidator(wider.members[member]))
    }
}
