/// Why a key of a tree cannot be had. The cases about text stand in the order of the checks.
package enum ExtendedKeyError: Error, Hashable, Sendable {
    case base58(Base58Error)
    /// Not 78 bytes.
    case wrongLength(Int)
    /// Neither `xprv` nor `xpub`.
    case unknownVersion(UInt32)
    /// A public key where the version says private, or the reverse.
    case wrongKind
    /// The first of the 33 bytes of the key is that of no form.
    case unknownPrefix(UInt8)
    /// A master key that names a parent.
    case masterWithParent
    /// A master key that has an index.
    case masterWithIndex
    /// A private key that is 0, or not below the order of the curve.
    case keyOutOfRange
    /// A public key whose x is that of no point of the curve.
    case notOnCurve
    /// Not 16 to 64 bytes.
    case seedLength(Int)
    /// A key at depth 255 has no children.
    case tooDeep
    /// One index in 2^127 gives no key; BIP-32 goes on with the next.
    case unusableIndex(UInt32)
    /// One seed in 2^127 gives no key.
    case unusableSeed
}
