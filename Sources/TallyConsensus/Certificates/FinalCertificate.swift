package import TallyCrypto
package import TallyPrimitives

/// Committed seals of a quorum: proof that a block is final, for anybody who knows Set(height).
package struct FinalCertificate: Hashable, Sendable {
    package let height: Height
    package let round: Round
    package let digest: Hash32
    /// Indices in Set(height), ascending.
    package let signers: [Int]
    /// In the order of `signers`.
    package let seals: [RecoverableSignature]

    /// - Parameters:
    ///   - signers: ascending.
    ///   - seals: one for each of `signers`.
    package init(
        height: Height, round: Round, digest: Hash32, signers: [Int],
        seals: [RecoverableSignature]
    ) {
        precondition(signers.count == seals.count, "one seal a signer")
        self.height = height
        self.round = round
        self.digest = digest
        self.signers = signers
        self.seals = seals
    }

    /// From COMMITs of one round and digest, of distinct members of `set`.
    package init(_ statement: CommitStatement, _ commits: [Commit], set: ValidatorSet) {
        let pairs = commits.compactMap { commit in
            set.index(of: commit.sender).map { ($0, commit.signature) }
        }.sorted { $0.0 < $1.0 }
        self.init(
            height: statement.height, round: statement.round, digest: statement.digest,
            signers: pairs.map(\.0), seals: pairs.map(\.1))
    }

    /// The power of distinct members whose seals hold (IBFT-R7): final is what has a quorum of it.
    /// - Parameter set: Set(height).
    /// - Complexity: one recovery a seal.
    package func power(
        in set: ValidatorSet, _ chain: ChainIdentity, _ scheme: some SignatureScheme
    ) -> UInt64 {
        let digest = statement.digest(chain, validators: set.hash)
        let signers = commits(set).filter {
            scheme.signer(of: $0.signature, over: digest) == $0.sender
        }
        return set.power(of: Set(signers.map(\.sender)))
    }

    package var statement: CommitStatement {
        CommitStatement(height: height, round: round, digest: digest)
    }

    /// The COMMITs it is made of, for whom `set` is Set(height).
    package func commits(_ set: ValidatorSet) -> [Commit] {
        zip(signers, seals).compactMap { index, seal in
            guard set.validators.indices.contains(index) else { return nil }
            return Commit(statement, sender: set.validators[index].address, signature: seal)
        }
    }
}
