package import TallyCrypto
package import TallyPrimitives

/// Tells who signed: recoverable ECDSA in the product, something cheap in simulations.
package protocol SignatureScheme: Sendable {
    /// `nil` if nobody can have made the signature.
    func signer(of signature: RecoverableSignature, over digest: Hash32) -> Address?
}

/// Signs for one validator. The same digest gives the same signature.
package protocol VoteSigner: Sendable {
    var address: Address { get }
    func sign(_ digest: Hash32) -> RecoverableSignature
}

/// The signatures of the product (ENC-7).
package struct RecoverableScheme: SignatureScheme {
    package init() {}

    package func signer(of signature: RecoverableSignature, over digest: Hash32) -> Address? {
        (try? signature.recover(digest: digest))?.address
    }
}

/// A private key as a validator's signer.
package struct KeySigner: VoteSigner {
    private let key: PrivateKey
    package let address: Address

    package init(_ key: PrivateKey) {
        self.key = key
        address = key.address
    }

    package func sign(_ digest: Hash32) -> RecoverableSignature { key.sign(digest: digest) }
}
