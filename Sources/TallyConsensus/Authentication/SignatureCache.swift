internal import TallyCrypto
internal import TallyPrimitives

/// Signers that were recovered before: a PREPARE seen on its own costs nothing in a certificate.
///
/// Holds at most two generations of `limit` entries and forgets the older one as a whole.
package struct SignatureCache: Sendable {
    private struct Key: Hashable, Sendable {
        let digest: Hash32
        let signature: RecoverableSignature
    }

    package let limit: Int
    private var young: [Key: Address] = [:]
    private var old: [Key: Address] = [:]

    /// - Parameter limit: entries of a generation, from 1.
    package init(limit: Int = 4096) {
        precondition(limit > 0)
        self.limit = limit
    }

    package var count: Int { young.count + old.count }

    /// The signer, recovered at most once. What nobody signed is not remembered: it costs its
    /// sender, not us, to be sent again.
    mutating func signer(
        of signature: RecoverableSignature, over digest: Hash32, _ scheme: some SignatureScheme
    ) -> Address? {
        let key = Key(digest: digest, signature: signature)
        if let known = young[key] ?? old[key] { return known }
        guard let signer = scheme.signer(of: signature, over: digest) else { return nil }
        if young.count >= limit {
            old = young
            young = [:]
        }
        young[key] = signer
        return signer
    }
}
