import TallyConsensus
import TallyPrimitives
import TallyTransactions

/// What a stake is lost by: signatures that contradict each other, and the votes of the others.
extension BlockExecutor {
    // STAKE-9
    mutating func acceptEvidence(
        _ bytes: [UInt8]
    ) throws(ExecutionError) -> ExecutionFailure? {
        let report: EvidenceReport
        do throws(RLPError) {
            report = try EvidenceReport(encoded: bytes)
        } catch { return .validator(.evidenceMalformed) }
        guard var stake = try roleStake(of: report.evidence.offender), stake.role == .validator
        else { return .validator(.noStake) }
        let offence = Offence(
            height: report.evidence.height, round: report.round, kind: report.kind.rawValue)
        // STAKE-10
        guard !stake.offences.contains(offence) else { return .validator(.alreadyPunished) }
        guard stake.isActive else { return .validator(.noStake) }
        // Signatures last: recovering them is what costs.
        let chain = ChainIdentity(
            genesis: context.chain, chainID: context.parameters.chainID)
        do throws(EvidenceError) {
            try report.verify(chain, RecoverableScheme())
        } catch {
            switch error {
            case .wrongSigner: return .validator(.evidenceWrongSigner)
            case .notAValidator, .notContradictory, .nothingConcealed, .justified:
                return .validator(.evidenceProvesNothing)
            }
        }
        stake.offences.append(offence)
        stake.offences.sort()
        try forfeit(&stake, .evidence)
        try store(stake)
        return nil
    }

    // STAKE-11
    mutating func impeach(
        _ owner: Address, _ call: FamilyCall
    ) throws(ExecutionError) -> ExecutionFailure? {
        guard var accused = try activeStake(of: owner) else { return .validator(.noStake) }
        guard owner != call.sender else { return .validator(.ownImpeachment) }
        guard let voter = try activeStake(of: call.sender), voter.role == accused.role else {
            return .validator(.notOfRole)
        }
        let members = Set(try roll(of: accused.role).entries.map(\.owner))
        let isNew = !accused.votes.contains(voter.owner)
        var votes = accused.votes
        if isNew { votes.append(voter.owner) }
        votes = votes.filter { members.contains($0) }.sorted()
        let others = members.count - 1
        let isReached = Majority.isReached(
            votes: UInt64(votes.count), of: UInt64(others), bps: try economy().impeachBps)
        guard isNew || isReached else { return .validator(.alreadyVoted) }
        accused.votes = votes
        emit(
            .impeachmentVoted(
                accused.id, by: voter.owner, votes: UInt32(votes.count), others: UInt32(others)))
        if isReached { try forfeit(&accused, .impeachment) }
        try store(accused)
        return nil
    }
}
