import TallyExecution
import TallyPrimitives

// What nodes and role stakes earn: by weight, epoch after epoch.

extension EconomyOracle {
    /// The part of a node, or of an owner's stakes, in the rewards of its endpoint.
    struct Earnings: Sendable {
        /// From which epoch on, ascending.
        private var weights: [(epoch: UInt64, weight: UInt128)] = []
        /// In 2^-64 base units.
        private var earned = UInt256.zero
        private var claimed: UInt128 = 0
        /// How often rewards may have been rounded.
        private var roundings: UInt128 = 2

        func weight(in epoch: UInt64) -> UInt128 {
            weights.last { $0.epoch <= epoch }?.weight ?? 0
        }

        /// EPOCH-5: from the epoch after `epoch` on.
        mutating func weigh(_ weight: UInt128, in epoch: UInt64) {
            roundings += 3
            if weights.last?.epoch == epoch + 1 { weights.removeLast() }
            weights.append((epoch + 1, weight))
        }

        /// - Parameter step: of the index, by an epoch's share.
        mutating func earn(_ step: UInt256, in epoch: UInt64) {
            let weight = weight(in: epoch)
            guard weight > 0, let more = step.multiplied(by: weight),
                let sum = earned.adding(more)
            else { return }
            earned = sum
        }

        mutating func claim(_ value: UInt128) {
            claimed += value
            roundings += 3
        }

        private var whole: UInt128 { earned.high << 64 | earned.low >> 64 }

        /// ECON-18: never more than the weight has earned.
        func checkClaimed(
            _ owner: Address, _ oracle: EconomyOracle
        ) throws(EconomyViolation) {
            try oracle.expect(
                claimed <= whole, .reward,
                "\(owner) has claimed \(claimed), and has earned \(whole)")
        }

        /// ECON-18: all of it but roundings.
        func checkPaidUp(
            _ owner: Address, _ oracle: EconomyOracle
        ) throws(EconomyViolation) {
            try oracle.expect(
                whole <= claimed + roundings, .reward,
                "\(owner) is paid up with \(claimed), and has earned \(whole)")
        }
    }

    /// Of an endpoint: nodes lie on shards, stakes on the beacon (STAKE-14).
    func weight(in epoch: UInt64) -> UInt128 {
        guard here == parameters.layout.beacon else {
            return owners[index].reduce(0) { $0 + (nodes[$1]?.earnings.weight(in: epoch) ?? 0) }
        }
        return roleEarnings.values.reduce(0) { $0 + $1.weight(in: epoch) }
    }

    /// Everybody on the endpoint earns from a share.
    mutating func earn(_ step: UInt256, in epoch: UInt64) {
        guard here == parameters.layout.beacon else {
            for owner in owners[index] { nodes[owner]?.earnings.earn(step, in: epoch) }
            return
        }
        for owner in roleEarnings.keys { roleEarnings[owner]?.earn(step, in: epoch) }
    }
}
