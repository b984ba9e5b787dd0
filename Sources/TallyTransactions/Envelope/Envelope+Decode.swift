public import TallyCrypto
import TallyPrimitives

extension Envelope {
    /// Largest raw transaction in bytes: geth's pool limit.
    public static let maximumByteCount = 128 * 1024

    /// Decodes one raw transaction strictly (`TX-1`, `TX-2`). The signature is in range and low-s, but
    /// not yet recovered.
    /// - Throws: the first reason met, reading from the front.
    public static func decode(
        _ raw: [UInt8]
    ) throws(TransactionError) -> (Envelope, RecoverableSignature) {
        guard let first = raw.first else { throw .empty }
        guard raw.count <= maximumByteCount else {
            throw .oversized(limit: maximumByteCount, actual: raw.count)
        }
        if first >= 0xc0 { return try decodeLegacy(raw) }
        switch EnvelopeType(rawValue: first) {
        case .accessList: return try decodeTyped(raw, type: .accessList)
        case .dynamicFee: return try decodeTyped(raw, type: .dynamicFee)
        case .legacy, nil: throw .unsupportedType(first)
        }
    }

    private static func decodeLegacy(
        _ raw: [UInt8]
    ) throws(TransactionError) -> (Envelope, RecoverableSignature) {
        var (outer, fields) = try openList(RLPDecoder(raw))
        let nonce = try fields.nonce()
        let price = try fields.amount("gasPrice")
        let weightLimit = try fields.weightLimit()
        let to = try fields.recipient()
        let value = try fields.amount("value")
        let data = try fields.data()
        let v: UInt128 = try fields.integer(tooLarge: .chainIDTooLarge)
        guard v >= 35 else { throw v == 27 || v == 28 ? .missingChainID : .invalidV }
        let chainID = try checked(ChainID(exactly: (v - 35) / 2))
        let signature = try fields.signature(yParity: UInt8((v - 35) % 2))
        try close(&outer, &fields)
        let envelope = Envelope(
            type: .legacy, chainID: chainID, nonce: nonce, weightLimit: weightLimit, maxFee: price,
            maxPriorityFee: price, to: to, value: value, data: data)
        return (envelope, signature)
    }

    private static func decodeTyped(
        _ raw: [UInt8], type: EnvelopeType
    ) throws(TransactionError) -> (Envelope, RecoverableSignature) {
        var (outer, fields) = try openList(RLPDecoder(raw, from: 1))
        let chainID = try checked(try fields.integer(tooLarge: .chainIDTooLarge))
        let nonce = try fields.nonce()
        let tip = type == .dynamicFee ? try fields.amount("maxPriorityFeePerGas") : nil
        let fee = try fields.amount(type == .dynamicFee ? "maxFeePerGas" : "gasPrice")
        let weightLimit = try fields.weightLimit()
        let to = try fields.recipient()
        let value = try fields.amount("value")
        let data = try fields.data()
        try fields.emptyAccessList()
        let parity: UInt8 = try fields.integer(tooLarge: .invalidV)
        guard parity < 2 else { throw .invalidV }
        let signature = try fields.signature(yParity: parity)
        try close(&outer, &fields)
        let envelope = Envelope(
            type: type, chainID: chainID, nonce: nonce, weightLimit: weightLimit, maxFee: fee,
            maxPriorityFee: tip ?? fee, to: to, value: value, data: data)
        return (envelope, signature)
    }

    /// TX-2: 1 to 2^64 − 1.
    private static func checked(_ chainID: ChainID?) throws(TransactionError) -> ChainID {
        guard let chainID else { throw .chainIDTooLarge }
        guard chainID > 0 else { throw .missingChainID }
        return chainID
    }

    private static func openList(
        _ outer: RLPDecoder
    ) throws(TransactionError) -> (RLPDecoder, RLPDecoder) {
        var outer = outer
        do throws(RLPError) {
            let fields = try outer.nextList()
            return (outer, fields)
        } catch { throw .malformed(error) }
    }

