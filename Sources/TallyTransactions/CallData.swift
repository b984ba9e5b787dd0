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

    package mutating func append(_ address: Address) {
        bytes.append(contentsOf: repeatElement(0, count: 12))
        address.withBytes { bytes.append(contentsOf: $0) }
    }
}
