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
    private let forward: @Sendable ([[UInt8]]) -> Void
    private let known: KnownTransactions?

    /// Transactions one task verifies: about a millisecond, much more than a task costs.
    private static let chunk = 16

    /// - Parameters:
    ///   - signal: called after transactions were admitted; must not block.
    ///   - forward: called with those of our own clients; must not block.
    package init(
        parameters: NetworkParameters, shards: [Shard], limits: Limits, space: WriteSpace,
        signal: @escaping @Sendable () -> Void,
        forward: @escaping @Sendable ([[UInt8]]) -> Void, known: KnownTransactions?
    ) {
        chainID = parameters.chainID
        layout = parameters.layout
        self.shards = shards
        limit = limits.intakeInFlight
        self.space = space
        self.signal = signal
        self.forward = forward
        self.known = known
    }

    /// Whether there is space for transactions; the other reasons to refuse are theirs.
    package var takesTransactions: Bool { !space.isShort }

    /// Offers raw transactions, in order.
    /// - Parameter isForwarded: whether another node sent them, who sends them to all itself.
    /// - Returns: the hash of each that was taken, or why it was not.
    package func submit(
        _ raws: [[UInt8]], isForwarded: Bool = false
    ) async -> [Result<Hash32, SubmitRejection>] {
        guard !raws.isEmpty else { return [] }
        guard takesTransactions else { return raws.map { _ in .failure(.diskFull) } }
        let load = inFlight.add(raws.count, ordering: .relaxed).newValue
        defer { inFlight.subtract(raws.count, ordering: .relaxed) }
        guard load <= limit else { return raws.map { _ in .failure(.busy) } }
        let verified = await verify(raws)
        known?.remember(verified.compactMap { try? $0.get() })
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
        // All shards at once: one that is building answers late, and the others' answers do not wait.
        let offers = batches.map { $0.map(\.transaction) }
        let answers = await withTaskGroup(
            of: (Int, Result<[PoolRejection?], ExecutionError>).self
        ) { group in
            for (index, offer) in offers.enumerated() where !offer.isEmpty {
                let shard = shards[index]
                group.addTask {
                    do throws(ExecutionError) {
                        return (index, .success(try await shard.admit(offer)))
                    } catch { return (index, .failure(error)) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var admitted = false
        for (shard, answer) in answers {
            switch answer {
            case .success(let rejections):
                for (item, rejection) in zip(batches[shard], rejections) {
                    if let rejection {
                        results[item.index] = .failure(.pool(rejection))
                    } else {
                        admitted = true
                    }
                }
            case .failure(let error):
                for item in batches[shard] { results[item.index] = .failure(.unavailable(error)) }
            }
        }
        guard admitted else { return results }
        signal()
        if !isForwarded {
            forward(zip(raws, results).compactMap { (try? $1.get()) == nil ? nil : $0 })
        }
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
