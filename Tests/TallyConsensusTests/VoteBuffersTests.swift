import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyConsensus

/// What is added up as votes come is what counting them gives (IBFT-R7, IBFT-R12).
@Suite struct VoteBuffersTests {
    @Test func sumsAreThoseOfTheVotesKept() throws {
        let fixture = try Fixture(7, powers: [1, 2, 3, 4, 5, 6, 7])
        let digests = (0..<3).map { RevealChain.value(secret: .zero, steps: $0) }
        forEachSeed(base: 41, count: 6) { seed, generator in
            var buffers = VoteBuffers(fixture.set)
            var kept: [Prepare] = []
            var current: UInt32 = 0
            for step in 0..<300 {
                if step % 40 == 39 {
                    current += UInt32.random(in: 0...20, using: &generator)
                    buffers.prune(around: Round(current))
                    kept.removeAll { $0.round.value + VoteBuffers.windowRounds < current }
                }
                let prepare = fixture.prepare(
                    Int.random(in: 0..<7, using: &generator), 1,
                    current + UInt32.random(in: 0...10, using: &generator),
                    // Most agree, so that there are quorums.
                    digests[max(0, Int.random(in: -6..<3, using: &generator))])
                if case .stored = buffers.insert(prepare, current: Round(current)) {
                    kept.append(prepare)
                }
                for floor in [nil, Round(current), Round(current + 3)] {
                    let certificate = buffers.preparedQuorum(above: floor)
                    #expect(
                        certificate?.report == Self.highest(kept, fixture.set, above: floor),
                        "seed \(seed)")
                    guard let certificate else { continue }
                    let signers = certificate.endorsements.map(\.sender)
                    #expect(Set(signers).count == signers.count)
                    #expect(fixture.set.power(of: signers) >= fixture.set.quorum)
                }
            }
        }
    }

    /// Counted anew.
    private static func highest(
        _ votes: [Prepare], _ set: ValidatorSet, above floor: Round?
    ) -> PreparedReport? {
        let reports = Set(
            votes.map { PreparedReport(round: $0.round, digest: $0.statement.digest) })
        return reports.filter { report in
            let signers = votes.filter {
                $0.round == report.round && $0.statement.digest == report.digest
            }.map(\.sender)
            return set.power(of: signers) >= set.quorum && floor.map { report.round > $0 } ?? true
        }.max { $0.round < $1.round }
    }

    /// ECDSA lets one sign the same twice with different signatures: that proves nothing.
    @Test func anotherSignatureOfOneStatementIsADuplicate() throws {
        let fixture = try Fixture(4)
        var buffers = VoteBuffers(fixture.set)
        let block = TestBlocks.make(1, parent: Fixture.genesis.digest, content: "A")
        let proposal = fixture.proposal(1, 0, block)
        let change = fixture.change(2, 1, 1)
        let prepare = fixture.prepare(2, 1, 0, block.digest)
        let commit = fixture.commit(2, 1, 0, block.digest)
        let again = Proposal(Self.resigned(proposal.signed), justification: nil, block: block)
        let insertions: [(Insertion, Insertion)] = [
            (buffers.insert(proposal), buffers.insert(again)),
            (
                buffers.insert(prepare, current: .zero),
                buffers.insert(Self.resigned(prepare), current: .zero)
            ),
            (
                buffers.insert(commit, current: .zero),
                buffers.insert(Self.resigned(commit), current: .zero)
            ),
        ]
        for (first, second) in insertions {
            guard case .stored = first, case .refused(.duplicate, nil) = second else {
                Issue.record("\(first), \(second)")
                continue
            }
        }
        var changes = VoteBuffers(fixture.set)
        _ = changes.insert(change)
        let second = changes.insert(RoundChange(Self.resigned(change.signed), certificate: nil))
        guard case .refused(.duplicate, nil) = second else {
            Issue.record("\(second)")
            return
        }
    }

    private static func resigned<Content>(_ signed: Signed<Content>) -> Signed<Content> {
        let signature = RecoverableSignature(
            r: signed.signature.s, s: signed.signature.r, yParity: 1)
        return Signed(signed.statement, sender: signed.sender, signature: signature)
    }

    @Test func strangersHaveNoRoom() throws {
        let four = try Fixture(4)
        let five = try Fixture(5)
        let stranger = try #require(
            five.members.firstIndex { !four.set.contains($0) })
        var buffers = VoteBuffers(four.set)
        let prepare = five.prepare(stranger, 1, 0, .zero)
        guard case .refused(.notAValidator, nil) = buffers.insert(prepare, current: .zero) else {
            Issue.record("kept")
            return
        }
        #expect(buffers.count == 0)
    }
}
