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
    init(_ statement: CommitStatement, _ commits: [Commit], set: ValidatorSet) {
        let pairs = commits.compactMap { commit in
            set.index(of: commit.sender).map { ($0, commit.signature) }
        }.sorted { $0.0 < $1.0 }
        self.init(
            height: statement.height, round: statement.round, digest: statement.digest,
            signers: pairs.map(\.0), seals: pairs.map(\.1))
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
