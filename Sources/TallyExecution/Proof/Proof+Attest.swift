import TallyPrimitives
import TallyState
import TallyTransactions

// ROUND-7: what drawn validators saw.

extension BlockExecutor {
    /// Takes the entries that count, and says of the others why they do not. Fails with the first
    /// reason if none counts.
    mutating func attest(
        _ entries: [ProofAttestation], _ call: FamilyCall
    ) throws(ExecutionError) -> ProofFailure? {
        var accepted: [ProofAttestation] = []
        var verdicts: [ProofFailure?] = []
        // As the entries before left them; the last one of a node counts.
        var rounds: [ProofRound] = []
        for entry in entries {
            var verdict: ProofFailure? = .foreignNode
            if context.home(of: entry.node) == context.endpoint {
                let known = rounds.firstIndex { $0.node == entry.node }
                let current = if let known { rounds[known] } else { try round(of: entry.node) }
                if var round = current {
                    verdict = round.take(entry, by: call.sender, at: context.time)
                    if let known { rounds[known] = round } else { rounds.append(round) }
                } else {
                    verdict = .noRounds
                }
            }
            verdicts.append(verdict)
            if verdict == nil { accepted.append(entry) }
        }
        guard !accepted.isEmpty else { return verdicts.first ?? .noRounds }
        for round in rounds { try store(round) }
        for (entry, verdict) in zip(entries, verdicts) {
            if let verdict {
                emit(.skipped(entry.node, by: call.sender, round: entry.round, verdict))
            } else {
                emit(
                    .attested(
                        entry.node, by: call.sender, round: entry.round,
                        milliseconds: entry.milliseconds))
            }
        }
        try reimburse(accepted, call)
        return nil
    }

    // ROUND-8: the base fee of a call of only the entries that counted, from what the shard's vault
    // of the treasury holds. A vault is never empty, so 1 base unit stays.
    private mutating func reimburse(
        _ accepted: [ProofAttestation], _ call: FamilyCall
    ) throws(ExecutionError) {
        guard let first = accepted.first,
            context.home(of: call.sender) == context.endpoint || hasDueRoom(for: 1)
        else { return }
        let operation = ProofOperation.attest(accepted)
        let weight = operation.weight + Weights.callData(operation.callData)
        let key = Vault.key(of: ReservedAddress.treasury)
        guard let vault = try state.object(key),
            let most = vault.value.subtracting(Amount(1))
        else { return }
        let value = min(most, context.baseFee.multiplied(by: weight) ?? most)
        guard !value.isZero, let rest = vault.value.subtracting(value) else { return }
        try state.set(key, Vault.object(value: rest, isQueued: Vault.isQueued(vault)))
        let payout = Payout(
            object: .node(first.node), reason: .verification, to: call.sender,
            origin: call.origin)
        try pay(value, payout, isReserved: false)
    }
}

extension ProofRound {
    /// Takes an attestation, or says why not.
    fileprivate mutating func take(
        _ entry: ProofAttestation, by attester: Address, at time: BeaconTime
    ) -> ProofFailure? {
        guard entry.round == number else { return .wrongRound }
        guard entry.milliseconds > 0 else { return .zeroTime }
        switch state {
        case .idle: return .tooLate
        case .bound, .open, .committed: return .notDrawn
        case .drawn(let opening, let commitment, var draw):
            guard time < draw.deadline else { return .tooLate }
            if let reason = draw.take(entry.milliseconds, by: attester) { return reason }
            state = .drawn(opening, commitment, draw)
        case .revealed(let opening, let commitment, var draw, let deadline):
            guard time < deadline else { return .tooLate }
            if let reason = draw.take(entry.milliseconds, by: attester) { return reason }
            state = .revealed(opening, commitment, draw, deadline: deadline)
        }
        return nil
    }
}

extension RoundDraw {
    fileprivate mutating func take(
        _ milliseconds: UInt64, by attester: Address
    ) -> ProofFailure? {
        guard let place = attesters.firstIndex(where: { $0.address == attester }) else {
            return .notAttester
        }
        guard attesters[place].milliseconds == nil else { return .attestedTwice }
        attesters[place].milliseconds = milliseconds
        return nil
    }
}
