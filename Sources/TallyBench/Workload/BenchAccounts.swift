package import TallyClient
package import TallyCrypto
package import TallyPrimitives
import TallyTransactions

/// The accounts that a run sends from and to: their keys follow from the seed.
package struct BenchAccounts: Sendable {
    package struct Account: Sendable {
        package let key: PrivateKey
        package let address: Address
        /// Of the next transaction.
        package var nonce: Nonce = 0
    }

    package private(set) var accounts: [Account]
    package let homes: [ShardID]
    package let fees: BenchFees

    package var addresses: [Address] { accounts.map(\.address) }

    /// What each transfer moves, in base units.
    package static let value = Amount(1_000)

    /// - Parameter salt: keeps runs on a ledger that stays from using the accounts of others.
    package init(_ shape: LoadShape, salt: UInt64, layout: ShardLayout, fees: BenchFees) async {
        let made = await inParallel(Array(0..<shape.accounts)) { number -> Account in
            var random = SeededGenerator(seed: shape.seed ^ salt ^ (UInt64(number) << 24))
            while true {
                let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
                // One draw in 2^128 is out of range.
                guard let key = try? PrivateKey(bytes) else { continue }
                return Account(key: key, address: key.address)
            }
        }
        accounts = made
        homes = made.map { layout.home(of: $0.address) }
        self.fees = fees
    }

    /// Most that one transaction of a shape can cost, in base units.
    package func dearest(_ shape: LoadShape) -> Amount? {
        let legs = shape.batchRatio > 0 ? shape.batchLegs : 1
        let envelope = envelope(
            nonce: 0, Array(repeating: accounts[0].address, count: legs))
        return envelope.maximumCost
    }

    /// Draws and signs the next transactions; the accounts' nonces go on.
    package mutating func sign(
        _ plan: inout LoadPlan, count: Int
    ) async -> [SignedTransaction] {
        var drafts: [(Envelope, PrivateKey, PlannedTransaction, Bool)] = []
        drafts.reserveCapacity(count)
        for _ in 0..<count {
            let planned = plan.next()
            let sender = Int(planned.sender)
            let recipients = planned.recipients.map { accounts[Int($0)].address }
            drafts.append(
                (
                    envelope(nonce: accounts[sender].nonce, recipients), accounts[sender].key,
                    planned, plan.isCross(planned)
                ))
            accounts[sender].nonce += 1
        }
        return await inParallel(drafts) { envelope, key, planned, isCross in
            let raw = envelope.signed(by: key)
            return SignedTransaction(
                raw: raw, hash: Keccak256.hash(raw), sender: planned.sender, isCross: isCross,
                legs: Int32(planned.recipients.count))
        }
    }

    private func envelope(nonce: Nonce, _ recipients: [Address]) -> Envelope {
        let operation: TransferOperation =
            recipients.count == 1
            ? .single(to: recipients[0], value: Self.value)
            : .batch(recipients.map { TransferLeg(to: $0, value: Self.value) })
        guard let target = operation.target else { preconditionFailure("small values overflow") }
        let data = operation.callData
        return Envelope(
            chainID: fees.chainID, nonce: nonce,
            weightLimit: operation.weight + Weights.callData(data), maxFee: fees.maxFee,
            maxPriorityFee: fees.tip, to: target.to, value: target.value, data: data)
    }

    /// Asks which nonces come next: after a repetition that lost some, they are not what was planned.
    /// - Throws: `.unreachable`, `.unexpectedAnswer`.
    package mutating func refreshNonces(_ client: RPCClient) async throws(LoadError) {
        let nonces: [UInt64] = try await Ledger.quantities(
            client, "eth_getTransactionCount", addresses)
        for (index, nonce) in nonces.enumerated() { accounts[index].nonce = nonce }
    }
}

/// What every transaction of a run offers.
package struct BenchFees: Hashable, Sendable {
    package let chainID: ChainID
    package let maxFee: Amount
    package let tip: Amount

    package init(chainID: ChainID, maxFee: Amount, tip: Amount) {
        self.chainID = chainID
        self.maxFee = maxFee
        self.tip = tip
    }
}

/// `transform` of every element, in order, computed on all cores.
package func inParallel<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ transform: @escaping @Sendable (Element) -> Result
) async -> [Result] {
    let part = max(1, (elements.count + 31) / 32)
    return await withTaskGroup(of: (Int, [Result]).self) { group in
        for start in stride(from: 0, to: elements.count, by: part) {
            let slice = elements[start..<min(start + part, elements.count)]
            group.addTask { (start, slice.map(transform)) }
        }
        var parts: [(Int, [Result])] = []
        for await done in group { parts.append(done) }
        return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }
}
