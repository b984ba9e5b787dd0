import TallyConsensus
import TallyPrimitives
import Testing

@testable import TallySimulation

/// What checkers of networks find when something is done on purpose.
@Suite struct NetworkCheckerTests {
    private static let invented = Hash32(words: (1, 2, 3, 4))

    /// Some heights in, with node 0 to do something.
    private func running() -> (NetworkRun, VirtualValidator) {
        let network = NetworkRun.calm(4)
        network.begin()
        network.run(until: 3_000_000)
        return (network, network.nodes[0])
    }

    private func change(
        _ network: NetworkRun, _ node: VirtualValidator, _ round: UInt32
    ) -> RoundChange {
        let statement = RoundChangeStatement(
            height: node.height.next, round: Round(round), prepared: nil)
        return RoundChange(network.sign(statement, node), certificate: nil)
    }

    /// SIM-34
    @Test(arguments: [UInt32(1), 2, 7]) func aRoundDoesNotEndWithoutReason(round: UInt32) {
        let (network, node) = running()
        #expect(network.result.failure == nil)
        network.checkReasons([.roundChange(change(network, node, round))], node)
        #expect(network.result.failure?.checker == .rounds)
    }

    /// SIM-34: F + 1 others are reason enough, F are not.
    @Test(arguments: [(1, Checker.rounds), (2, nil)])
    func othersAreAReason(count: Int, checker: Checker?) {
        let (network, node) = running()
        for other in network.nodes.dropFirst().prefix(count) {
            network.word.hear(.roundChange(change(network, other, 9)))
        }
        network.checkReasons([.roundChange(change(network, node, 9))], node)
        #expect(network.result.failure?.checker == checker)
    }

    // MARK: Refusals (SIM-38)

    /// What node 1 takes when node 0 says it over its own link.
    private func heard(
        _ network: NetworkRun, _ message: Message
    ) -> SimulationFailure? {
        network.receive(message.wire, from: 0, network.nodes[1])
        return network.result.failure
    }

    @Test func anHonestOffenceIsFound() throws {
        let (network, node) = running()
        let statement = RoundChangeStatement(
            height: node.height.next, round: Round(2),
            prepared: PreparedReport(round: Round(2), digest: Self.invented))
        let certificate = PreparedCertificate(
            round: Round(2), digest: Self.invented, endorsements: [])
        let change = RoundChange(network.sign(statement, node), certificate: certificate)
        let failure = try #require(heard(network, .roundChange(change)))
        #expect(failure.checker == .refusals && failure.detail.contains("wrongRound"))
    }

    /// Old, early, repeated and misdirected messages are nobody's fault.
    @Test func timeAndDistanceAreNoOffence() {
        let (network, node) = running()
        let height = node.height.value
        for height in [1, height, height + 1, height + 2, height + 40] {
            for round in [UInt32(5), 30] {
                let statement = PrepareStatement(
                    height: Height(height), round: Round(round), digest: Self.invented)
                let prepare = network.sign(statement, node)
                #expect(heard(network, .prepare(prepare)) == nil, "\(height)/\(round)")
                #expect(heard(network, .prepare(prepare)) == nil, "\(height)/\(round), again")
            }
        }
    }

    /// Who breaks the rules may be told so.
    @Test func aFaultyOffenceIsNone() {
        let network = NetworkRun.calm(4) { $0.faulty = [0: [.liesAboutHeads]] }
        network.begin()
        network.run(until: 3_000_000)
        let statement = PrepareStatement(
            height: network.nodes[1].height.next, round: .zero, digest: .zero)
        let foreign = network.nodes[0].signer.sign(
            statement, network.chain, validators: Self.invented)
        #expect(heard(network, .prepare(foreign)) == nil)
    }

    // MARK: Nested reports (SIM-22)

    @Test func aReportOfTheTargetRoundIsFound() throws {
        let (network, node) = running()
        let height = node.height.next
        let prepare = PrepareStatement(height: height, round: Round(1), digest: Self.invented)
        let certificate = PreparedCertificate(
            round: Round(1), digest: Self.invented,
            endorsements: network.nodes.map {
                let vote = network.sign(prepare, $0)
                return Endorsement(sender: vote.sender, signature: vote.signature)
            })
        for (round, isFound) in [(UInt32(2), false), (1, true)] {
            let statement = RoundChangeStatement(
                height: height, round: Round(round), prepared: certificate.report)
            let change = RoundChange(network.sign(statement, node), certificate: certificate)
            network.checkNested(.roundChange(change), node)
            let failure = network.result.failure
            #expect((failure?.detail.contains("a report of its own target") ?? false) == isFound)
        }
    }

