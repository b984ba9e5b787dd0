internal import TallyCrypto
package import TallyPrimitives

/// What a ledger is: part of everything signed, so that no vote is good for another (IBFT-R2).
package struct ChainIdentity: Hashable, Sendable {
    package let genesis: Hash32
    package let chainID: ChainID

    package init(genesis: Hash32, chainID: ChainID) {
        self.genesis = genesis
        self.chainID = chainID
    }
}

/// First item of a message, and part of what is signed (IBFT-R2).
package enum MessageKind: UInt8, Hashable, Sendable, CaseIterable {
    case proposal = 1
    case prepare = 2
    case commit = 3
    case roundChange = 4
    case final = 5
    case headQuery = 6
    case headAnswer = 7
}

/// What a validator signs: a kind, a height, a round and a payload of fixed layout.
package protocol Statement: Hashable, Sendable, RLPValue {
    static var kind: MessageKind { get }
    var height: Height { get }
    var round: Round { get }
    /// Bytes behind the round in what is signed.
    var payload: [UInt8] { get }
}

extension Statement {
    /// The digest that is signed (IBFT-R2).
    /// - Parameter validators: hash of Set(height); zero for queries and answers about heads.
    package func digest(_ chain: ChainIdentity, validators: Hash32) -> Hash32 {
        let payload = payload
        return SHA256.hash(.consensusVote) {
            $0.update(Array("ibft/v1".utf8))
            $0.update(Self.kind.rawValue)
            $0.update(chain.genesis)
            $0.update(chain.chainID)
            $0.update(validators)
            $0.update(height.value)
            $0.update(round.value)
            $0.update(payload)
        }
    }
}

/// A block is proposed for a round.
package struct ProposalStatement: Statement {
    package static let kind = MessageKind.proposal
    package let height: Height
    package let round: Round
    package let parent: Hash32
    package let digest: Hash32
    /// Hash of the ``Justification``; zero in round 0, which needs none.
    package let justification: Hash32

    package init(
        height: Height, round: Round, parent: Hash32, digest: Hash32, justification: Hash32
    ) {
        self.height = height
        self.round = round
        self.parent = parent
        self.digest = digest
        self.justification = justification
    }

    package var payload: [UInt8] { parent.bytes + digest.bytes + justification.bytes }
}

/// The proposal of a round is valid.
package struct PrepareStatement: Statement {
    package static let kind = MessageKind.prepare
    package let height: Height
    package let round: Round
    package let digest: Hash32

    package init(height: Height, round: Round, digest: Hash32) {
        self.height = height
        self.round = round
        self.digest = digest
    }

    package var payload: [UInt8] { digest.bytes }
}

/// A quorum prepared the block; the signature of this statement is the committed seal.
package struct CommitStatement: Statement {
    package static let kind = MessageKind.commit
    package let height: Height
    package let round: Round
    package let digest: Hash32

    package init(height: Height, round: Round, digest: Hash32) {
        self.height = height
        self.round = round
        self.digest = digest
    }

    package var payload: [UInt8] { digest.bytes }
}

/// The newest block that a quorum prepared, as its reporter knows.
package struct PreparedReport: Hashable, Sendable {
    package let round: Round
    package let digest: Hash32

    package init(round: Round, digest: Hash32) {
        self.round = round
        self.digest = digest
    }
}

/// The signer wants to go on to `round`, and reports what was prepared below it.
package struct RoundChangeStatement: Statement {
    package static let kind = MessageKind.roundChange
    package let height: Height
    /// The target, from 1.
    package let round: Round
    package let prepared: PreparedReport?

    package init(height: Height, round: Round, prepared: PreparedReport?) {
        self.height = height
        self.round = round
        self.prepared = prepared
    }

    package var payload: [UInt8] {
        guard let prepared else { return [0] }
        let round = withUnsafeBytes(of: prepared.round.value.bigEndian) { Array($0) }
        return [1] + round + prepared.digest.bytes
    }
}

/// A validator without its votes asks where the others are (IBFT-R9).
package struct HeadQueryStatement: Statement {
    package static let kind = MessageKind.headQuery
    /// Newest final height of the asker.
    package let height: Height
    package var round: Round { .zero }
    /// Fresh for every loss of a disk, so that no older answer fits.
    package let nonce: Hash32

    package init(height: Height, nonce: Hash32) {
        self.height = height
        self.nonce = nonce
    }

    package var payload: [UInt8] { nonce.bytes }
}

/// A voting validator says which block is its newest final one.
package struct HeadAnswerStatement: Statement {
    package static let kind = MessageKind.headAnswer
    package let height: Height
    package var round: Round { .zero }
    package let digest: Hash32
    /// That of the query.
    package let nonce: Hash32

    package init(height: Height, digest: Hash32, nonce: Hash32) {
        self.height = height
        self.digest = digest
        self.nonce = nonce
    }

    package var payload: [UInt8] { digest.bytes + nonce.bytes }
}
