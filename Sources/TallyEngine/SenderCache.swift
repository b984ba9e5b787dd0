import Synchronization
import TallyCrypto
package import TallyPrimitives
package import TallySharding
package import TallyTransactions

/// Senders whose signatures the intake recovered, by transaction hash: when a block of somebody else
/// holds the transaction, nothing is recovered a second time.
///
/// The hash covers every byte, signature and chain id included, so equal hashes have equal senders.
/// Holds at most two generations of `limit` entries and forgets the older one as a whole.
package final class SenderCache: Sendable {
    private struct Generations: Sendable {
        var young: [Hash32: Address] = [:]
        var old: [Hash32: Address] = [:]
    }

    private let limit: Int
    private let generations = Mutex(Generations())

    /// - Parameter limit: entries of a generation, from 1: by default what one shard's pool holds,
    ///   some 20 MB in all.
    package init(limit: Int = 131_072) {
        precondition(limit > 0)
        self.limit = limit
    }

    package func remember(_ transactions: [Transaction]) {
        generations.withLock { generations in
            for transaction in transactions {
                if generations.young.count >= limit {
                    generations.old = generations.young
                    generations.young = [:]
                }
                generations.young[transaction.hash] = transaction.sender
            }
        }
    }

    package func sender(of hash: Hash32) -> Address? {
        generations.withLock { $0.young[hash] ?? $0.old[hash] }
    }
}

/// Believes what the intake found, and recovers the rest.
package struct CachedSenders: SenderCheck {
    private let cache: SenderCache
    private let recovered: RecoveredSenders

    package init(_ cache: SenderCache, chainID: ChainID) {
        self.cache = cache
        recovered = RecoveredSenders(chainID: chainID)
    }

    package func transaction(raw: [UInt8], sender: Address) throws(SenderError) -> Transaction {
        guard let known = cache.sender(of: Keccak256.hash(raw)) else {
            return try recovered.transaction(raw: raw, sender: sender)
        }
        guard known == sender else { throw .otherSigner(claimed: sender) }
        do throws(TransactionError) {
            return try Transaction(raw: raw, verifiedSender: sender)
        } catch { throw .malformed(error) }
    }
}
