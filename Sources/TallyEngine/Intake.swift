import Synchronization
package import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// Why a raw transaction was not taken.
package enum SubmitRejection: Error, Equatable, Sendable {
    case malformed(TransactionError)
    case pool(PoolRejection)
    /// So many are being verified that this one must come back.
    case busy
    /// There is no space to write what is accepted: to be sent again when there is (STORE-17).
    case diskFull
    /// The sender's shard cannot read its state.
    case unavailable(ExecutionError)
}

/// From raw bytes to the mempools: decodes and recovers signatures on all cores, then hands each
/// shard its batch.
package final class Intake: Sendable {
    private let chainID: ChainID
    private let layout: ShardLayout
    private let shards: [Shard]
    private let limit: Int
    private let inFlight = Atomic<Int>(0)
    private let space: WriteSpace
    private let signal: @Sendable () -> Void

    /// Transactions one task verifies: about a millisecond, much more than a task costs.
    private static let chunk = 16

    /// - Parameter signal: called after transactions were admitted; must not block.
    package init(
        parameters: NetworkParameters, shards: [Shard], limits: Limits, space: WriteSpace,
        signal: @escaping @Sendable () -> Void
    ) {
        chainID = parameters.chainID
        layout = parameters.layout
        self.shards = shards
        limit = limits.intakeInFlight
        self.space = space
        self.signal = signal
    }

    /// Whether there is space for transactions; the other reasons to refuse are theirs.
    package var takesTransactions: Bool { !space.isShort }

    /// Offers raw transactions, in order.
    /// - Returns: the hash of each that was taken, or why it was not.
    package func submit(
        _ raws: [[UInt8]]
    ) async -> [Result<Hash32, SubmitRejection>] {
        guard !raws.isEmpty else { return [] }
        guard takesTransactions else { return raws.map { _ in .failure(.diskFull) } }
        let load = inFlight.add(raws.count, ordering: .relaxed).newValue
        defer { inFlight.subtract(raws.count, ordering: .relaxed) }
        guard load <= limit else { return raws.map { _ in .failure(.busy) } }
        let verified = await verify(raws)
        var results: [Result<Hash32, SubmitRejection>] = verified.map { outcome in
            switch outcome {
            case .success(let transaction): .success(transaction.hash)
            case .failure(let error): .failure(.malformed(error))
            }
        }
        var batches: [[(index: Int, transaction: Transaction)]] = Array(
            repeating: [], count: shards.count)
        for (index, outcome) in verified.enumerated() {
            guard case .success(let transaction) = outcome else { continue }
            batches[Int(layout.home(of: transaction.sender).value)].append((index, transaction))
        }
        var admitted = false
        for (shard, batch) in zip(shards, batches) where !batch.isEmpty {
            do throws(ExecutionError) {
                let answers = try await shard.admit(batch.map(\.transaction))
                for (item, rejection) in zip(batch, answers) {
                    if let rejection {
                        results[item.index] = .failure(.pool(rejection))
                    } else {
                        admitted = true
                    }
                }
            } catch {
                for item in batch { results[item.index] = .failure(.unavailable(error)) }
            }
        }
        if admitted { signal() }
        return results
    }

    private func verify(
        _ raws: [[UInt8]]
    ) async -> [Result<Transaction, TransactionError>] {
        let chainID = chainID
        guard raws.count > Self.chunk else { return raws.map { Self.verify($0, chainID) } }
        return await withTaskGroup(
            of: (Int, [Result<Transaction, TransactionError>]).self
        ) { group in
            for start in stride(from: 0, to: raws.count, by: Self.chunk) {
                let part = raws[start..<min(start + Self.chunk, raws.count)]
                group.addTask { (start, part.map { Self.verify($0, chainID) }) }
            }
            var parts: [(Int, [Result<Transaction, TransactionError>])] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    private static func verify(
        _ raw: [UInt8], _ chainID: ChainID
    ) -> Result<Transaction, TransactionError> {
        Result { () throws(TransactionError) in try Transaction(raw: raw, chainID: chainID) }
    }
}
