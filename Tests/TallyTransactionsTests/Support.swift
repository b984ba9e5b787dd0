import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions

/// One transaction that eth-account signed.
struct SignedVector: Decodable {
    let name: String
    let type: UInt8
    let privateKey: String
    let chainId: String
    let nonce: String
    let gas: String
    let maxFeePerGas: String
    let maxPriorityFeePerGas: String
    let to: String
    let value: String
    let data: String
    let raw: String
    let hash: String
    let sender: String
    let v: String
    let r: String
    let s: String

    static func all() throws -> [SignedVector] {
        try Vectors.json("transactions/eth-account.json")
    }

    func key() throws -> PrivateKey { try PrivateKey(try Hex.vector(privateKey)) }

    func envelope() throws -> Envelope {
        Envelope(
            type: try some(EnvelopeType(rawValue: type)), chainID: try some(ChainID(chainId)),
            nonce: try some(Nonce(nonce)), weightLimit: try some(Weight(gas)),
            maxFee: try some(Amount(decimal: maxFeePerGas)),
            maxPriorityFee: try some(Amount(decimal: maxPriorityFeePerGas)),
            to: try some(Address(hex: to)), value: try some(Amount(decimal: value)),
            data: try Hex.vector(data))
    }
}

/// The value, or an error that says what a vector lacks.
func some<T>(_ value: T?, _ what: String = "\(T.self)") throws -> T {
    guard let value else { throw VectorError("no \(what)") }
    return value
}

func address(_ hex: String) -> Address {
    guard let address = Address(hex: hex) else { preconditionFailure("not 20 bytes: \(hex)") }
    return address
}

let recipient = address("0x3535353535353535353535353535353535353535")
let crossShard = address("0x000000000000000000000000000000000000c001")

/// The key of the example of EIP-155.
func exampleKey() throws -> PrivateKey {
    try PrivateKey([UInt8](repeating: 0x46, count: 32))
}

/// A plain transfer on chain 1337, changed where a test says so.
func sample(
    _ type: EnvelopeType = .dynamicFee, chainID: ChainID = 1337, weightLimit: Weight = 10_000_000,
    maxFee: Amount = Amount(1_000_000_000), maxPriorityFee: Amount = Amount(1),
    to: Address = recipient, value: Amount = Amount(1_000), data: [UInt8] = []
) -> Envelope {
    Envelope(
        type: type, chainID: chainID, nonce: 7, weightLimit: weightLimit, maxFee: maxFee,
        maxPriorityFee: maxPriorityFee, to: to, value: value, data: data)
}

/// The fields of a raw transaction, each encoded, to be replaced one by one.
struct RawFields {
    var prefix: [UInt8]
    var items: [[UInt8]] = []

    init(_ raw: [UInt8]) throws {
        let isLegacy = try some(raw.first) >= 0xc0
        prefix = isLegacy ? [] : [raw[0]]
        var outer = RLPDecoder(Array(raw.dropFirst(prefix.count)))
        var list = try outer.nextList()
        while !list.isAtEnd { items.append(Array(try list.nextEncoded())) }
    }

    /// The transaction with field `index` replaced; a negative index counts from the end.
    func replacing(_ index: Int, _ item: [UInt8]) -> [UInt8] {
        var copy = self
        copy.items[index < 0 ? items.count + index : index] = item
        return copy.raw
    }

    var raw: [UInt8] {
        prefix + RLPEncoder.list { out in for item in items { out.append(encoded: item) } }
    }
}

func item(_ value: UInt128) -> [UInt8] {
    var out = RLPEncoder()
    out.append(value)
    return out.bytes
}

func item(_ string: [UInt8]) -> [UInt8] {
    var out = RLPEncoder()
    out.append(string)
    return out.bytes
}

/// A 32-byte word of call data.
func word(_ value: UInt128) -> [UInt8] {
    [UInt8](repeating: 0, count: 16) + withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

func word(_ address: Address) -> [UInt8] { [UInt8](repeating: 0, count: 12) + address.bytes }
