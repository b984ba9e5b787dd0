import CSecp256k1
import TallyPrimitives

/// What an extended key has besides the key: its place in the tree and the chain code, from which
/// the children follow.
package struct ExtendedKeyPosition: Hashable, Sendable {
    /// Steps from the master key, 0 to 255.
    package let depth: UInt8
    /// The first 4 bytes of the parent's identifier; 0 for a master key.
    package let parentFingerprint: UInt32
    /// The step from the parent, hardened ones from 2^31; 0 for a master key.
    package let index: UInt32

    static let master = ExtendedKeyPosition(depth: 0, parentFingerprint: 0, index: 0)
}

/// A private key and the chain code that its children are derived with (ENC-14).
///
/// Every printed form hides it: the secret leaves only through `key` and `exportText()`.
/// Source: BIP-32.
package struct ExtendedPrivateKey: Sendable {
    package let key: PrivateKey
    package let position: ExtendedKeyPosition
    private let chainCode: Hash32

    /// The master key of a seed.
    /// - Parameter seed: 16 to 64 bytes.
    /// - Throws: `.seedLength`, `.unusableSeed`.
    package init(seed: [UInt8]) throws(ExtendedKeyError) {
        guard (16...64).contains(seed.count) else { throw .seedLength(seed.count) }
        var code = HMACSHA512.authenticate(seed, key: Array("Bitcoin seed".utf8))
        defer { SecretBytes.wipe(&code) }
        guard let key = try? PrivateKey(Self.half(code, 0)) else { throw .unusableSeed }
        self.init(key: key, chainCode: Self.half(code, 1), position: .master)
    }

    init(key: PrivateKey, chainCode: Hash32, position: ExtendedKeyPosition) {
        self.key = key
        self.chainCode = chainCode
        self.position = position
    }

    /// The child at `index`, hardened from 2^31.
    /// - Throws: `.tooDeep`, `.unusableIndex`.
    package func child(_ index: UInt32) throws(ExtendedKeyError) -> ExtendedPrivateKey {
        guard position.depth < .max else { throw .tooDeep }
        let publicKey = key.publicKey.compressed
        let isHardened = index & DerivationPath.hardened != 0
        var message = isHardened ? [0] + key.exportBytes() : publicKey
        message += withUnsafeBytes(of: index.bigEndian) { Array($0) }
        var code = HMACSHA512.authenticate(message, key: chainCode.bytes)
        defer {
            SecretBytes.wipe(&message)
            SecretBytes.wipe(&code)
        }
        guard let child = key.adding(Self.half(code, 0)) else { throw .unusableIndex(index) }
        return ExtendedPrivateKey(
            key: child, chainCode: Self.half(code, 1),
            position: ExtendedKeyPosition(
                depth: position.depth + 1,
                parentFingerprint: ExtendedPublicKey.fingerprint(publicKey), index: index))
    }

    /// The descendant at the end of a path.
    /// - Throws: `.tooDeep`, `.unusableIndex`.
    package func descendant(
        _ path: DerivationPath
    ) throws(ExtendedKeyError) -> ExtendedPrivateKey {
        var key = self
        for index in path.indices { key = try key.child(index) }
        return key
    }

    package var publicKey: ExtendedPublicKey {
        ExtendedPublicKey(key: key.publicKey, chainCode: chainCode, position: position)
    }

    /// The secret key as text: `xprv…`.
    package func exportText() -> String {
        ExtendedKeyText.encode(
            .privateKey, position, chainCode, key: [0] + key.exportBytes())
    }

    private static func half(_ code: [UInt8], _ index: Int) -> Hash32 {
        code.withUnsafeBytes {
            Hash32(loading: UnsafeRawBufferPointer(rebasing: $0[(32 * index)...]))
        }
    }
}

extension ExtendedPrivateKey: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    package var description: String { "ExtendedPrivateKey(redacted)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The public half of an extended key: it shows the account, and with a leaked private child of its
/// own gives the private parent away, so it is not for everybody.
package struct ExtendedPublicKey: Hashable, Sendable {
    package let key: PublicKey
    package let position: ExtendedKeyPosition
    private let chainCode: Hash32

    init(key: PublicKey, chainCode: Hash32, position: ExtendedKeyPosition) {
        self.key = key
        self.chainCode = chainCode
        self.position = position
    }

    /// The key as text: `xpub…`.
    package func exportText() -> String {
        ExtendedKeyText.encode(.publicKey, position, chainCode, key: key.compressed)
    }

    /// The first 4 bytes of RIPEMD-160 of SHA-256 of the compressed key.
    fileprivate static func fingerprint(_ compressed: [UInt8]) -> UInt32 {
        RIPEMD160.hash(SHA256.plain(compressed).bytes)[..<4]
            .reduce(0) { $0 << 8 | UInt32($1) }
    }
}

extension PrivateKey {
    /// The sum modulo n; `nil` when it is 0 or `tweak` is not below n.
    fileprivate func adding(_ tweak: Hash32) -> PrivateKey? {
        var sum = exportBytes()
        defer { SecretBytes.wipe(&sum) }
        let status = tweak.withPointer {
            secp256k1_ec_seckey_tweak_add(Curve.context, &sum, $0)
        }
        return status == 1 ? try? PrivateKey(sum) : nil
    }
}
