import TallyPrimitives
import TallyState
import TallyTransactions

/// How a result turned out to be wrong: it decides who gets the lost part of the bond (JOB-18).
enum SlashCause {
    case sample
    /// Arbiters who revealed with the majority.
    case dispute(arbiters: [Address])
}

extension BlockExecutor {
    /// Draws the arbiters: not the parties themselves. Where nobody can be drawn, nobody says that the
    /// result is wrong.
    mutating func beginVote(
        _ order: inout JobOrder, _ lease: JobLease, _ delivery: JobDelivery, _ cause: VoteCause,
        _ origin: Hash32
    ) throws(ExecutionError) {
        let candidates = context.validators.filter { $0 != order.payer && $0 != lease.provider }
        let arbiters = ValidatorDraw.draw(
            Int(try economy().jobs.arbiters), of: candidates, seed: context.seed.value,
            subject: order.id.word)
        let vote = JobVote(
            cause: cause, began: context.time,
            ballots: arbiters.map { JobBallot(arbiter: $0, vote: .none) })
        for arbiter in arbiters {
            events.append(jobEvent(order.id, arbiter, .arbiterDrawn))
        }
        var voting = delivery
        voting.check = .voting(vote)
        guard !arbiters.isEmpty else {
            return try decide(&order, lease, voting, vote, origin)
        }
        setLease(&order, lease, .delivered(voting))
    }

    // JOB-17
    mutating func commitVerdict(
        _ order: JobOrder, _ commitment: Hash32, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let rule = try economy().jobs
        return try ballot(of: order, call) { (ballot, vote, now) in
            guard now < vote.middle(rule) else { return .failure(.commitTooLate) }
            guard ballot == .none else { return .failure(.alreadyCommitted) }
            return .success((.committed(commitment), .verdictCommitted))
        }
    }

    // JOB-17
    mutating func revealVerdict(
        _ order: JobOrder, result: Hash32, salt: Hash32, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        let rule = try economy().jobs
        let told = JobOrder.verdict(
            order: order.id, arbiter: call.sender, result: result, salt: salt)
        return try ballot(of: order, call) { (ballot, vote, now) in
            guard now >= vote.middle(rule) else { return .failure(.revealTooEarly) }
            guard now < vote.end(rule) else { return .failure(.revealTooLate) }
            switch ballot {
            case .none: return .failure(.notCommitted)
            case .revealed: return .failure(.alreadyRevealed)
            case .committed(let commitment):
                guard commitment == told else { return .failure(.verdictMismatch) }
                return .success((.revealed(result), .verdictRevealed(result)))
            }
        }
    }

    /// Changes the sender's ballot.
    private mutating func ballot(
        of order: JobOrder, _ call: FamilyCall,
        _ change: (JobBallot.Vote, JobVote, BeaconTime) -> Result<
            (JobBallot.Vote, JobFact), JobFailure
        >
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard case .active(let lease) = order.state, case .delivered(let delivery) = lease.state,
            case .voting(var vote) = delivery.check
        else { return .job(.notVoting) }
        guard let place = vote.ballots.firstIndex(where: { $0.arbiter == call.sender }) else {
            return .job(.notArbiter)
        }
        switch change(vote.ballots[place].vote, vote, context.time) {
        case .failure(let reason): return .job(reason)
        case .success(let (ballot, fact)):
            vote.ballots[place].vote = ballot
            var changed = order
            var voting = delivery
            voting.check = .voting(vote)
            setLease(&changed, lease, .delivered(voting))
            try put(changed, was: order, try economy().jobs)
            events.append(jobEvent(order.id, call.sender, fact))
            return nil
        }
    }

    // JOB-18
    mutating func decide(
        _ order: inout JobOrder, _ lease: JobLease, _ delivery: JobDelivery, _ vote: JobVote,
        _ origin: Hash32
    ) throws(ExecutionError) {
        let majority = vote.majority
        let verdict: JobVerdict =
            if let majority {
                majority.result == delivery.result ? .accepted : .slashed
            } else { .noMajority }
        events.append(
            jobEvent(order.id, lease.provider, .decided(verdict, result: majority?.result)))
        switch (verdict, vote.cause) {
        case (.accepted, _), (.noMajority, .dispute):
            try settleFixed(&order, lease, origin)
        case (.noMajority, .sample):
            // The payer's own check has had no chance as long as arbiters were to decide.
            let rule = try economy().jobs
            var passed = delivery
            passed.disputableUntil = JobOrder.time(context.time, plus: rule.disputeMilliseconds)
            passed.check = .passed
            setLease(&order, lease, .delivered(passed))
        case (.slashed, .sample): try slash(&order, lease, .sample, origin)
        case (.slashed, .dispute):
            try slash(&order, lease, .dispute(arbiters: majority?.arbiters ?? []), origin)
        }
    }

    /// Takes a part of the bond, gives the rest of it back, and all of the escrow (JOB-18).
    mutating func slash(
        _ order: inout JobOrder, _ lease: JobLease, _ cause: SlashCause, _ origin: Hash32
    ) throws(ExecutionError) {
        let rule = try economy().jobs
        let bid = try removeBid(lease.bid, of: order, .slashed)
        guard let lost = bid.bond.scaled(by: UInt128(rule.slashBps), over: 10_000),
            let rest = bid.bond.subtracting(lost)
        else { throw .invariant("a part of a bond exceeds it") }
        try payFailure(rest, order, lease, origin)
        switch cause {
        case .sample: try payTreasury(lost)
        case .dispute(let arbiters): try share(lost, order, among: arbiters, origin)
        }
        try finish(
            &order, .slashed, provider: lease.provider, paid: .zero, debt: .zero, origin)
    }

    /// Half of it, floored, compensates the payer; the arbiters share the other half, and what the
    /// floor leaves is the treasury's.
    private mutating func share(
        _ lost: Amount, _ order: JobOrder, among arbiters: [Address], _ origin: Hash32
    ) throws(ExecutionError) {
        let half = Amount(lost.units / 2)
        try compensate(order, half, origin)
        let others = lost.units - half.units
        let count = UInt128(arbiters.count)
        let each = count == 0 ? 0 : others / count
        for arbiter in arbiters {
            try pay(
                Amount(each),
                Payout(object: order.id, reason: .verification, to: arbiter, origin: origin),
                isReserved: false)
        }
        try payTreasury(Amount(others - each * count))
    }
}