    /// The same inside a justification.
    @Test func aNestedReportOfTheRoundIsFound() {
        let (network, node) = running()
        let height = node.height.next
        let report = PreparedReport(round: Round(1), digest: Self.invented)
        let changes = network.nodes.map {
            network.sign(
                RoundChangeStatement(height: height, round: Round(1), prepared: report), $0)
        }
        let justification = Justification(roundChanges: changes, certificate: nil)
        let block = network.nodes[1].chain[0].block
        let statement = ProposalStatement(
            height: height, round: Round(1), parent: .zero, digest: block.digest,
            justification: justification.hash)
        network.checkNested(
            .proposal(
                Proposal(
                    network.sign(statement, node), justification: justification, block: block)),
            node)
        #expect(network.result.failure?.detail.contains("of the round itself or above") == true)
    }

    // MARK: Liveness (SIM-33)

    /// K rounds above the first are allowed, not one more.
    @Test(arguments: [(UInt32(0), Checker?.none), (1, .liveness)])
    func aWastedRoundIsFound(beyond: UInt32, checker: Checker?) {
        let (network, node) = running()
        network.heal()
        network.roundAtHeal = 2
        for (height, first) in [(network.goalAtHeal + 1, UInt32(2)), (network.goalAtHeal + 2, 0)] {
            network.result.failure = nil
            let certificate = FinalCertificate(
                height: Height(height), round: Round(first + network.roundsToDecide + beyond),
                digest: Self.invented, signers: [], seals: [])
            network.checkRound(
                Final(certificate: certificate, block: network.nodes[1].chain[0].block), node)
            #expect(network.result.failure?.checker == checker)
        }
    }

    // MARK: Histogram

    /// A forgery that is none does not count: certificates of real votes are good ones.
    @Test func goodVotesAreNoForgery() {
        let (network, node) = running()
        let set = network.set(at: node.height.next)
        let statement = PrepareStatement(
            height: node.height.next, round: .zero, digest: Self.invented)
        let votes = network.nodes.map { network.sign(statement, $0) }
        #expect(network.holdsQuorum(Array(votes.prefix(3)), set))
        #expect(!network.holdsQuorum(Array(votes.prefix(2)), set))
        #expect(!network.holdsQuorum(Array(repeating: votes[0], count: 4), set))
        let spoiled =
            Array(votes.prefix(3)) + [
                node.signer.sign(statement, network.chain, validators: .zero)
            ]
        #expect(network.holdsQuorum(spoiled, set))
    }

    /// SIM-35
    @Test func aVoteForAnotherParentIsFound() {
        let (network, node) = running()
        let statement = PrepareStatement(
            height: node.height.next, round: .zero, digest: Self.invented)
        network.checkReasons([.prepare(network.sign(statement, node))], node)
        #expect(network.result.failure?.checker == .parents)
    }

    /// SIM-36
    @Test func aVoteAfterALossIsFound() {
        let (network, node) = running()
        node.silentThrough = node.height.value + 1
        network.checkReasons([.proposal(proposal(network, node), nil)], node)
        #expect(network.result.failure?.checker == .signatures)
    }

    private func proposal(
        _ network: NetworkRun, _ node: VirtualValidator
    ) -> Signed<ProposalStatement> {
        network.sign(
            ProposalStatement(
                height: node.height.next, round: .zero, parent: Self.invented,
                digest: Self.invented, justification: .zero), node)
    }

    /// SIM-37
    @Test func aQuorumThatDecidesNothingIsFound() {
        let (network, node) = running()
        node.decidable[node.height.next] = CommitStatement(
            height: node.height.next, round: .zero, digest: Self.invented)
        node.wanted = [Self.invented]
        network.checkDecides(node)
        #expect(network.result.failure == nil)
        node.wanted = []
        network.checkDecides(node)
        #expect(network.result.failure?.checker == .decisions)
    }

    /// SIM-15: what a start finds is a checkpoint and the heights above it.
    @Test func aStartBeginsFromACheckpoint() {
        let (network, node) = running()
        let height = node.height
        network.die(node, for: 0)
        network.restart(node)
        #expect(network.result.failure == nil)
        #expect(node.height == height && node.remembersFrom > .genesis)
        #expect(node.chain.count == Int(height.value))
    }

    /// SIM-9: votes lost in the moment of a PROPOSAL, and the node back at once, and dead again.
    @Test(arguments: [nil, 0, 1, 2, 3]) func votesLostAtAVote(again: Int?) {
        let (network, node) = running()
        let height = node.height
        node.voteCrash = VoteCrash(
            kind: .proposal, moment: .sent, loss: .votesLost, pause: 0, again: again)
        network.run(until: 20_000_000)
        #expect(network.result.failure == nil)
        #expect(network.result.faults[.crashAtVote] == 1)
        #expect(network.result.faults[.votesLost] == 1)
        #expect(node.silentThrough > height.value && node.votedThrough > node.silentThrough)
    }
}
