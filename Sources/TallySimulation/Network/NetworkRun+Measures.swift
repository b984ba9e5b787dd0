import TallyPrimitives

/// Figures of scenarios with a name.
extension NetworkRun {
    /// What the scenario is for, and whether it is as promised.
    func takeMeasure() {
        switch scenario.options.script {
        case .undisturbed: result.measure = undisturbed()
        case .partition:
            if let recovered = milestones.recovered {
                result.measure = .partition(
                    recovery: recovered - scenario.healsAt, timeout: scenario.firstTimeout)
            }
        case .control, nil: return
        }
        switch result.measure {
        case .undisturbed(let final, let interval, let delay, _):
            // SIM-40
            guard final.upperBound > 3 * delay || interval.upperBound > 2 * delay else { return }
            fail(
                .measures,
                "final \(final) µs after the PROPOSAL, PROPOSALs every \(interval) µs, "
                    + "a delay being \(delay) µs")
        case .partition(let recovery, let timeout):
            // SIM-41
            guard recovery > 3 * timeout else { return }
            fail(.measures, "\(recovery) µs after a partition, a timeout being \(timeout) µs")
        case nil: fail(.measures, "nothing to measure")
        }
    }

    /// From the third height on, when every proposer has a block to build on.
    private func undisturbed() -> Measure? {
        var finals: [UInt64] = []
        var intervals: [UInt64] = []
        for height in stride(from: UInt64(3), through: lowest, by: 1) {
            guard let proposed = milestones.proposed[height],
                let before = milestones.proposed[height - 1]
            else { return nil }
            intervals.append(proposed - before)
            finals += (milestones.decided[height] ?? [:]).values.map { $0 - proposed }
        }
        guard let least = finals.min(), let most = finals.max(), let shortest = intervals.min(),
            let longest = intervals.max()
        else { return nil }
        return .undisturbed(
            final: least...most, interval: shortest...longest, delay: scenario.delay,
            heights: intervals.count)
    }
}
