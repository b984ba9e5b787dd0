import TallyConsensus
import TallyPrimitives

/// Effects in the words of a transcript.
struct Names {
    let members: [Address]
    let set: ValidatorSet?
    let digests: [Hash32: String]

    func text(_ address: Address) -> String {
        members.firstIndex(of: address).map { "n\($0)" } ?? "stranger"
    }

    func text(_ digest: Hash32) -> String { digests[digest] ?? "unnamed" }

    func text(_ effect: Ibft.Effect) -> String {
        switch effect {
        case .broadcast(let message): "broadcast \(text(message))"
        case .send(let message, let to): "send \(text(message)) to \(text(to))"
        case .sendFinal(let height, let to): "send final \(height) from the log to \(text(to))"
        case .persist(let records, let token):
            "persist \(token.value): \(records.map(text).joined(separator: "; "))"
        case .schedule(let timer, let after): "schedule \(text(timer)) after \(after)"
        case .build(let request):
            "build \(request.height)/\(request.round) on \(text(request.parent))"
                + (request.isMandatory ? ", mandatory" : "")
        case .validate(let request, let block):
            "validate \(text(block.digest))" + (request.checksClock ? "" : ", not its clock")
        case .requestBody(let request):
            "request body \(text(request.digest)) from \(text(request.holders))"
        case .requestSync(let from, let through): "request sync \(from) through \(through)"
        case .decide(let decision): "decide \(text(decision.certificate))"
        case .lateSeal(let commit): "late seal \(text(Message.commit(commit)))"
        case .report(let evidence): "report \(text(evidence))"
        case .refuse(let refusal, let from):
            "refuse \(text(refusal))" + (from.map { " from \(text($0))" } ?? "")
        case .halt(let fork):
            "halt: height \(fork.height) has \(text(fork.decided)), and \(text(fork.other))"
        }
    }

    private func text(_ addresses: [Address]) -> String {
        addresses.map { text($0) }.sorted().joined(separator: " ")
    }

    private func text(_ timer: Ibft.Timer) -> String {
        switch timer {
        case .round(let height, let round): "timer round \(height)/\(round)"
        case .heartbeat(let height): "timer heartbeat \(height)"
        case .retransmission(let height): "timer retransmission \(height)"
        case .headQuery: "timer head-query"
        }
    }

    private func slot<Content>(_ signed: Signed<Content>) -> String {
        "\(signed.height)/\(signed.round)"
    }

    private func text(_ report: PreparedReport?) -> String {
        report.map { "\(text($0.digest))@\($0.round)" } ?? "nothing"
    }

    private func text(_ certificate: PreparedCertificate) -> String {
        "cert \(text(certificate.report)) \(text(certificate.endorsements.map(\.sender)))"
    }

    private func text(_ certificate: FinalCertificate) -> String {
        let signers = set.map { set in
            text(certificate.signers.map { set.validators[$0].address })
        }
        return "\(certificate.height)/\(certificate.round) \(text(certificate.digest))"
            + " by \(signers ?? "")"
    }

    private func text(_ justification: Justification?) -> String {
        guard let justification else { return "" }
        let changes = justification.roundChanges.map {
            text($0.sender) + ($0.statement.prepared.map { ":" + text($0) } ?? "")
        }.sorted().joined(separator: " ")
        let certificate = justification.certificate.map { " " + text($0) } ?? ""
        return " changes \(changes)\(certificate)"
    }

    func text(_ message: Message) -> String {
        switch message {
        case .proposal(let proposal):
            "proposal \(slot(proposal.signed)) \(text(proposal.block.digest))"
                + " by \(text(proposal.sender))\(text(proposal.justification))"
        case .prepare(let prepare):
            "prepare \(slot(prepare)) \(text(prepare.statement.digest)) by \(text(prepare.sender))"
        case .commit(let commit):
            "commit \(slot(commit)) \(text(commit.statement.digest)) by \(text(commit.sender))"
        case .roundChange(let change): text(change)
        case .final(let final): "final \(text(final.certificate))"
        case .headQuery(let query): "head query at \(query.height) by \(text(query.sender))"
        case .headAnswer(let answer):
            "head answer \(answer.height) \(text(answer.statement.digest))"
                + " by \(text(answer.sender))"
        }
    }

    private func text(_ change: RoundChange) -> String {
        "round change \(slot(change.signed)) by \(text(change.sender))"
            + " reporting \(text(change.signed.statement.prepared))"
            + (change.certificate.map { ", \(text($0))" } ?? "")
    }

    private func text(_ record: ConsensusRecord) -> String {
        switch record {
        case .proposal(let signed, let justification):
            "proposal \(slot(signed)) \(text(signed.statement.digest))\(text(justification))"
        case .prepare(let prepare): text(Message.prepare(prepare))
        case .commit(let commit, let certificate):
            "\(text(Message.commit(commit))), \(text(certificate))"
        case .roundChange(let change): text(change)
        case .observing(_, let until):
            "observing until \(until.map { "\($0)" } ?? "further notice")"
        case .undecided(let block): "undecided \(text(block.digest))"
        case .decision(let certificate): "decision \(text(certificate))"
        }
    }

    private func text(_ evidence: Evidence) -> String {
        let kind =
            switch evidence {
            case .proposals: "two proposals"
            case .prepares: "two prepares"
            case .commits: "two commits"
            case .roundChanges: "two round changes"
            case .concealedCommit: "a concealed commit"
            case .unjustified: "an unjustified proposal"
            }
        return "\(kind) at \(evidence.height) by \(text(evidence.offender))"
    }

    func text(_ refusal: MessageRefusal) -> String {
        switch refusal {
        case .tooLong(let bytes, let limit): "too long: \(bytes) of \(limit) bytes"
        case .malformed(let error): "malformed: \(error)"
        case .unknownValidatorSet(let height): "unknown validator set of height \(height)"
        case .wrongBody: "wrong body"
        case .wrongJustification: "wrong justification"
        case .wrongCertificate: "wrong certificate"
        case .wrongRound: "wrong round"
        case .notAValidator(let address): "not a validator: \(text(address))"
        case .notTheProposer(let address): "not the proposer: \(text(address))"
        case .wrongSigner(let claimed): "wrong signer, claimed \(text(claimed))"
        case .tooFewPrepares(let power, let quorum): "too few prepares: \(power) of \(quorum)"
        case .tooFewSeals(let power, let quorum): "too few seals: \(power) of \(quorum)"
        case .unjustified(let error, let evidence):
            "unjustified (\(text(error))); \(text(evidence))"
        case .heightPast(let height): "height \(height) past"
        case .heightAhead(let height): "height \(height) ahead"
        case .roundOutsideWindow(let round): "round \(round) outside the window"
        case .superseded: "superseded"
        case .duplicate: "duplicate"
        case .contradiction: "contradiction"
        case .wrongParent(let parent): "wrong parent \(text(parent))"
        case .timeBeforeParent(let time): "time \(time) before the parent's"
        case .unasked: "unasked"
        case .ownMessage: "own message"
        }
    }

    private func text(_ error: JustificationError) -> String {
        switch error {
        case .tooFewRoundChanges(let power, let quorum): "\(power) of \(quorum) round changes"
        case .certificateMissing(let highest): "no certificate of round \(highest)"
        case .certificateNotHighest(let highest, let round):
            "certificate of round \(round), highest is \(highest)"
        case .certificateUncalledFor: "a certificate that nobody reports"
        case .tooFewPrepares(let power, let quorum): "\(power) of \(quorum) prepares"
        case .wrongDigest(let prepared): "\(text(prepared)) was prepared"
        }
    }
}
