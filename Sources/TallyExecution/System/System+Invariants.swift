import TallyPrimitives
import TallyState
import TallyTransactions

/// What always holds of vaults, treasury and due queue, recounted from scratch.
extension StateAudit {
    /// - Throws: the first invariant that does not hold.
    /// - Parameter reserved: due entries that objects have reserved.
    package func checkSystem(reserved: Int) throws(InvariantViolation) {
        try checkDueQueue(reserved: reserved)
        try checkVaults()
        guard context.endpoint != context.layout.beacon else { return }
        guard all(.treasury).isEmpty else { throw .beaconObject(.treasury) }
    }

    // RCPT-11: the counter that admission reads is the number of entries, which is bounded.
    private func checkDueQueue(reserved: Int) throws(InvariantViolation) {
        let counters: DueCounters
        do throws(ExecutionError) {
            counters = try DueCounters(object(DueCounters.key))
        } catch {
            throw .undecodable(.meta, .unknownValue(0))
        }
        guard counters.count == due.count else {
            throw .dueCount(counted: due.count, stored: counters.count)
        }
        guard counters.reserved == reserved else {
            throw .reservedCount(counted: reserved, stored: counters.reserved)
        }
        let limit = context.parameters.dueBound
        guard due.count <= limit else { throw .dueBound(limit: limit, actual: due.count) }
        if let last = due.last, last.key.sequence >= counters.next {
            throw .dueSequence(last.key.sequence, next: counters.next)
        }
    }

    // FEE-4: a vault marked as queued has exactly one sweep, and every sweep a marked vault.
    private func checkVaults() throws(InvariantViolation) {
        var queued = 0
        for entry in due {
            guard case .sweep(let beneficiary) = entry.action else { continue }
            queued += 1
            guard entry.key.destination == context.home(of: beneficiary), entry.value.isZero else {
                throw .dueRoute(sequence: entry.key.sequence)
            }
            guard let vault = object(Vault.key(of: beneficiary)), Vault.isQueued(vault) else {
                throw .vaultSweep(queued: queued, marked: 0)
            }
        }
        let vaults = all(.vault)
        for vault in vaults where vault.value.isZero { throw .emptyObject(.vault) }
        let marked = vaults.count(where: Vault.isQueued)
        guard queued == marked else { throw .vaultSweep(queued: queued, marked: marked) }
    }
}
