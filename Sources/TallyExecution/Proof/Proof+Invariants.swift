import TallyPrimitives
import TallyState
import TallyTransactions

/// What always holds of the Proof family's objects, recounted from scratch.
extension StateAudit {
    /// - Returns: due entries that the objects have reserved (RCPT-11).
    /// - Throws: the first invariant that does not hold.
    func checkProof() throws(InvariantViolation) -> Int {
        let rounds = objects.filter { $0.key.kind == .round }
        guard !rounds.isEmpty else { return 0 }
        var steps: [UInt64: DueEntry] = [:]
        for entry in due {
            guard case .proof = entry.action else { continue }
            steps[entry.key.sequence] = entry
        }
        for (key, object) in rounds {
            let round: ProofRound
            do throws(RLPError) { round = try ProofRound(object) } catch {
                throw .undecodable(.round, error)
            }
            guard ProofRound.objectKey(of: round.node) == key,
                context.home(of: round.node) == context.endpoint
            else { throw .broken(.round, what: "lies under another key than its own") }
            try check(round)
            // ROUND-3: exactly one entry drives it.
            guard let step = steps[round.entry], step.value.isZero,
                step.action == .proof(.step(node: round.node)),
                step.key.destination == context.endpoint
            else { throw .broken(.round, what: "waits for a step that is not queued") }
        }
        return 0
    }

    private func check(_ round: ProofRound) throws(InvariantViolation) {
        guard let stored = object(ComputeNode.objectKey(of: round.node)) else {
            throw .broken(.round, what: "is of no node")
        }
        let node: ComputeNode
        do throws(RLPError) { node = try ComputeNode(stored) } catch {
            throw .undecodable(.node, error)
        }
        guard round.number == node.rounds, round.number > 0 else {
            throw .broken(.round, what: "has another number than its node says")
        }
        switch round.state {
        case .idle, .bound, .open, .committed: break
        case .drawn(_, _, let draw), .revealed(_, _, let draw, _):
            let addresses = draw.attesters.map(\.address)
            guard zip(addresses, addresses.dropFirst()).allSatisfy({ $0 < $1 }),
                !addresses.contains(round.node)
            else { throw .broken(.round, what: "has attesters out of order, or its own node") }
        }
    }
}
