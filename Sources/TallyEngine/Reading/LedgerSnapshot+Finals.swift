package import TallyConsensus
package import TallyPrimitives
import TallySharding
import TallyTransactions

extension LedgerSnapshot {
    /// A decided block with its seals, as whoever is behind needs it (IBFT-R14); the body is put
    /// together from what is stored. `nil` at height 0 and above this snapshot.
    /// - Throws: `ReadError` for a damaged store.
    /// - Complexity: O(transactions of the block).
    package func final(_ height: Height) throws(ReadError) -> Final? {
        guard let row = try beaconBlock(height), let certificate = row.certificate else {
            return nil
        }
        var anchors: [ShardBlock] = []
        for anchor in row.anchors {
            guard let block = try shardBlock(anchor.endpoint, height) else {
                throw .corruptRow(database: "blocks")
            }
            var transactions: [Transaction] = []
            transactions.reserveCapacity(anchor.transactionCount)
            for index in 0..<anchor.transactionCount {
                guard let stored = try transaction(anchor.endpoint, height, index) else {
                    throw .corruptRow(database: "transactions")
                }
                do throws(TransactionError) {
                    transactions.append(
                        try Transaction(raw: stored.raw, verifiedSender: stored.sender))
                } catch { throw .corruptRow(database: "transactions") }
            }
            anchors.append(ShardBlock(header: block.header, transactions: transactions))
        }
        let block = BeaconBlock(header: row.header, anchors: anchors)
        return Final(certificate: certificate, block: block.proposed)
    }
}
