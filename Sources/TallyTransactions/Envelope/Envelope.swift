public import TallyCrypto
public import TallyPrimitives

/// The three forms of Ethereum transaction that are accepted (`TX-1`).
public enum EnvelopeType: UInt8, Sendable {
    /// With the chain id of EIP-155.
    case legacy = 0
    /// EIP-2930, its access list empty.
    case accessList = 1
    /// EIP-1559, its access list empty.
    case dynamicFee = 2
}

/// The signed fields of a transaction, decoded and in range, but not yet understood: the operation
/// is in `to` and `data`, the sender in the signature.
public struct Envelope: Hashable, Sendable {
    public let type: EnvelopeType
    public let chainID: ChainID
    public let nonce: Nonce
    /// Most weight the sender pays for (`gas`).
    public let weightLimit: Weight
    /// Most the sender pays for a unit of weight; the gas price of types 0 and 1.
    public let maxFee: Amount
    /// Most of it that goes to the builder; the gas price of types 0 and 1.
    public let maxPriorityFee: Amount
    public let to: Address
    public let value: Amount
    public let data: [UInt8]

    /// - Parameter maxPriorityFee: ignored by types 0 and 1, which carry one price for both.
    public init(
        type: EnvelopeType = .dynamicFee, chainID: ChainID, nonce: Nonce, weightLimit: Weight,
        maxFee: Amount, maxPriorityFee: Amount, to: Address, value: Amount, data: [UInt8] = []
    ) {
        self.type = type
        self.chainID = chainID
        self.nonce = nonce
        self.weightLimit = weightLimit
        self.maxFee = maxFee
        self.maxPriorityFee = type == .dynamicFee ? maxPriorityFee : maxFee
        self.to = to
        self.value = value
        self.data = data
    }

    /// What the sender pays for a unit of weight at `baseFee`; `nil` when it is above the cap.
    public func price(atBaseFee baseFee: Amount) -> Amount? {
        guard baseFee <= maxFee else { return nil }
        guard let sum = baseFee.adding(maxPriorityFee) else { return maxFee }
        return min(maxFee, sum)
    }

    /// The most the transaction can cost: value and the whole weight limit at the fee cap.
    public var maximumCost: Amount? {
        maxFee.multiplied(by: weightLimit)?.adding(value)
    }

    /// Keccak-256 of what the sender signs (EIP-155, EIP-2930, EIP-1559).
    public var signingHash: Hash32 { Keccak256.hash(encoded(signature: nil)) }

    /// The raw transaction with its signature.
    public func raw(signature: RecoverableSignature) -> [UInt8] { encoded(signature: signature) }

    /// Signs with `key` and returns the raw transaction.
    public func signed(by key: PrivateKey) -> [UInt8] {
        raw(signature: key.sign(digest: signingHash))
    }

    private func encoded(signature: RecoverableSignature?) -> [UInt8] {
        var encoder = RLPEncoder(capacity: 160 + data.count)
        if type != .legacy { encoder.append(encoded: CollectionOfOne(type.rawValue)) }
        encoder.list { out in
            if type != .legacy { out.append(chainID) }
            out.append(nonce)
            if type == .dynamicFee { out.append(maxPriorityFee) }
            out.append(maxFee)
            out.append(weightLimit)
            out.append(to)
            out.append(value)
            out.append(data)
            if type != .legacy { out.list { _ in } }
            appendSignature(signature, to: &out)
        }
        return encoder.bytes
    }

    private func appendSignature(_ signature: RecoverableSignature?, to out: inout RLPEncoder) {
        guard let signature else {
            // EIP-155: the chain id and two zeros stand where the signature will.
            if type == .legacy {
                out.append(chainID)
                out.append(UInt8(0))
                out.append(UInt8(0))
            }
            return
        }
        if type == .legacy {
            out.append(UInt128(chainID) * 2 + 35 + UInt128(signature.yParity))
        } else {
            out.append(signature.yParity)
        }
        out.appendScalar(signature.r)
        out.appendScalar(signature.s)
    }
}

extension RLPEncoder {
    /// A 256-bit integer: leading zero bytes are not written.
    fileprivate mutating func appendScalar(_ scalar: Hash32) {
        append(scalar.bytes.drop { $0 == 0 })
    }
}
