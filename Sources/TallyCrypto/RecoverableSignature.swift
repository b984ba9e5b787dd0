import CSecp256k1
public import TallyPrimitives

/// Why a signature is refused. The cases stand in the order of the checks.
public enum SignatureError: Error, Hashable, Sendable {
    case zeroR
    case zeroS
    /// r is not below the order of the curve.
    case rOutOfRange
    /// s is not below the order of the curve.
    case sOutOfRange
    /// s is above half the order: the mirror image of a signature with low s.
    case highS
    /// The parity is not 0 or 1.
    case invalidParity
    /// No public key gives this signature of this digest.
    case unrecoverable
}

/// An ECDSA signature from which the signer's key follows (ENC-7).
///
/// Holds any numbers; what is wrong with them is told when they are used.
/// Sources: SEC 1, section 4.1.6; EIP-2 (low s); EIP-2718 and EIP-1559 (parity 0 or 1).
public struct RecoverableSignature: Hashable, Sendable {
    /// Big-endian, as is `s`.
    public let r: Hash32
    public let s: Hash32
    /// Parity of the y coordinate of the nonce's point: 0 or 1.
    public let yParity: UInt8

    public init(r: Hash32, s: Hash32, yParity: UInt8) {
        self.r = r
        self.s = s
        self.yParity = yParity
    }

    init(_ signature: secp256k1_ecdsa_recoverable_signature) {
        var signature = signature
        var parity: Int32 = 0
        (r, s) = Curve.withScratch(count: 64) { out in
            let status = secp256k1_ecdsa_recoverable_signature_serialize_compact(
                Curve.context, out, &parity, &signature)
            precondition(status == 1, "a made signature has a form")
            return (
                Hash32(loading: UnsafeRawBufferPointer(start: out, count: 32)),
                Hash32(loading: UnsafeRawBufferPointer(start: out + 32, count: 32))
            )
        }
        // 2 and 3 mean that r was reduced by n: one nonce in 2^127.
        precondition(parity < 2, "no signer meets a reduced r")
        yParity = UInt8(parity)
    }

    /// The key that made the signature.
    /// - Throws: every case of `SignatureError`.
    /// - Complexity: about 30 µs; no allocation.
    public func recover(digest: Hash32) throws(SignatureError) -> PublicKey {
        try check()
        var signature = secp256k1_ecdsa_recoverable_signature()
        let parsed = Hash32.withJoined(r, s) {
            secp256k1_ecdsa_recoverable_signature_parse_compact(
                Curve.context, &signature, $0, Int32(yParity))
        }
        precondition(parsed == 1, "r, s and the parity are in range")
        var point = secp256k1_pubkey()
        let recovered = digest.withPointer {
            secp256k1_ecdsa_recover(Curve.context, &point, &signature, $0)
        }
        guard recovered == 1 else { throw .unrecoverable }
        return PublicKey(point)
    }

    /// Whether `publicKey` made the signature.
    ///
    /// Recovers and compares, so that the parity counts too: plain ECDSA ignores it, which would
    /// leave two forms of every signature.
    public func verify(digest: Hash32, publicKey: PublicKey) -> Bool {
        guard let signer = try? recover(digest: digest) else { return false }
        return signer == publicKey
    }

    /// Whether the numbers are those of a low-s signature; says nothing about who signed what.
    /// - Throws: every case but `.unrecoverable`.
    public func check() throws(SignatureError) {
        guard r != .zero else { throw .zeroR }
        guard s != .zero else { throw .zeroS }
        guard r < Curve.order else { throw .rOutOfRange }
        guard s < Curve.order else { throw .sOutOfRange }
        guard s <= Curve.halfOrder else { throw .highS }
        guard yParity < 2 else { throw .invalidParity }
    }
}
