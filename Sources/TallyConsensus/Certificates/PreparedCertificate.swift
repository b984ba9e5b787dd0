package import TallyCrypto
package import TallyPrimitives

/// One signature of a certificate and who made it.
package struct Endorsement: Hashable, Sendable {
    package let sender: Address
    package let signature: RecoverableSignature

    package init(sender: Address, signature: RecoverableSignature) {
        self.sender = sender
        self.signature = signature
    }
}

/// PREPAREs of a quorum for one block in one round of a height. The height is that of the message
/// around it.
package struct PreparedCertificate: Hashable, Sendable {
    package let round: Round
    package let digest: Hash32
    /// By ascending sender where we made it; others may send any order and repeat one.
    package let endorsements: [Endorsement]

    package init(round: Round, digest: Hash32, endorsements: [Endorsement]) {
        self.round = round
        self.digest = digest
        self.endorsements = endorsements
    }

    package var report: PreparedReport { PreparedReport(round: round, digest: digest) }

    /// The PREPAREs it is made of.
    package func prepares(at height: Height) -> [Prepare] {
        let statement = PrepareStatement(height: height, round: round, digest: digest)
        return endorsements.map {
            Prepare(statement, sender: $0.sender, signature: $0.signature)
        }
    }
}