    private static func close(
        _ outer: inout RLPDecoder, _ fields: inout RLPDecoder
    ) throws(TransactionError) {
        do throws(RLPError) {
            try fields.finish()
            try outer.finish()
        } catch { throw .malformed(error) }
    }
}

extension RLPDecoder {
    fileprivate mutating func string() throws(TransactionError) -> ArraySlice<UInt8> {
        do throws(RLPError) { return try nextString() } catch { throw .malformed(error) }
    }

    /// An integer of a field that has a reason of its own for exceeding its type.
    fileprivate mutating func integer<T: FixedWidthInteger & UnsignedInteger>(
        tooLarge: TransactionError
    ) throws(TransactionError) -> T {
        do throws(RLPError) {
            return try nextInteger()
        } catch { throw error == .integerTooLarge ? tooLarge : .malformed(error) }
    }

    /// EIP-2681: a nonce is below 2^64 − 1.
    fileprivate mutating func nonce() throws(TransactionError) -> Nonce {
        let nonce: Nonce = try integer(tooLarge: .nonceTooLarge)
        guard nonce < .max else { throw .nonceTooLarge }
        return nonce
    }

    fileprivate mutating func weightLimit() throws(TransactionError) -> Weight {
        try integer(tooLarge: .weightLimitTooLarge)
    }

    fileprivate mutating func amount(_ field: String) throws(TransactionError) -> Amount {
        Amount(try integer(tooLarge: .amountTooLarge(field: field)))
    }

    fileprivate mutating func recipient() throws(TransactionError) -> Address {
        let bytes = try string()
        if bytes.isEmpty { throw .contractCreation }
        guard bytes.count == Address.byteCount else {
            throw .malformed(.wrongLength(expected: Address.byteCount, actual: bytes.count))
        }
        return bytes.withUnsafeBytes { Address(loading: $0) }
    }

    fileprivate mutating func data() throws(TransactionError) -> [UInt8] { Array(try string()) }

    fileprivate mutating func emptyAccessList() throws(TransactionError) {
        let list: RLPDecoder
        do throws(RLPError) { list = try nextList() } catch { throw .malformed(error) }
        guard list.isAtEnd else { throw .accessListNotEmpty }
    }

    fileprivate mutating func signature(
        yParity: UInt8
    ) throws(TransactionError) -> RecoverableSignature {
        let r = try scalar(tooLarge: .rOutOfRange)
        let s = try scalar(tooLarge: .sOutOfRange)
        let signature = RecoverableSignature(r: r, s: s, yParity: yParity)
        do throws(SignatureError) {
            try signature.check()
        } catch { throw TransactionError(error) }
        return signature
    }

    /// A canonical integer of at most 256 bits.
    private mutating func scalar(
        tooLarge: TransactionError
    ) throws(TransactionError) -> Hash32 {
        let bytes = try string()
        guard bytes.first != 0 else { throw .malformed(.nonCanonicalInteger) }
        guard bytes.count <= Hash32.byteCount else { throw tooLarge }
        return withUnsafeTemporaryAllocation(byteCount: Hash32.byteCount, alignment: 8) { out in
            let zeros = Hash32.byteCount - bytes.count
            for index in 0..<zeros { out[index] = 0 }
            UnsafeMutableRawBufferPointer(rebasing: out[zeros...]).copyBytes(from: bytes)
            return Hash32(loading: UnsafeRawBufferPointer(out))
        }
    }
}

extension TransactionError {
    /// The envelope's reason for a refused signature.
    public init(_ error: SignatureError) {
        switch error {
        case .zeroR: self = .zeroR
        case .zeroS: self = .zeroS
        case .rOutOfRange: self = .rOutOfRange
        case .sOutOfRange: self = .sOutOfRange
        case .highS: self = .highS
        case .invalidParity: self = .invalidV
        case .unrecoverable: self = .unrecoverableSignature
        }
    }
}
