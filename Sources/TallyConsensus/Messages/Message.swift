package import TallyCrypto
package import TallyPrimitives

/// A statement with its signature. Who signed is a claim until it is authenticated (IBFT-R8).
package struct Signed<Content: Statement>: Hashable, Sendable {
    package let statement: Content
    package let sender: Address
    package let signature: RecoverableSignature

    package init(_ statement: Content, sender: Address, signature: RecoverableSignature) {
        self.statement = statement
        self.sender = sender
        self.signature = signature
    }

    package var height: Height { statement.height }
    package var round: Round { statement.round }
}

package typealias Prepare = Signed<PrepareStatement>
package typealias Commit = Signed<CommitStatement>
package typealias HeadQuery = Signed<HeadQueryStatement>
package typealias HeadAnswer = Signed<HeadAnswerStatement>

/// PROPOSAL: a block, and why it may be proposed in this round (IBFT-R4).
package struct Proposal: Hashable, Sendable {
    package let signed: Signed<ProposalStatement>
    /// `nil` in round 0 and nowhere else.
    package let justification: Justification?
    package let block: ProposedBlock

    package init(
        _ signed: Signed<ProposalStatement>, justification: Justification?, block: ProposedBlock
    ) {
        self.signed = signed
        self.justification = justification
        self.block = block
    }

    package var height: Height { signed.height }
    package var round: Round { signed.round }
    package var sender: Address { signed.sender }
}

/// ROUND-CHANGE: the report and its proof.
package struct RoundChange: Hashable, Sendable {
    package let signed: Signed<RoundChangeStatement>
    /// Of the reported round and digest; `nil` when nothing is reported.
    package let certificate: PreparedCertificate?

    package init(_ signed: Signed<RoundChangeStatement>, certificate: PreparedCertificate?) {
        self.signed = signed
        self.certificate = certificate
    }

    package var height: Height { signed.height }
    package var round: Round { signed.round }
    package var sender: Address { signed.sender }
}

/// FINAL: a decided block with its seals, good for anybody who knows Set(height) (IBFT-R14).
package struct Final: Hashable, Sendable {
    package let certificate: FinalCertificate
    package let block: ProposedBlock

    package init(certificate: FinalCertificate, block: ProposedBlock) {
        self.certificate = certificate
        self.block = block
    }

    package var height: Height { certificate.height }
}

/// What validators send each other.
package enum Message: Hashable, Sendable {
    case proposal(Proposal)
    case prepare(Prepare)
    case commit(Commit)
    case roundChange(RoundChange)
    case final(Final)
    case headQuery(HeadQuery)
    case headAnswer(HeadAnswer)

    package var kind: MessageKind {
        switch self {
        case .proposal: .proposal
        case .prepare: .prepare
        case .commit: .commit
        case .roundChange: .roundChange
        case .final: .final
        case .headQuery: .headQuery
        case .headAnswer: .headAnswer
        }
    }

    package var height: Height {
        switch self {
        case .proposal(let message): message.height
        case .prepare(let message): message.height
        case .commit(let message): message.height
        case .roundChange(let message): message.height
        case .final(let message): message.height
        case .headQuery(let message): message.height
        case .headAnswer(let message): message.height
        }
    }

    /// `nil` for FINAL, which anybody may pass on.
    package var sender: Address? {
        switch self {
        case .proposal(let message): message.sender
        case .prepare(let message): message.sender
        case .commit(let message): message.sender
        case .roundChange(let message): message.sender
        case .final: nil
        case .headQuery(let message): message.sender
        case .headAnswer(let message): message.sender
        }
    }
}
