internal import TallyPrimitives

extension Authenticator {
    /// The valid PREPAREs of distinct members, up to a quorum, and their power (IBFT-R7): one that
    /// is repeated or wrong does not spoil the others.
    func verify(
        _ certificate: PreparedCertificate, at height: Height, _ set: ValidatorSet,
        _ cache: inout SignatureCache
    ) -> (PreparedCertificate, power: UInt64) {
        var power: UInt64 = 0
        var valid: [Prepare] = []
        var seen: Set<Address> = []
        for prepare in certificate.prepares(at: height) where power < set.quorum {
            guard set.contains(prepare.sender), !seen.contains(prepare.sender),
                isSigned(prepare, validators: set.hash, &cache)
            else { continue }
            seen.insert(prepare.sender)
            valid.append(prepare)
            power += set.power(of: prepare.sender)
        }
        return (PreparedCertificate(certificate.report, valid), power)
    }

    /// What of a justification holds; throws if that does not permit the proposal (IBFT-R4).
    func verify(
        _ justification: Justification, of proposal: ProposalStatement, _ set: ValidatorSet,
        _ cache: inout SignatureCache
    ) throws(JustificationError) -> Justification {
        let changes = verifiedChanges(justification, of: proposal, set, &cache)
        let power = set.power(of: changes.map(\.sender))
        guard power >= set.quorum else {
            throw .tooFewRoundChanges(power: power, quorum: set.quorum)
        }
        let reports = changes.compactMap(\.statement.prepared)
        guard let highest = reports.map(\.round).max() else {
            guard justification.certificate == nil else { throw .certificateUncalledFor }
            return Justification(roundChanges: changes, certificate: nil)
        }
        guard let certificate = justification.certificate else {
            throw .certificateMissing(highest: highest)
        }
        guard certificate.round == highest, reports.contains(certificate.report) else {
            throw .certificateNotHighest(highest: highest, certificate: certificate.round)
        }
        let (verified, prepared) = verify(certificate, at: proposal.height, set, &cache)
        guard prepared >= set.quorum else {
            throw .tooFewPrepares(power: prepared, quorum: set.quorum)
        }
        guard certificate.digest == proposal.digest else {
            throw .wrongDigest(prepared: certificate.digest)
        }
        return Justification(roundChanges: changes, certificate: verified)
    }

    /// ROUND-CHANGEs of distinct members for exactly this height and round, each with a report
    /// below the round.
    private func verifiedChanges(
        _ justification: Justification, of proposal: ProposalStatement, _ set: ValidatorSet,
        _ cache: inout SignatureCache
    ) -> [Signed<RoundChangeStatement>] {
        var valid: [Signed<RoundChangeStatement>] = []
        var seen: Set<Address> = []
        for change in justification.roundChanges {
            guard change.height == proposal.height, change.round == proposal.round,
                change.round > change.statement.prepared?.round ?? .zero,
                set.contains(change.sender), !seen.contains(change.sender),
                isSigned(change, validators: set.hash, &cache)
            else { continue }
            seen.insert(change.sender)
            valid.append(change)
        }
        return valid
    }
}

extension PreparedCertificate {
    /// From PREPAREs of one height, round and digest.
    init(_ report: PreparedReport, _ prepares: [Prepare]) {
        self.init(
            round: report.round, digest: report.digest,
            endorsements: prepares.sorted { $0.sender < $1.sender }.map {
                Endorsement(sender: $0.sender, signature: $0.signature)
            })
    }
}
