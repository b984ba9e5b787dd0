import Synchronization
import TallyCrypto
package import TallyPrimitives
package import TallySharding
package import TallyTransactions

/// Transactions whose signatures the intake recovered, by their hashes: of those in a block of somebody
/// else nothing is recovered a second time, and such a block need not bring those along that are
/// still here (NET-28).
///
/// The hash covers every byte, signature and chain id included, so equal hashes have equal senders.
/// Remembers at most two generations of `limit` senders, each of a minute, and forgets the older one as a
/// whole; keeps no transaction from ending, which is here as long as a pool or a block holds it.
package final class KnownTransactions: Sendable {
    private struct Entry: Sendable {
        let sender: Address
        let since: Duration
        weak let transaction: Transaction?
    }

    private struct Generations: Sendable {
        var young: [Hash32: Entry] = [:]
        var old: [Hash32: Entry] = [:]
        /// When the young one began.
        var begun: Duration?

        subscript(hash: Hash32) -> Entry? { young[hash] ?? old[hash] }
    }

    private let limit: Int
    /// What has waited for two of them is seldom asked for again, and then recovered again.
    private static let lifetime = Duration.seconds(60)
    private let clock: any NodeClock
    private let generations = Mutex(Generations())

    /// - Parameter limit: entries of a generation, from 1: by default what one shard's pool holds,
    ///   some 40 MB in all.
    package init(limit: Int = 131_072, clock: any NodeClock = SystemClock()) {
        precondition(limit > 0)
        self.limit = limit
        self.clock = clock
    }

    package func remember(_ transactions: [Transaction]) {
        let now = clock.uptime()
        generations.withLock { generations in
            for transaction in transactions {
                let age = now - (generations.begun ?? now)
                if generations.young.count >= limit || age >= Self.lifetime {
                    generations.old = generations.young
                    generations.young = [:]
                    generations.begun = nil
                }
                generations.begun = generations.begun ?? now
                guard generations[transaction.hash]?.transaction == nil else { continue }
                generations.young[transaction.hash] = Entry(
                    sender: transaction.sender, since: now, transaction: transaction)
            }
        }
    }

    package func sender(of hash: Hash32) -> Address? {
        generations.withLock { $0[hash]?.sender }
    }

    /// Those that are still here, in the order of `hashes`.
    package func transactions(_ hashes: [Hash32]) -> [Transaction?] {
        generations.withLock { generations in hashes.map { generations[$0]?.transaction } }
    }

    /// Which of them have been known for some time, in the order of `hashes`.
    package func areKnown(_ hashes: [Hash32], for time: Duration) -> [Bool] {
        let now = clock.uptime()
        return generations.withLock { generations in
            hashes.map { hash in generations[hash].map { now - $0.since >= time } ?? false }
        }
    }

    fileprivate func known(_ hash: Hash32) -> (sender: Address, transaction: Transaction?)? {
        generations.withLock { $0[hash].map { ($0.sender, $0.transaction) } }
    }
}

/// Believes what the intake found, and recovers the rest.
package struct CachedSenders: SenderCheck {
    private let known: KnownTransactions
    private let recovered: RecoveredSenders

    package init(_ known: KnownTransactions, chainID: ChainID) {
        self.known = known
        recovered = RecoveredSenders(chainID: chainID)
    }

    package func transaction(raw: [UInt8], sender: Address) throws(SenderError) -> Transaction {
        guard let known = known.known(Keccak256.hash(raw)) else {
            return try recovered.transaction(raw: raw, sender: sender)
        }
        guard known.sender == sender else { throw .otherSigner(claimed: sender) }
        if let transaction = known.transaction { return transaction }
        do throws(TransactionError) {
            return try Transaction(raw: raw, verifiedSender: sender)
        } catch { throw .malformed(error) }
    }
}
