package import TallyClient
package import TallyCrypto
package import TallyPrimitives
import TallyTransactions

/// Gives the accounts of a run what they need, before anything is measured: a few batches of up to
/// 256 payments each.
package struct Funding: Sendable {
    private struct Payer {
        let key: PrivateKey
        var nonce: Nonce
        var balance: Amount
    }

    private var payers: [Payer] = []
    private let client: RPCClient
    private let fees: BenchFees

    /// - Parameter keys: of accounts that have something.
    /// - Throws: `.unreachable`, `.unexpectedAnswer`, `.funding` when there is no key.
    package init(
        _ client: RPCClient, keys: [PrivateKey], fees: BenchFees
    ) async throws(LoadError) {
        guard !keys.isEmpty else { throw .funding("there is no key of a funded account") }
        self.client = client
        self.fees = fees
        for key in keys {
            let address = JSON.string(key.address.description)
            let nonce: Nonce = try await Ledger.quantity(
                client, "eth_getTransactionCount", [address, "pending"])
            let balance: UInt128 = try await Ledger.quantity(
                client, "eth_getBalance", [address, "latest"])
            payers.append(Payer(key: key, nonce: nonce, balance: Amount(balance)))
        }
    }

    /// Pays every address, and waits until all payments have arrived.
    /// - Throws: `.funding` when the payers have not enough, or a payment did not arrive.
    package mutating func pay(_ addresses: [Address], each: Amount) async throws(LoadError) {
        var hashes: [String] = []
        let size = TransferOperation.maximumLegs
        for start in stride(from: 0, to: addresses.count, by: size) {
            let part = addresses[start..<min(start + size, addresses.count)]
            let operation = TransferOperation.batch(part.map { TransferLeg(to: $0, value: each) })
            let raw = try next(operation)
            let answer = try await Ledger.call(
                client, "eth_sendRawTransaction", [.string(Hex.encode(raw))])
            guard let hash = answer.stringValue else {
                throw .unexpectedAnswer("eth_sendRawTransaction")
            }
            hashes.append(hash)
        }
        for hash in hashes {
            let status = try await Ledger.call(
                client, "shard_getTransactionStatus",
                [.string(hash), "settled", .string(Hex.quantity(UInt64(50_000)))])
            guard status["status"]?.quantity(UInt8.self) == 1, status["settled"] == true else {
                throw .funding("payment \(hash) did not arrive: \(status)")
            }
        }
    }

    /// Signs a batch by the payer who has most.
    private mutating func next(_ operation: TransferOperation) throws(LoadError) -> [UInt8] {
        guard let target = operation.target,
            let place = payers.indices.max(by: { payers[$0].balance < payers[$1].balance })
        else { throw .funding("the amounts add up to more than there can be") }
        let data = operation.callData
        let envelope = Envelope(
            chainID: fees.chainID, nonce: payers[place].nonce,
            weightLimit: operation.weight + Weights.callData(data), maxFee: fees.maxFee,
            maxPriorityFee: fees.tip, to: target.to, value: target.value, data: data)
        guard let cost = envelope.maximumCost,
            let rest = payers[place].balance.subtracting(cost)
        else {
            throw .funding(
                "\(payers[place].key.address) has \(payers[place].balance) of \(target.value) base "
                    + "units and fees; use fewer accounts or a shorter run")
        }
        payers[place].balance = rest
        payers[place].nonce += 1
        return envelope.signed(by: payers[place].key)
    }
}
