import TallyCrypto
public import TallyPrimitives

/// A transaction that is well formed, understood and whose sender is known: the unit that intake,
/// mempool and blocks pass around. Immutable; a copy is a reference.
public final class Transaction: Sendable {
    public let envelope: Envelope
    public let operation: Operation
    public let sender: Address
    /// Keccak-256 of `raw`: the transaction's name everywhere.
    public let hash: Hash32
    public let raw: [UInt8]
    /// What executing it costs, known before it runs (`FEE-1`).
    public let weight: Weight

    /// Decodes, understands and verifies one raw transaction.
    /// - Parameter chainID: the only chain id to accept; `nil` accepts any.
    /// - Throws: the first reason met.
    public convenience init(raw: [UInt8], chainID: ChainID?) throws(TransactionError) {
        let (envelope, signature) = try Envelope.decode(raw)
        if let chainID, envelope.chainID != chainID {
            throw .wrongChainID(expected: chainID, actual: envelope.chainID)
        }
        let operation = try Operation(envelope)
        // Before the signature: what costs nothing to refuse is refused first.
        let weight = try Self.checkedWeight(envelope, operation)
        let sender: Address
        do throws(SignatureError) {
            sender = try signature.recover(digest: envelope.signingHash).address
        } catch { throw TransactionError(error) }
        self.init(envelope, operation, weight: weight, sender: sender, raw: raw)
    }

    /// Decodes a raw transaction whose signature was checked before: one read from our own log.
    package convenience init(raw: [UInt8], verifiedSender: Address) throws(TransactionError) {
        let (envelope, _) = try Envelope.decode(raw)
        let operation = try Operation(envelope)
        let weight = try Self.checkedWeight(envelope, operation)
        self.init(envelope, operation, weight: weight, sender: verifiedSender, raw: raw)
    }

    private init(
        _ envelope: Envelope, _ operation: Operation, weight: Weight, sender: Address,
        raw: [UInt8]
    ) {
        self.envelope = envelope
        self.operation = operation
        self.sender = sender
        self.raw = raw
        self.weight = weight
        hash = Keccak256.hash(raw)
    }

    /// The weight, if the limit and the fees allow it (TX-2).
    private static func checkedWeight(
        _ envelope: Envelope, _ operation: Operation
    ) throws(TransactionError) -> Weight {
        let weight = operation.weight + Weights.callData(envelope.data)
        guard envelope.weightLimit >= weight else {
            throw .weightLimitTooLow(required: weight, actual: envelope.weightLimit)
        }
        guard envelope.maxPriorityFee <= envelope.maxFee else { throw .tipAboveFeeCap }
        guard envelope.maximumCost != nil else { throw .costTooLarge }
        return weight
    }
}
