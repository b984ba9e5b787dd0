import TallyConsensus
import TallyPrimitives

@testable import FuzzTargets

/// Messages of an open committee, each of one kind, and runs of several.
struct AgreementSpecimens {
    private let committee = OpenCommittee.shared
    private let block: ProposedBlock

    init() {
        let body = OpenBlocks.body(
            1, parent: OpenCommittee.chain.genesis, time: 5, number: 42)
        guard let block = OpenBlocks().block(body: body) else { preconditionFailure("a block") }
        self.block = block
    }

    /// A record of the beacon log.
    var undecidedRecord: [UInt8] { ConsensusRecord.undecided(block).encoded }

    func all() -> [Specimen] {
        let certificate = certificate(round: 0, by: [1, 2, 3])
        let free = Justification(
            roundChanges: [1, 2, 3].map { change($0, round: 1, nil).signed }, certificate: nil)
        let bound = Justification(
            roundChanges: [1, 2, 3].map { change($0, round: 1, certificate).signed },
            certificate: certificate)
        let proposal = Message.proposal(proposal(1, round: 0))
        let prepares = [1, 2, 3].map { Message.prepare(prepare($0, round: 0)) }
        let commits = [1, 2, 3].map { Message.commit(commit($0, round: 0)) }
        let changes = [1, 2, 3].map { Message.roundChange(change($0, round: 1, nil)) }
        let decided = Message.final(final(by: [1, 2, 3]))
        let messages: [(String, Message)] = [
            ("proposal", proposal), ("free-proposal", .proposal(self.proposal(2, round: 1, free))),
            ("bound-proposal", .proposal(self.proposal(2, round: 1, bound))),
            ("prepare", prepares[0]), ("commit", commits[0]), ("round-change", changes[0]),
            ("prepared-round-change", .roundChange(change(2, round: 1, certificate))),
            ("final", decided),
            (
                "head-query",
                .headQuery(sign(HeadQueryStatement(height: Height(3), nonce: block.digest), 1))
            ),
            (
                "head-answer",
                .headAnswer(
                    sign(
                        HeadAnswerStatement(
                            height: Height(3), digest: block.digest, nonce: block.digest), 2))
            ),
        ]
        // Numbers of what else happens: 1 is durable, 4 valid, 6 a timer, 7 applied.
        var decision: [[UInt8]] = [proposal.wire, [4], [1]]
        decision += prepares.map(\.wire)
        decision.append([1])
        decision += commits.map(\.wire)
        decision += [[1], [7], [0]]
        var rounds: [[UInt8]] = [proposal.wire, [4], [1], [6]]
        rounds += changes.map(\.wire)
        rounds += [[1], messages[1].1.wire, [12], [1]]
        var rivals: [[UInt8]] = [proposal.wire, messages[1].1.wire, messages[2].1.wire]
        rivals += commits.map(\.wire)
        let final: [[UInt8]] = [decided.wire, [1], [7], [0], [2], [1], [6]]
        let runs: [(String, [[UInt8]])] = [
            ("decision", decision), ("round-change", rounds), ("final", final),
            ("two-proposals", rivals),
        ]
        return messages.map { Specimen(.messages, $0.0, $0.1.wire) }
            + runs.map { Specimen(.agreement, $0.0, Array($0.1.joined())) }
    }

    // MARK: Statements

    private func sign<Content: Statement>(_ content: Content, _ member: Int) -> Signed<Content> {
        let address = committee.members[member]
        return Signed(content, sender: address, signature: OpenSignatures.signature(address))
    }

    private func prepare(_ member: Int, round: UInt32) -> Prepare {
        sign(
            PrepareStatement(height: Height(1), round: Round(round), digest: block.digest), member)
    }

    private func commit(_ member: Int, round: UInt32) -> Commit {
        sign(CommitStatement(height: Height(1), round: Round(round), digest: block.digest), member)
    }

    private func certificate(round: UInt32, by signers: [Int]) -> PreparedCertificate {
        PreparedCertificate(
            round: Round(round), digest: block.digest,
            endorsements: signers.map { prepare($0, round: round) }.map {
                Endorsement(sender: $0.sender, signature: $0.signature)
            }.sorted { $0.sender < $1.sender })
    }

    private func change(
        _ member: Int, round: UInt32, _ prepared: PreparedCertificate?
    ) -> RoundChange {
        RoundChange(
            sign(
                RoundChangeStatement(
                    height: Height(1), round: Round(round), prepared: prepared?.report), member),
            certificate: prepared)
    }

    private func proposal(
        _ member: Int, round: UInt32, _ justification: Justification? = nil
    ) -> Proposal {
        let statement = ProposalStatement(
            height: Height(1), round: Round(round), parent: block.parent, digest: block.digest,
            justification: justification?.hash ?? .zero)
        return Proposal(sign(statement, member), justification: justification, block: block)
    }

    private func final(by signers: [Int]) -> Final {
        let places = signers.compactMap { committee.set.index(of: committee.members[$0]) }.sorted()
        return Final(
            certificate: FinalCertificate(
                height: Height(1), round: .zero, digest: block.digest, signers: places,
                seals: places.map {
                    OpenSignatures.signature(committee.set.validators[$0].address)
                }), block: block)
    }
}
