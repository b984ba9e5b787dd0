package import TallyCrypto
package import TallyPrimitives
package import TallyTransactions

/// Makes well-formed transactions of any sender without its key.
///
/// The signature is in range and low-s, but nobody's: signing costs more than all the rest of a
/// simulated height. Only code that never recovers a sender may be given these.
package struct WorkloadTransactions: Sendable {
    package var chainID: ChainID
    package var maxFee: Amount
    package var tip: Amount

    package init(chainID: ChainID, maxFee: Amount, tip: Amount = .zero) {
        self.chainID = chainID
        self.maxFee = maxFee
        self.tip = tip
    }

    /// - Throws: what decoding the transaction says is wrong with it; `.amountTooLarge` when the
    ///   legs of a batch exceed 2^128 − 1 together.
    package func transaction(
        _ operation: TransferOperation, from sender: Address, nonce: Nonce
    ) throws(TransactionError) -> Transaction {
        try transaction(of: .transfer(operation), from: sender, nonce: nonce)
    }

    /// The same of any family.
    package func transaction(
        of operation: TallyTransactions.Operation, from sender: Address, nonce: Nonce
    ) throws(TransactionError) -> Transaction {
        let envelope = try envelope(of: operation, nonce: nonce)
        let raw = envelope.raw(signature: Self.signature(of: sender))
        return try Transaction(raw: raw, verifiedSender: sender)
    }

    /// The signature under every transaction of a sender: its name is in r, so that equal operations
    /// of two senders have two names.
    package static func signature(of sender: Address) -> RecoverableSignature {
        RecoverableSignature(r: scalar(1, sender), s: scalar(0, sender), yParity: 0)
    }

    /// The same, really signed, and its sender recovered.
    package func signed(
        _ operation: TransferOperation, by key: PrivateKey, nonce: Nonce
    ) throws(TransactionError) -> Transaction {
        try Transaction(raw: envelope(operation, nonce: nonce).signed(by: key), chainID: chainID)
    }

    /// What is signed: the weight limit is exactly what the operation needs.
    package func envelope(
        _ operation: TransferOperation, nonce: Nonce
    ) throws(TransactionError) -> Envelope { try envelope(of: .transfer(operation), nonce: nonce) }

    private func envelope(
        of operation: TallyTransactions.Operation, nonce: Nonce
    ) throws(TransactionError) -> Envelope {
        guard let target = operation.target else { throw .amountTooLarge(field: "legs") }
        let data = operation.callData
        return Envelope(
            chainID: chainID, nonce: nonce, weightLimit: operation.weight + Weights.callData(data),
            maxFee: maxFee, maxPriorityFee: tip, to: target.to, value: target.value, data: data)
    }

    /// Far below half the order of the curve, and never zero.
    private static func scalar(_ mark: UInt8, _ address: Address) -> Hash32 {
        let bytes = [UInt8](repeating: 0, count: 10) + [1, mark] + address.bytes
        return bytes.withUnsafeBytes { Hash32(loading: $0) }
    }
}
