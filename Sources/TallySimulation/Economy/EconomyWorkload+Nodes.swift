import TallyExecution
import TallyPrimitives
import TallyTransactions

// Nodes, their rounds and stakes, and the stakes of roles.

extension EconomyWorkload {
    /// What the round of a node waits for; mostly done, sometimes twice or not at all.
    mutating func roundActs(
        _ owner: Address, _ view: EconomyView, _ random: inout SeededGenerator
    ) -> [Act] {
        guard let node = view.node(of: owner), !node.state.isRetired,
            let round = view.round(of: owner)
        else {
            return random.pick(4) == 0
                ? [Act(owner, .register(key: .random(&random), spec: .random(&random)))] : []
        }
        // Some are away for a while.
        guard (round.number + UInt64(owner.words.2)) % 7 != 6 else { return [] }
        switch round.state {
        case .idle, .bound, .committed: return []
        case .open(let opening): return commitActs(round, opening, view, &random)
        case .drawn(let opening, _, let draw):
            return revealActs(round, opening, draw, view, &random)
                + attestActs(round, draw, view, &random)
        case .revealed(_, _, let draw, _): return attestActs(round, draw, view, &random)
        }
    }

    private mutating func commitActs(
        _ round: ProofRound, _ opening: RoundOpening, _ view: EconomyView,
        _ random: inout SeededGenerator
    ) -> [Act] {
        guard let task = view.parameters.economy?.rounds.task, random.pick(4) != 0 else {
            return []
        }
        let answer = ProofAnswer.commit(answering: round.challenge(opening, task: task))
        answers[round.node] = (round.number, answer)
        // A wrong root can be committed to, and never opened.
        let root = random.pick(12) == 0 ? Hash32.random(&random) : answer.commitment.root
        return [Act(round.node, .commit(round: round.number, root: root))]
    }

    private func revealActs(
        _ round: ProofRound, _ opening: RoundOpening, _ draw: RoundDraw, _ view: EconomyView,
        _ random: inout SeededGenerator
    ) -> [Act] {
        guard let task = view.parameters.economy?.rounds.task, random.pick(4) != 0,
            let (number, answer) = answers[round.node], number == round.number
        else { return [] }
        let challenge = round.challenge(opening, task: task)
        let shown = answer.opening(challenge.draw(seed: draw.seed, of: answer.commitment))
        let weight = random.pick(16) == 0 ? task.weight + 1 : task.weight
        return [
            Act(
                round.node,
                .reveal(round: number, weight: weight, opening: shown.encoded))
        ]
    }

    private func attestActs(
        _ round: ProofRound, _ draw: RoundDraw, _ view: EconomyView,
        _ random: inout SeededGenerator
    ) -> [Act] {
        var acts: [Act] = []
        func attest(_ attester: Address, _ random: inout SeededGenerator) {
            let entry = ProofAttestation(
                node: round.node, round: round.number,
                milliseconds: random.pick(8_000...30_000))
            acts.append(Act(attester, .attest([entry])))
        }
        for attester in draw.attesters {
            // Whoever did may try again.
            let chance = attester.milliseconds == nil ? 2 : 9
            if random.pick(chance) == 0 { attest(attester.address, &random) }
        }
        if random.pick(12) == 0 { attest(anybody(&random), &random) }
        return acts
    }

    /// Something of the Node or Proof family that no round waits for.
    func nodeAct(_ view: EconomyView, _ random: inout SeededGenerator) -> Act {
        let owner = random.pick(8) == 0 ? anybody(&random) : random.pick(owners)
        let node = view.node(of: owner)
        switch random.pick(12) {
        case 0: return Act(owner, .register(key: .random(&random), spec: .zero))
        case 1: return Act(owner, .update(key: .random(&random), spec: .zero))
        case 2 where random.pick(4) == 0: return Act(owner, .deregister)
        case 2, 3, 4: return Act(owner, NodeOperation.unstake)
        case 5, 6, 7: return Act(owner, NodeOperation.claimRewards)
        case 8: return Act(owner, .commit(round: node?.rounds ?? 1, root: .random(&random)))
        default:
            var power: UInt64 = 10_000
            if case .active(let measured) = node?.state { power = measured.tenThousandths }
            // 100 units for each ten-thousandth, and sometimes too few.
            let least = power * 100
            return Act(
                owner,
                .stake(
                    termDays: UInt32(random.pick(random.pick(6) == 0 ? 0...1 : 1...3)),
                    value: amount((least * 9 / 10)...(least * 3), &random)))
        }
    }

    /// Something about the stake of a validator or router.
    func stakeAct(_ view: EconomyView, _ random: inout SeededGenerator) -> Act {
        let sender = anybody(&random)
        let role = validators.contains(sender) ? random.pick(StakeRole.allCases) : .router
        if view.stake(of: sender)?.isActive != true, random.pick(4) != 0 {
            let value = amount(random.pick(5) == 0 ? 1...99_999 : 1_000_000...9_000_000, &random)
            return Act(
                sender,
                .stakeRole(role, termDays: UInt32(random.pick(1...2)), value: value))
        }
        switch random.pick(15) {
        case 0..<3: return Act(sender, .renewStake(termDays: UInt32(random.pick(0...2))))
        case 3..<6: return Act(sender, ValidatorOperation.unstake)
        case 6..<9: return Act(sender, .heartbeat)
        case 9: return Act(sender, .submitEvidence([UInt8](repeating: 7, count: 40)))
        case 10, 11, 12: return Act(sender, ValidatorOperation.claimRewards)
        default: return Act(sender, .impeach(anybody(&random)))
        }
    }
}
