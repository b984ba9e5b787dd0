import TallyConsensus
import TallyPrimitives

/// Whether anything comes of it (SIM-33).
extension NetworkRun {
    /// How many rounds above the first a block may take to be decided in after the last fault:
    /// proposers that break the rules may follow each other, and validators may be in different
    /// rounds.
    var roundsToDecide: UInt32 { UInt32(scenario.faulty.count) + 3 }

    /// The longest that it may take from a round on, in microseconds: all rounds up to the last one
    /// allowed, work or a heartbeat, and what was lost being sent again.
    func patience(from round: UInt32) -> UInt64 {
        var sum = scenario.heartbeat + 4 * scenario.retransmission + 40 * scenario.delay
        sum += 20 * (scenario.diskDelay + scenario.executionDelay)
        for step in 0...roundsToDecide { sum += scenario.timeout(round + step) }
        return sum
    }

    /// A block above all that is decided, everywhere, within `roundsToDecide` rounds.
    func setGoal() {
        guard !scenario.isExcess else {
            goal = Goal(height: .max, deadline: now + 60_000_000, reason: "")
            return
        }
        goalAtHeal = checks.highest
        let round = honest.map(\.machine.round.value).max() ?? 0
        roundAtHeal = honest.filter { $0.height.value == goalAtHeal }.map(\.round.value).max() ?? 0
        goal = Goal(
            height: checks.highest + 1, deadline: now + patience(from: round),
            reason: "within \(roundsToDecide) rounds after the last fault")
    }

    /// SIM-33: the round of what an honest validator decides after the last fault.
    func checkRound(_ final: Final, _ node: VirtualValidator) {
        guard isHealed, !scenario.isExcess, final.height.value > goalAtHeal else { return }
        let first = final.height.value == goalAtHeal + 1 ? roundAtHeal : 0
        let round = final.certificate.round.value
        if round > first { result.roundsAfterFaults = max(result.roundsAfterFaults, round - first) }
        guard round > first + roundsToDecide else { return }
        fail(
            .liveness,
            "node \(node.index) decides height \(final.height) in round \(round), more than "
                + "\(roundsToDecide) above round \(first)")
    }

    var lowest: UInt64 { honest.map(\.height.value).min() ?? 0 }

    func checkGoal() {
        guard let goal, isHealed else { return }
        if !scenario.isExcess, lowest >= goal.height { return reachedGoal() }
        guard now > goal.deadline, !scenario.isExcess else { return }
        let behind = honest.filter { $0.height.value < goal.height }.map {
            "node \($0.index) at height \($0.height), round \($0.machine.round)"
        }
        fail(
            .liveness, "no height \(goal.height) \(goal.reason): " + behind.joined(separator: "; "))
    }

    /// One height after the other until there are enough.
    private func reachedGoal() {
        guard let reached = goal?.height else { return }
        milestones.recovered = milestones.recovered ?? now
        goal = Goal(
            height: reached + 1, deadline: now + patience(from: 0),
            reason: "within \(roundsToDecide) rounds without a fault")
    }

    /// Enough heights, and some of them after the last fault.
    var isDone: Bool {
        guard isHealed, let goal else { return false }
        if scenario.isExcess { return now > goal.deadline }
        return lowest >= UInt64(scenario.heights) && lowest >= goalAtHeal + 3
    }

    /// What is checked once, at the end.
    func finish() {
        for node in nodes where node.isUp { checkReadable(node) }
        if scenario.isExcess { meetFork() }
        guard checks.forkedAt == nil else { return }
        do throws(LedgerViolation) {
            try checks.ledgerChecker.recount(
                endpoints: checks.reference.endpoints, beacon: checks.reference.beacon)
        } catch { fail(.invariants, "at the end: \(error)") }
    }

    /// SIM-14: two honest validators decided differently, which takes more than F power. Each one
    /// that is shown the other's FINALs, of which some are of its own last 8 heights, has to halt.
    private func meetFork() {
        guard let height = checks.forkedAt else { return }
        for node in honest where node.isUp && node.machine.fork == nil {
            let mine = node.final(Height(height))?.block.digest
            guard
                let other = honest.first(where: {
                    guard let final = $0.final(Height(height)) else { return false }
                    return final.block.digest != mine
                        && $0.chain.count + 8 > node.height.value
                        && $0.chain.count > node.remembersFrom.value
                }), mine != nil
            else { continue }
            for final in other.chain[(Int(height) - 1)...] where node.machine.fork == nil {
                receive(Message.final(final).wire, from: other.index, node)
            }
            guard node.machine.fork != nil else {
                return fail(
                    .fork, "node \(node.index) is shown another final height \(height) and goes on")
            }
        }
    }
}
