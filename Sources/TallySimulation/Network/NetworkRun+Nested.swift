import TallyConsensus
import TallyPrimitives

/// Certificates and justifications inside what honest validators send, counted without the help of
/// the agreement's code.
extension NetworkRun {
    /// SIM-22, of IBFT-R4, IBFT-R7, IBFT-R8: whoever repeats what others said has checked it.
    func checkNested(_ message: Message, _ node: VirtualValidator) {
        let flaw: String?
        switch message {
        case .proposal(let proposal):
            flaw = proposal.justification.flatMap { self.flaw($0, of: proposal.signed.statement) }
        case .roundChange(let change):
            let isReported = change.certificate?.report == change.signed.statement.prepared
            flaw =
                !isReported
                ? "a report without its certificate"
                : !isBelow(change.signed)
                    ? "a report of its own target round or above"
                    : change.certificate.flatMap { self.flaw($0, at: change.height) }
        case .prepare, .commit, .final, .headQuery, .headAnswer: flaw = nil
        }
        guard let flaw else { return }
        fail(
            .certificate,
            "node \(node.index) sends a \(message.kind) of height \(message.height) with \(flaw)")
    }

    private func flaw(_ justification: Justification, of proposal: ProposalStatement) -> String? {
        let set = set(at: proposal.height)
        let changes = justification.roundChanges
        guard changes.allSatisfy({ $0.height == proposal.height && $0.round == proposal.round })
        else { return "round changes of another round" }
        guard changes.allSatisfy(isBelow) else { return "a report of the round itself or above" }
        guard hasQuorum(changes, set) else { return "round changes of less than a quorum" }
        let highest = changes.compactMap { $0.statement.prepared?.round }.max()
        guard justification.certificate?.round == highest else {
            return "another certificate than the highest"
        }
        guard let certificate = justification.certificate else { return nil }
        guard certificate.digest == proposal.digest else {
            return "the certificate of another block"
        }
        return flaw(certificate, at: proposal.height)
    }

    /// IBFT-R4: what was prepared before the round that is to begin.
    private func isBelow(_ change: Signed<RoundChangeStatement>) -> Bool {
        change.statement.prepared.map { $0.round < change.round } ?? true
    }

    private func flaw(_ certificate: PreparedCertificate, at height: Height) -> String? {
        let prepares = certificate.prepares(at: height)
        return hasQuorum(prepares, set(at: height))
            ? nil : "a certificate of less than a quorum"
    }

    /// Whether distinct members of more than two thirds of the power made some of these: the others
    /// count nothing and spoil nothing (IBFT-R7).
    func holdsQuorum<Content>(_ votes: [Signed<Content>], _ set: ValidatorSet) -> Bool {
        var signers: Set<Address> = []
        for vote in votes {
            let digest = vote.statement.digest(chain, validators: set.hash)
            if scheme.signer(of: vote.signature, over: digest) == vote.sender {
                signers.insert(vote.sender)
            }
        }
        return 3 * set.power(of: signers) > 2 * set.totalPower
    }

    /// Whether distinct members of more than two thirds of the power made all of these.
    private func hasQuorum<Content>(
        _ votes: [Signed<Content>], _ set: ValidatorSet
    ) -> Bool {
        var power: UInt64 = 0
        var seen: Set<Address> = []
        for vote in votes {
            let digest = vote.statement.digest(chain, validators: set.hash)
            guard seen.insert(vote.sender).inserted,
                let member = set.validators.first(where: { $0.address == vote.sender }),
                scheme.signer(of: vote.signature, over: digest) == vote.sender
            else { return false }
            power += member.power
        }
        return 3 * power > 2 * set.totalPower
    }
}
