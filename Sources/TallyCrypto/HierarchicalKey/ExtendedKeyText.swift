import TallyPrimitives

/// An extended key of either kind, as read from text.
package enum ExtendedKey: Sendable {
    case privateKey(ExtendedPrivateKey)
    case publicKey(ExtendedPublicKey)

    /// Reads `xprv…` or `xpub…`.
    /// - Throws: `.base58` to `.notOnCurve` of `ExtendedKeyError`.
    package init(_ text: String) throws(ExtendedKeyError) {
        var bytes: [UInt8]
        do throws(Base58Error) {
            bytes = try Base58Check.decode(text)
        } catch { throw .base58(error) }
        defer { SecretBytes.wipe(&bytes) }
        guard bytes.count == ExtendedKeyText.byteCount else { throw .wrongLength(bytes.count) }
        let number = ExtendedKeyText.number(bytes[0..<4])
        guard let version = ExtendedKeyText.Version(rawValue: number) else {
            throw .unknownVersion(number)
        }
        let position = ExtendedKeyPosition(
            depth: bytes[4], parentFingerprint: ExtendedKeyText.number(bytes[5..<9]),
            index: ExtendedKeyText.number(bytes[9..<13]))
        try ExtendedKeyText.checkPrefix(bytes[45], version)
        guard position.depth > 0 || position.parentFingerprint == 0 else {
            throw .masterWithParent
        }
        guard position.depth > 0 || position.index == 0 else { throw .masterWithIndex }
        let chainCode = bytes.withUnsafeBytes {
            Hash32(loading: UnsafeRawBufferPointer(rebasing: $0[13...]))
        }
        switch version {
        case .privateKey:
            guard let key = try? PrivateKey(Array(bytes[46...])) else { throw .keyOutOfRange }
            self = .privateKey(
                ExtendedPrivateKey(key: key, chainCode: chainCode, position: position))
        case .publicKey:
            guard let key = try? PublicKey(Array(bytes[45...])) else { throw .notOnCurve }
            self = .publicKey(
                ExtendedPublicKey(key: key, chainCode: chainCode, position: position))
        }
    }
}

/// The 78 bytes of an extended key: version, depth, parent's fingerprint, index, chain code, key.
enum ExtendedKeyText {
    static let byteCount = 78

    /// The first four bytes, which make the text begin as it does.
    enum Version: UInt32 {
        /// `xprv`
        case privateKey = 0x0488_ade4
        /// `xpub`
        case publicKey = 0x0488_b21e
    }

    /// - Parameter key: 33 bytes.
    static func encode(
        _ version: Version, _ position: ExtendedKeyPosition, _ chainCode: Hash32, key: [UInt8]
    ) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        append(version.rawValue, to: &bytes)
        bytes.append(position.depth)
        append(position.parentFingerprint, to: &bytes)
        append(position.index, to: &bytes)
        bytes += chainCode.bytes
        bytes += key
        precondition(bytes.count == byteCount, "a key has 33 bytes")
        defer { SecretBytes.wipe(&bytes) }
        return Base58Check.encode(bytes)
    }

    /// A private key is behind a zero byte; a public one begins with 2 or 3.
    static func checkPrefix(_ prefix: UInt8, _ version: Version) throws(ExtendedKeyError) {
        switch (version, prefix) {
        case (.privateKey, 0), (.publicKey, 2), (.publicKey, 3): return
        case (.privateKey, 2), (.privateKey, 3), (.publicKey, 0): throw .wrongKind
        default: throw .unknownPrefix(prefix)
        }
    }

    static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
