import CSecp256k1
public import TallyPrimitives

/// Why bytes are not a private key.
public enum PrivateKeyError: Error, Hashable, Sendable {
    /// Not 32 bytes.
    case wrongLength(Int)
    /// Zero, or not below the order of the curve.
    case outOfRange
}

/// A number 0 < k < n that signs for one account.
///
/// Every printed form hides it: the secret leaves only through `exportBytes()`. Copies in memory
/// are not wiped, since the type is an ordinary value.
public struct PrivateKey: Sendable {
    private let secret: Hash32

    /// - Parameter bytes: 32, big-endian.
    /// - Throws: every case of `PrivateKeyError`.
    public init(_ bytes: [UInt8]) throws(PrivateKeyError) {
        guard let secret = Hash32(bytes) else { throw .wrongLength(bytes.count) }
        try self.init(secret)
    }

    /// - Throws: `.outOfRange`.
    public init(_ secret: Hash32) throws(PrivateKeyError) {
        let valid = secret.withPointer { secp256k1_ec_seckey_verify(Curve.context, $0) }
        guard valid == 1 else { throw .outOfRange }
        self.secret = secret
    }

    /// A fresh key from the operating system's randomness.
    /// - Throws: `SecureRandomError.unavailable`.
    public static func generate() throws(SecureRandomError) -> PrivateKey {
        while true {
            let bytes = try SecureRandom.bytes(32)
            // One draw in 2^128 is out of range.
            if let key = try? PrivateKey(bytes) { return key }
        }
    }

    /// The 32 secret bytes, for a wallet's own store.
    public func exportBytes() -> [UInt8] { secret.bytes }

    public var publicKey: PublicKey {
        var point = secp256k1_pubkey()
        let status = secret.withPointer { secp256k1_ec_pubkey_create(Curve.context, &point, $0) }
        precondition(status == 1, "the initialiser checked the range")
        return PublicKey(point)
    }

    /// The account that the key controls (ENC-6).
    public var address: Address { publicKey.address }

    /// Signs a digest with the nonce of RFC 6979: the same input gives the same signature, and s
    /// is low (ENC-7).
    public func sign(digest: Hash32) -> RecoverableSignature {
        var signature = secp256k1_ecdsa_recoverable_signature()
        let status = secret.withPointer { key in
            digest.withPointer {
                secp256k1_ecdsa_sign_recoverable(Curve.context, &signature, $0, key, nil, nil)
            }
        }
        precondition(status == 1, "the initialiser checked the range")
        return RecoverableSignature(signature)
    }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "PrivateKey(redacted)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
