import CSecp256k1
package import TallyPrimitives

/// The two numbers of an ECDSA signature whose signer is known from elsewhere (ENC-15).
///
/// Holds any numbers; what is wrong with them is told when they are used.
package struct CompactSignature: Hashable, Sendable {
    /// Big-endian, as is `s`.
    package let r: Hash32
    package let s: Hash32

    package init(r: Hash32, s: Hash32) {
        self.r = r
        self.s = s
    }

    /// Whether `publicKey` made the signature of `digest`.
    /// - Throws: `.zeroR`, `.zeroS`, `.rOutOfRange`, `.sOutOfRange`, `.highS`.
    /// - Complexity: about 30 µs; no allocation.
    package func verify(
        digest: Hash32, publicKey: PublicKey
    ) throws(SignatureError) -> Bool {
        // The parity plays no part in plain ECDSA.
        try RecoverableSignature(r: r, s: s, yParity: 0).check()
        var signature = secp256k1_ecdsa_signature()
        let parsed = Hash32.withJoined(r, s) {
            secp256k1_ecdsa_signature_parse_compact(Curve.context, &signature, $0)
        }
        precondition(parsed == 1, "r and s are in range")
        var point = publicKey.point
        return digest.withPointer {
            secp256k1_ecdsa_verify(Curve.context, &signature, $0, &point) == 1
        }
    }
}

extension PublicKey {
    /// The form that the library computes with.
    fileprivate var point: secp256k1_pubkey {
        var point = secp256k1_pubkey()
        let bytes = uncompressed
        let status = secp256k1_ec_pubkey_parse(Curve.context, &point, bytes, bytes.count)
        precondition(status == 1, "the initialiser checked that the point is on the curve")
        return point
    }
}
