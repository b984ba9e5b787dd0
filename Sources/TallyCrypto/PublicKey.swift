import CSecp256k1
public import TallyPrimitives

/// Why bytes are not a public key.
public enum PublicKeyError: Error, Hashable, Sendable {
    /// Neither 33 (compressed) nor 65 bytes (uncompressed).
    case wrongLength(Int)
    /// The first byte is not 2 or 3 (compressed) or 4 (uncompressed).
    case unknownPrefix(UInt8)
    /// The coordinates are out of range or not those of a point on the curve.
    case notOnCurve
}

/// A point of secp256k1, never the one at infinity. Source: SEC 1, version 2.0, section 2.3.
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    /// The coordinates, each as 32 big-endian bytes.
    public let x: Hash32
    public let y: Hash32

    /// The point of 33 or 65 bytes in the form of SEC 1.
    /// - Throws: every case of `PublicKeyError`.
    public init(_ bytes: [UInt8]) throws(PublicKeyError) {
        guard let prefix = bytes.first, bytes.count == 33 || bytes.count == 65 else {
            throw .wrongLength(bytes.count)
        }
        // The library also takes the hybrid forms 6 and 7, which nobody writes.
        guard bytes.count == 33 ? prefix == 2 || prefix == 3 : prefix == 4 else {
            throw .unknownPrefix(prefix)
        }
        var point = secp256k1_pubkey()
        guard secp256k1_ec_pubkey_parse(Curve.context, &point, bytes, bytes.count) == 1 else {
            throw .notOnCurve
        }
        self.init(point)
    }

    init(_ point: secp256k1_pubkey) {
        var point = point
        self = Curve.withScratch(count: 65) { out in
            var count = 65
            let status = secp256k1_ec_pubkey_serialize(
                Curve.context, out, &count, &point, UInt32(SECP256K1_EC_UNCOMPRESSED))
            precondition(status == 1 && count == 65, "a parsed point has a form")
            return PublicKey(
                x: Hash32(loading: UnsafeRawBufferPointer(start: out + 1, count: 32)),
                y: Hash32(loading: UnsafeRawBufferPointer(start: out + 33, count: 32)))
        }
    }

    private init(x: Hash32, y: Hash32) {
        self.x = x
        self.y = y
    }

    /// 33 bytes: 2 or 3 by the parity of y, then x.
    public var compressed: [UInt8] { [2 + UInt8(y.words.3 & 1)] + x.bytes }

    /// 65 bytes: 4, x, y.
    public var uncompressed: [UInt8] { [4] + x.bytes + y.bytes }

    /// The account that the key controls (ENC-6).
    public var address: Address { Address(publicKey: self) }

    /// `0x` and the digits of the compressed form.
    public var description: String { Hex.encode(compressed) }
}

extension Address {
    /// The last 20 bytes of the Keccak-256 of x ‖ y (ENC-6).
    public init(publicKey: PublicKey) {
        let digest = Hash32.withJoined(publicKey.x, publicKey.y) {
            Keccak256.hash(UnsafeRawBufferPointer(start: $0, count: 64))
        }
        self = digest.withBytes { Address(loading: UnsafeRawBufferPointer(rebasing: $0[12...])) }
    }
}
