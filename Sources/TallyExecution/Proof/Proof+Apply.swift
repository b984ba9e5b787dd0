import TallyPrimitives
import TallyState
import TallyTransactions

extension ProofOperation {
    /// Where the operation is handled: the rounds of a node are on its shard.
    func home(of sender: Address) -> OperationHome {
        switch self {
        case .commit, .reveal: .sender
        case .attest(let entries): entries.first.map { .owner($0.node) } ?? .sender
        }
    }
}

extension BlockExecutor {
    /// Handles an operation whose value has been taken from its sender: all of its effects, or none
    /// and the reason.
    mutating func handle(
        _ operation: ProofOperation, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let reason =
            switch operation {
            case .commit(let number, let root): try commit(call.sender, number, root)
            case .reveal(let number, let weight, let opening):
                try reveal(call.sender, number, weight, opening)
            case .attest(let entries): try attest(entries, call)
            }
        return reason.map(ExecutionFailure.proof)
    }

    /// The rounds of a node of this shard.
    mutating func round(of node: Address) throws(ExecutionError) -> ProofRound? {
        guard let object = try state.object(ProofRound.objectKey(of: node)) else { return nil }
        do throws(RLPError) { return try ProofRound(object) } catch {
            throw .corruptObject(.round, error)
        }
    }

    mutating func store(_ round: ProofRound) throws(ExecutionError) {
        try state.set(ProofRound.objectKey(of: round.node), round.object)
    }

    mutating func emit(_ event: ProofEvent) { events.append(.compute(.proof(event))) }

    // ROUND-4
    private mutating func commit(
        _ owner: Address, _ number: UInt64, _ root: Hash32
    ) throws(ExecutionError) -> ProofFailure? {
        guard var round = try round(of: owner) else { return .noRounds }
        guard number == round.number else { return .wrongRound }
        switch round.state {
        case .idle, .bound: return .notOpen
        case .committed, .drawn, .revealed: return .alreadyCommitted
        case .open(let opening):
            guard context.time < opening.deadline else { return .tooLate }
            let commitment = RoundCommitment(
                root: root, at: context.time, drawFrom: context.seed.nextDraw)
            round.state = .committed(opening, commitment)
            try store(round)
            emit(.submitted(owner, root: root, try economy().rounds.task.kind))
            return nil
        }
    }

    // ROUND-6
    private mutating func reveal(
        _ owner: Address, _ number: UInt64, _ weight: Weight, _ bytes: [UInt8]
    ) throws(ExecutionError) -> ProofFailure? {
        guard var round = try round(of: owner) else { return .noRounds }
        guard number == round.number else { return .wrongRound }
        switch round.state {
        case .idle, .bound, .open, .committed: return .notDrawn
        case .revealed: return .alreadyRevealed
        case .drawn(let opening, let commitment, let draw):
            guard context.time < draw.deadline else { return .tooLate }
            let rule = try economy().rounds
            guard weight == rule.task.weight else { return .wrongWeight }
            do throws(ProofFault) {
                try round.challenge(opening, task: rule.task).verify(
                    try ProofOpening(untrusted: bytes, for: rule.task),
                    of: ProofCommitment(root: commitment.root), drawnBy: draw.seed)
            } catch { return ProofFailure(error) }
            guard var node = try node(of: owner) else {
                throw .invariant("rounds of \(owner), which is no node")
            }
            let deadline = ComputeNode.time(context.time, plus: rule.attestMilliseconds)
            round.state = .revealed(opening, commitment, draw, deadline: deadline)
            try store(round)
            emit(.revealed(owner, round: number, deadline: deadline))
            noteSeen(&node, opening: opening.at)
            try store(node)
            return nil
        }
    }
}
