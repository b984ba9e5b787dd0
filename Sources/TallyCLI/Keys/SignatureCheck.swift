import TallyCrypto
import TallyPrimitives

/// Whether a signature is that of a public key, all three given as text (ENC-15).
struct SignatureCheck: Sendable {
    /// Whether signatures are in DER.
    let isDER: Bool

    /// - Throws: why one of the three is not of its form, or the signature is one that nobody
    ///   may make. `false` is a signature of something else or by somebody else.
    func verify(_ line: InputLine) throws(CommandFailure) -> Bool {
        guard case .text(let text) = line else {
            throw CommandFailure("fields", "the line is too long")
        }
        let fields = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard fields.count == 3 else {
            throw CommandFailure(
                "fields",
                "a line has a public key, a digest and a signature, not "
                    + (fields.count == 1 ? "1 field" : "\(fields.count) fields"))
        }
        return try verify(publicKey: fields[0], digest: fields[1], signature: fields[2])
    }

    func verify(
        publicKey: ArraySlice<UInt8>, digest: ArraySlice<UInt8>, signature: ArraySlice<UInt8>
    ) throws(CommandFailure) -> Bool {
        let key = try Self.publicKey(HexField.bytes(publicKey, "public key"))
        let digestBytes = try HexField.bytes(digest, "digest")
        guard let digest = Hash32(digestBytes) else {
            throw CommandFailure(
                "digestLength", "the digest has \(digestBytes.count) bytes, not 32")
        }
        let bytes = try HexField.bytes(signature, "signature")
        if !isDER, bytes.count == 65 {
            let recoverable = try Self.recoverable(bytes)
            do throws(SignatureError) {
                return try recoverable.recover(digest: digest) == key
            } catch { throw Self.failure(error) }
        }
        let numbers = isDER ? try Self.der(bytes) : try Self.compact(bytes)
        do throws(SignatureError) {
            return try numbers.verify(digest: digest, publicKey: key)
        } catch { throw Self.failure(error) }
    }

    private static func publicKey(_ bytes: [UInt8]) throws(CommandFailure) -> PublicKey {
        do throws(PublicKeyError) {
            // Some tools leave out the 4 in front of x and y.
            return try PublicKey(bytes.count == 64 ? [4] + bytes : bytes)
        } catch {
            switch error {
            case .wrongLength(let count):
                throw CommandFailure(
                    "publicKeyLength", "the public key has \(count) bytes, not 33, 64 or 65")
            case .unknownPrefix(let prefix):
                throw CommandFailure(
                    "publicKeyPrefix",
                    "the public key begins with \(prefix), not with 2, 3 or 4 by its length")
            case .notOnCurve:
                throw CommandFailure(
                    "publicKeyNotOnCurve", "the public key is no point of the curve")
            }
        }
    }

    private static func compact(_ bytes: [UInt8]) throws(CommandFailure) -> CompactSignature {
        guard bytes.count == 64, let r = Hash32(bytes[..<32]), let s = Hash32(bytes[32...])
        else {
            throw CommandFailure(
                "signatureLength",
                "the signature has \(bytes.count) bytes, not 64, or 65 with its recovery id")
        }
        return CompactSignature(r: r, s: s)
    }

    /// The recovery id is 0 or 1, or 27 or 28 as wallets write it.
    private static func recoverable(
        _ bytes: [UInt8]
    ) throws(CommandFailure) -> RecoverableSignature {
        let numbers = try compact(Array(bytes.dropLast()))
        let id = bytes[64]
        return RecoverableSignature(
            r: numbers.r, s: numbers.s, yParity: id == 27 || id == 28 ? id - 27 : id)
    }

    private static func der(_ bytes: [UInt8]) throws(CommandFailure) -> CompactSignature {
        do throws(DERSignatureError) {
            return try DERSignature.decode(bytes)
        } catch { throw failure(error) }
    }

    private static func failure(_ error: DERSignatureError) -> CommandFailure {
        func failure(_ code: String, _ why: String) -> CommandFailure {
            CommandFailure(code, "the signature is not DER: " + why)
        }
        return switch error {
        case .truncated: failure("derTruncated", "it ends inside an element")
        case .trailingBytes: failure("derTrailingBytes", "bytes follow the second number")
        case .unexpectedTag(let tag):
            failure(
                "derUnexpectedTag",
                "an element has tag 0x\(String(tag, radix: 16)), where a sequence of two integers "
                    + "has 0x30 and 0x2")
        case .longLength: failure("derLongLength", "a length is in the long or indefinite form")
        case .emptyInteger: failure("derEmptyInteger", "a number has no bytes")
        case .negativeInteger: failure("derNegativeInteger", "a number is negative")
        case .paddedInteger:
            failure("derPaddedInteger", "a number begins with a zero byte it does not need")
        case .integerTooLarge:
            failure("derIntegerTooLarge", "a number has more than 256 bits")
        }
    }

    private static func failure(_ error: SignatureError) -> CommandFailure {
        switch error {
        case .zeroR: CommandFailure("zeroR", "r is 0")
        case .zeroS: CommandFailure("zeroS", "s is 0")
        case .rOutOfRange:
            CommandFailure("rOutOfRange", "r is not below the order of the curve")
        case .sOutOfRange:
            CommandFailure("sOutOfRange", "s is not below the order of the curve")
        case .highS:
            CommandFailure("highS", "s is in the upper half: the signature's mirror image")
        case .invalidParity:
            CommandFailure("invalidRecoveryId", "the recovery id is not 0, 1, 27 or 28")
        case .unrecoverable:
            CommandFailure("unrecoverable", "no key gives this signature")
        }
    }
}
