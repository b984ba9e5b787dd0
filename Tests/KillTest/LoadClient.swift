import TallyClient
import TallyCrypto
import TallyPrimitives
import TallyTransactions

/// Somebody who sends transfers of some accounts and waits for their receipts, until the node dies.
struct LoadClient: Sendable {
    /// An account of the node's, by its number among all.
    struct Sender: Sendable {
        let number: Int
        let address: Address
        let key: PrivateKey
    }

    let rpc: String
    let chainID: ChainID
    let senders: [Sender]
    let receivers: [Address]
    let book: AcknowledgedBook

    private static let batch = 20
    /// Sent and not known to be final, at most.
    private static let pendingLimit = 160

    func run() async {
        do {
            try await runUntilClosed()
        } catch let error as RPCClientError {
            switch error {
            case .connectionClosed, .connectionRefused, .connectionFailed: return
            default: await book.surprise("a client got: \(error)")
            }
        } catch { await book.surprise("a client got: \(error)") }
    }

    private func runUntilClosed() async throws {
        let client = try RPCClient(rpc, timeout: .seconds(20))
        defer { client.close() }
        var nonces = try await readNonces(client, block: "latest")
        var pending: [String] = []
        while true {
            for (index, sender) in senders.enumerated() where pending.count < Self.pendingLimit {
                let taken = try await send(sender, from: nonces[index], client)
                pending += taken.hashes
                nonces[index] += UInt64(taken.hashes.count)
                if taken.wasRefused {
                    nonces[index] = try await readNonces(client, block: "pending")[index]
                }
            }
            let asked = Array(pending.prefix(80))
            let receipts = try await Self.receipts(client, asked)
            await book.acknowledge(receipts)
            let done = Set(receipts.map(\.hash))
            pending.removeAll { done.contains($0) }
        }
    }

    private func readNonces(_ client: RPCClient, block: String) async throws -> [Nonce] {
        try await client.batch(
            senders.map {
                RPCRequest(
                    "eth_getTransactionCount", [.string($0.address.description), .string(block)])
            }
        ).map { result in
            guard let text = try result.get().stringValue, let nonce = Nonce(quantity: text) else {
                throw KillTestError("no nonce")
            }
            return nonce
        }
    }

    /// Sends a batch of one account, and says which were taken.
    private func send(
        _ sender: Sender, from nonce: Nonce, _ client: RPCClient
    ) async throws -> (hashes: [String], wasRefused: Bool) {
        let raws = (0..<UInt64(Self.batch)).map { raw(sender, nonce + $0) }
        let hashes = raws.map { Keccak256.hash($0).description }
        await book.sending(hashes)
        let answers = try await client.batch(
            raws.map { RPCRequest("eth_sendRawTransaction", [.string(Hex.encode($0))]) })
        let taken = answers.prefix { if case .success = $0 { true } else { false } }.count
        for (hash, answer) in zip(hashes, answers) {
            if case .success(let answered) = answer, answered.stringValue != hash {
                await book.surprise("\(hash) was called \(answered)")
            }
        }
        await book.refused(Array(hashes.dropFirst(taken)))
        return (Array(hashes.prefix(taken)), taken < hashes.count)
    }

    /// The same transaction for the same account and nonce, whenever it is asked for.
    private func raw(_ sender: Sender, _ nonce: Nonce) -> [UInt8] {
        let receiver = receivers[(sender.number + 1 + Int(nonce % 7)) % receivers.count]
        return Envelope(
            chainID: chainID, nonce: nonce, weightLimit: 21_000, maxFee: Amount(1_000_000_000_000),
            maxPriorityFee: Amount(1), to: receiver, value: Amount(UInt128(1 + nonce % 1_000))
        ).signed(by: sender.key)
    }

    /// Those of the transactions that have receipts.
    static func receipts(
        _ client: RPCClient, _ hashes: [String]
    ) async throws -> [(hash: String, position: Position)] {
        let answers = try await client.batch(
            hashes.map { RPCRequest("eth_getTransactionReceipt", [.string($0)]) })
        var receipts: [(hash: String, position: Position)] = []
        for (hash, answer) in zip(hashes, answers) {
            let json = try answer.get()
            guard !json.isNull else { continue }
            guard let block = json["blockHash"]?.stringValue,
                let number = json["blockNumber"]?.stringValue,
                let index = json["transactionIndex"]?.stringValue,
                let status = json["status"]?.stringValue
            else { throw KillTestError("a receipt without a position: \(json)") }
            receipts.append(
                (hash, Position(block: block, number: number, index: index, status: status)))
        }
        return receipts
    }
}

extension UInt64 {
    /// From `0x…` without leading zeros.
    init?(quantity: String) {
        guard quantity.hasPrefix("0x") else { return nil }
        self.init(quantity.dropFirst(2), radix: 16)
    }
}
