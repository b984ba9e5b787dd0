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
