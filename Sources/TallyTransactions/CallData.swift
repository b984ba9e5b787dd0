import TallyCrypto
package import TallyPrimitives

/// Why call data is not the canonical ABI encoding of an operation's arguments.
public enum CallError: Error, Hashable, Sendable {
    /// The data ends before the last argument.
    case truncated
    /// Bytes follow the last argument.
    case trailingBytes
    /// A word has set bits outside its type, or an offset is not the canonical one.
    case nonCanonical
    /// A number exceeds its type: 128 bits for amounts, 64 for times and counts.
    case numberTooLarge
}

/// First four bytes of the Keccak-256 of a function's signature.
public struct Selector: Hashable, Sendable {
    public let bytes: [UInt8]

    /// - Parameter signature: as in Solidity, `batchTransfer((address,uint256)[])`.
    public init(_ signature: String) {
        bytes = Array(Keccak256.hash(Array(signature.utf8)).bytes.prefix(4))
    }
}

/// Reads 32-byte ABI words strictly.
package struct CallReader {
    private var rest: ArraySlice<UInt8>

    package init(_ arguments: ArraySlice<UInt8>) { rest = arguments }

    package mutating func word() throws(CallError) -> Hash32 {
        guard rest.count >= 32 else { throw .truncated }
        defer { rest = rest.dropFirst(32) }
        return rest.withUnsafeBytes { Hash32(loading: $0) }
    }

    package mutating func amount() throws(CallError) -> Amount {
        let words = try word().words
        guard words.0 == 0, words.1 == 0 else { throw .numberTooLarge }
        return Amount(UInt128(words.2) << 64 | UInt128(words.3))
    }

    package mutating func integer() throws(CallError) -> UInt64 {
        let words = try word().words
        guard words.0 == 0, words.1 == 0, words.2 == 0 else { throw .numberTooLarge }
        return words.3
    }

    package mutating func address() throws(CallError) -> Address {
        let word = try word()
        guard word.words.0 == 0, word.words.1 >> 32 == 0 else { throw .nonCanonical }
        return word.withBytes { Address(loading: UnsafeRawBufferPointer(rebasing: $0[12...])) }
    }

    /// An id of an object of a compute family (OBJ-1).
    package mutating func objectID() throws(CallError) -> ObjectID {
        guard let id = ObjectID(word: try word()) else { throw .nonCanonical }
        return id
    }

    /// A number that fits its type.
    package mutating func integer<T: FixedWidthInteger & UnsignedInteger>(
        as type: T.Type
    ) throws(CallError) -> T {
        guard let value = T(exactly: try integer()) else { throw .numberTooLarge }
        return value
    }

    /// The last argument where it is `bytes`: its offset, its length, itself and zeros up to a word.
    /// - Parameters:
    ///   - words: of the head: all arguments, this one included.
    ///   - limit: most bytes.
    package mutating func lastBytes(words: Int, limit: Int) throws(CallError) -> [UInt8] {
        guard try integer() == UInt64(32 * words) else { throw .nonCanonical }
        let count = try integer()
        guard count <= UInt64(limit) else { throw .numberTooLarge }
        let padded = (Int(count) + 31) / 32 * 32
        guard rest.count >= padded else { throw .truncated }
        let bytes = Array(rest.prefix(Int(count)))
        guard rest.dropFirst(Int(count)).prefix(padded - Int(count)).allSatisfy({ $0 == 0 })
        else { throw .nonCanonical }
        rest = rest.dropFirst(padded)
        return bytes
    }

    package func finish() throws(CallError) {
        guard rest.isEmpty else { throw .trailingBytes }
    }
}

/// Writes 32-byte ABI words.
package struct CallWriter {
    package private(set) var bytes: [UInt8]

    package init(_ selector: Selector) { bytes = selector.bytes }
    /// Results have no selector.
    package init() { bytes = [] }

    package mutating func append(_ amount: Amount) {
        bytes.append(contentsOf: repeatElement(0, count: 16))
        withUnsafeBytes(of: amount.units.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ word: Hash32) {
        word.withBytes { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ integer: UInt64) { append(Amount(UInt128(integer))) }

    package mutating func append(_ id: ObjectID) { append(id.word) }

    /// The last argument where it is `bytes`: see ``CallReader/lastBytes(words:limit:)``.
    package mutating func appendLast(_ content: [UInt8], words: Int) {
        append(UInt64(32 * words))
        append(UInt64(content.count))
        bytes.append(contentsOf: content)
        bytes.append(contentsOf: repeatElement(0, count: (32 - content.count % 32) % 32))
    }

    package mutating func append(_ address: Address) {
        bytes.append(contentsOf: repeatElement(0, count: 12))
        address.withBytes { bytes.append(contentsOf: $0) }
    }
}

extension CallReader {
    /// Reads all arguments of a call.
    /// - Throws: `malformedCall`, also for what follows the last argument.
    package static func read<Result>(
        _ arguments: ArraySlice<UInt8>,
        _ body: (inout CallReader) throws(CallError) -> Result
    ) throws(TransactionError) -> Result {
        do throws(CallError) {
            var reader = CallReader(arguments)
            let result = try body(&reader)
            try reader.finish()
            return result
        } catch { throw .malformedCall(error) }
    }
}

/// A call of a reserved address: from a transaction, or from the receipt that carries it to the
/// home of its object.
package struct DoorCall: Sendable {
    package let door: Address
    package let selector: [UInt8]
    package let arguments: ArraySlice<UInt8>
    package let value: Amount

    /// - Throws: `reservedRecipient` without data: a plain transfer to the address.
    package init(door: Address, data: [UInt8], value: Amount) throws(TransactionError) {
        guard !data.isEmpty else { throw .reservedRecipient(door) }
        self.door = door
        selector = Array(data.prefix(4))
        arguments = data.dropFirst(4)
        self.value = value
    }

    init(_ envelope: Envelope) throws(TransactionError) {
        try self.init(door: envelope.to, data: envelope.data, value: envelope.value)
    }

    /// Refuses value where a function takes none.
    func checkNoValue() throws(TransactionError) {
        guard value.isZero else { throw .valueNotAllowed }
    }
}
