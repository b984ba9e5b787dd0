import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyStore
import TallyTransactions

/// Transactions and results as the headers commit to them.
extension HeaderWalk {
    /// Recomputes both roots of a stored block from its rows and looks every hash up. A replayed
    /// block was executed, which did as much.
    mutating func auditTransactions(_ block: Block, at height: Height) throws(AuditError) {
        counts.transactions += block.transactionCount
        if let record = block.record {
            for (index, transaction) in record.transactions.enumerated() {
                checkSignature(
                    transaction.raw, transaction.sender, height, block.header.endpoint, index)
            }
            return
        }
        let id = block.header.endpoint
        let endpoint = Int(id.index)
        let before = rows[endpoint].transactions
        rows[endpoint].blocks += 1
        rows[endpoint].transactions += UInt64(block.transactionCount)
        let found = try transactions(block, at: height)
        guard found.count == block.transactionCount else { return }
        var hashes: [Hash32] = []
        hashes.reserveCapacity(found.count)
        for (index, transaction) in found.enumerated() {
            let hash = Keccak256.hash(transaction.raw)
            hashes.append(hash)
            try checkIndex(hash, number: before + UInt64(index), height, id, index)
            checkSignature(transaction.raw, transaction.sender, height, id, index)
        }
        if ShardHeader.txRoot(hashes) != block.header.txRoot {
            findings.add(.txRoot(height, id))
        }
        if ShardHeader.resultRoot(block.systemResult, found.map(\.result))
            != block.header.resultRoot
        {
            findings.add(.resultRoot(height, id))
        }
    }

    /// The rows of a block's transactions; fewer than it has when some are missing or damaged.
    private mutating func transactions(
        _ block: Block, at height: Height
    ) throws(AuditError) -> [StoredTransaction] {
        let id = block.header.endpoint
        let view = source.views[Int(id.index)]
        var found: [StoredTransaction] = []
        var faults: [AuditFinding] = []
        var next = 0
        try view.forEachRow(
            in: view.databases.transactions, from: RowKey.position(height, 0).bytes,
            below: RowKey.position(height, UInt32(clamping: block.transactionCount)).bytes,
            AuditError.store
        ) { (row) throws(AuditError) in
            guard let (_, index) = RowKey.decodePosition(row.key) else { return }
            while next < index {
                faults.append(.transactionMissing(height, id, index: next))
                next += 1
            }
            next = index + 1
            do throws(RLPError) {
                found.append(try StoredTransaction(encoded: row.value))
            } catch { faults.append(.transactionCorrupt(height, id, index: index)) }
        }
        if next < block.transactionCount {
            // One finding stands for the rest.
            faults.append(.transactionMissing(height, id, index: next))
        }
        for fault in faults { findings.add(fault) }
        return found
    }

    /// - Parameter number: of the transaction among all of its endpoint, which tells its era.
    private mutating func checkIndex(
        _ hash: Hash32, number: UInt64, _ height: Height, _ id: EndpointID, _ index: Int
    ) throws(AuditError) {
        let view = source.views[Int(id.index)]
        let era = UInt32(truncatingIfNeeded: number / view.eraTransactions)
        let stored: [UInt8]?
        do throws(StoreError) {
            stored = try view.snapshot.get(RowKey.hash(era, hash), in: view.databases.hashes)
        } catch { throw .store(error) }
        if stored != RowKey.position(height, UInt32(index)).bytes {
            findings.add(.hashIndex(height, id, index: index))
        }
    }

    private mutating func checkSignature(
        _ raw: [UInt8], _ sender: Address, _ height: Height, _ id: EndpointID, _ index: Int
    ) {
        guard isDeep else { return }
        counts.signatures += 1
        do throws(TransactionError) {
            let chainID = source.genesis.parameters.chainID
            if try Transaction(raw: raw, chainID: chainID).sender == sender { return }
        } catch {}
        findings.add(.signature(height, id, index: index))
    }
}
