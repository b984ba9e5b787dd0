import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Writes blocks, transactions, receipts and logs as Ethereum's clients read them, straight into
/// the response.
extension ChainView {
    // MARK: Blocks

    /// - Parameter full: transactions as objects instead of hashes.
    func write(
        _ block: ViewBlock, full: Bool, to out: inout JSONWriter
    ) throws(ReadError) {
        out.beginObject()
        try writeHeader(block, to: &out)
        out.member("size") { $0.quantity(UInt64(block.row.encoded.count)) }
        out.key("uncles")
        out.array { _ in }
        out.key("transactions")
        out.beginArray()
        try block.forEachEntry { entry throws(ReadError) in
            guard !out.isFull else { return }
            if full { try write(entry, to: &out) } else { out.hex(entry.hash) }
        }
        out.endArray()
        out.endObject()
    }

    /// The fields that a head's announcement has too. `anchorsRoot` commits to every header below
    /// it, and so stands for the three roots of Ethereum.
    func writeHeader(_ block: ViewBlock, to out: inout JSONWriter) throws(ReadError) {
        let header = block.header
        let bloom = try bloom(block)
        let baseFee = try baseFee(block.row)
        out.member("number") { $0.quantity(header.height) }
        out.member("hash") { $0.hex(block.hash) }
        out.member("parentHash") { $0.hex(header.parent) }
        out.member("timestamp") { $0.quantity(header.time.seconds) }
        out.member("timestampMs") { $0.quantity(header.time.milliseconds) }
        out.member("miner") { $0.hex(header.proposer) }
        out.member("extraData") { $0.hex([]) }
        out.member("nonce") { $0.hex([UInt8](repeating: 0, count: 8)) }
        out.member("mixHash") { $0.hex(Hash32.zero) }
        out.member("sha3Uncles") { $0.hex(Self.emptyListHash) }
        out.member("transactionsRoot") { $0.hex(header.anchorsRoot) }
        out.member("receiptsRoot") { $0.hex(header.anchorsRoot) }
        out.member("stateRoot") { $0.hex(header.anchorsRoot) }
        out.member("logsBloom") { $0.hex(bloom.bytes) }
        out.member("difficulty") { $0.quantity(UInt64(0)) }
        out.member("totalDifficulty") { $0.quantity(UInt64(0)) }
        out.member("gasLimit") { $0.quantity(gasLimit) }
        out.member("gasUsed") { $0.quantity(block.gasUsed) }
        out.member("baseFeePerGas") { $0.quantity(baseFee) }
    }

    /// Keccak-256 of the RLP of no uncles.
    private static let emptyListHash = Keccak256.hash([0xc0])

    // MARK: Transactions

    func write(_ entry: ViewEntry, to out: inout JSONWriter) throws(ReadError) {
        out.beginObject()
        out.member("blockHash") { $0.hex(entry.block.hash) }
        out.member("blockNumber") { $0.quantity(entry.block.header.height) }
        out.member("transactionIndex") { $0.quantity(UInt64(entry.index)) }
        out.member("shard") { $0.quantity(entry.endpoint.index) }
        switch entry.content {
        case .system(let transaction, let result):
            write(transaction, weight: result.weight, to: &out)
        case .signed(let stored):
            let (envelope, signature) = try stored.decoded()
            out.write(
                envelope, signature, sender: stored.sender, hash: entry.hash,
                price: stored.result.price)
        }
        out.endObject()
    }

    /// VIEW-4: nobody signed it and nobody pays for it. A legacy transaction with a signature of zeros
    /// is what clients that know every type accept.
    private func write(
        _ transaction: SystemTransaction, weight: Weight, to out: inout JSONWriter
    ) {
        out.member("hash") { $0.hex(transaction.hash) }
        out.member("type") { $0.quantity(SystemTransaction.type) }
        out.member("chainId") { $0.quantity(transaction.chainID) }
        out.member("nonce") { $0.quantity(transaction.height) }
        out.member("from") { $0.hex(SystemTransaction.sender) }
        out.member("to") { $0.hex(ReservedAddress.crossShard) }
        out.member("gas") { $0.quantity(weight) }
        for name: StaticString in ["value", "gasPrice", "v", "r", "s"] {
            out.member(name) { $0.quantity(UInt64(0)) }
        }
        out.member("input") { $0.hex([]) }
    }

    // MARK: Receipts

    func writeReceipt(_ entry: ViewEntry, to out: inout JSONWriter) throws(ReadError) {
        try writeReceipt(entry, offsets(entry.block), to: &out)
    }

    /// - Parameter offsets: of the entry's block.
    func writeReceipt(
        _ entry: ViewEntry, _ offsets: BlockOffsets, to out: inout JSONWriter
    ) throws(ReadError) {
        let result = entry.result
        let logs = entry.block.logs(of: entry.endpoint).logs(of: result.events)
        var bloom = LogsBloom()
        bloom.insert(logs)
        out.beginObject()
        out.member("transactionHash") { $0.hex(entry.hash) }
        out.member("transactionIndex") { $0.quantity(UInt64(entry.index)) }
        out.member("blockHash") { $0.hex(entry.block.hash) }
        out.member("blockNumber") { $0.quantity(entry.block.header.height) }
        out.member("shard") { $0.quantity(entry.endpoint.index) }
        switch entry.content {
        case .system:
            out.member("type") { $0.quantity(SystemTransaction.type) }
            out.member("from") { $0.hex(SystemTransaction.sender) }
            out.member("to") { $0.hex(ReservedAddress.crossShard) }
        case .signed(let stored):
            let (envelope, _) = try stored.decoded()
            out.member("type") { $0.quantity(envelope.type.rawValue) }
            out.member("from") { $0.hex(stored.sender) }
            out.member("to") { $0.hex(envelope.to) }
        }
        out.member("status") { $0.quantity(UInt8(result.failure == nil ? 1 : 0)) }
        if let failure = result.failure { out.member("failure") { $0.string(failure.code) } }
        out.member("gasUsed") { $0.quantity(result.weight) }
        out.member("cumulativeGasUsed") { $0.quantity(offsets.gas[entry.index]) }
        out.member("effectiveGasPrice") { $0.quantity(result.price) }
        out.member("contractAddress") { $0.null() }
        out.member("logsBloom") { $0.hex(bloom.bytes) }
        out.key("logs")
        out.beginArray()
        for (index, log) in logs.enumerated() {
            write(log, index: offsets.logs[entry.index] + index, of: entry, to: &out)
        }
        out.endArray()
        out.endObject()
    }

    func write(_ log: EventLog, index: Int, of entry: ViewEntry, to out: inout JSONWriter) {
        out.beginObject()
        out.member("address") { $0.hex(log.address) }
        out.key("topics")
        out.array { out in for topic in log.topics { out.hex(topic) } }
        out.member("data") { $0.hex(log.data) }
        out.member("blockNumber") { $0.quantity(entry.block.header.height) }
        out.member("blockHash") { $0.hex(entry.block.hash) }
        out.member("blockTimestamp") { $0.quantity(entry.block.header.time.seconds) }
        out.member("transactionHash") { $0.hex(entry.hash) }
        out.member("transactionIndex") { $0.quantity(UInt64(entry.index)) }
        out.member("logIndex") { $0.quantity(UInt64(index)) }
        out.member("removed") { $0.bool(false) }
        out.endObject()
    }
}

extension StoredTransaction {
    /// - Throws: `.corruptRow`: only what decodes was ever stored.
    func decoded() throws(ReadError) -> (Envelope, RecoverableSignature) {
        do throws(TransactionError) {
            return try Envelope.decode(raw)
        } catch { throw .corruptRow(database: "transactions") }
    }
}

extension SystemTransaction {
    static let type = EnvelopeType.legacy.rawValue
    static let sender = ReservedAddress.nativeTransfers
}

extension BeaconTime {
    /// Whole seconds, as Ethereum counts.
    var seconds: UInt64 { milliseconds / 1_000 }
}

extension JSONWriter {
    /// A member of the object that is open.
    mutating func member(_ name: StaticString, _ value: (inout JSONWriter) -> Void) {
        plainKey(name)
        value(&self)
    }

    /// The signed fields of a transaction.
    /// - Parameter price: what a unit of gas cost; the fee cap while nobody knows.
    mutating func write(
        _ envelope: Envelope, _ signature: RecoverableSignature, sender: Address, hash: Hash32,
        price: Amount
    ) {
        member("hash") { $0.hex(hash) }
        member("type") { $0.quantity(envelope.type.rawValue) }
        member("chainId") { $0.quantity(envelope.chainID) }
        member("nonce") { $0.quantity(envelope.nonce) }
        member("from") { $0.hex(sender) }
        member("to") { $0.hex(envelope.to) }
        member("value") { $0.quantity(envelope.value) }
        member("gas") { $0.quantity(envelope.weightLimit) }
        member("gasPrice") { $0.quantity(price) }
        if envelope.type == .dynamicFee {
            member("maxFeePerGas") { $0.quantity(envelope.maxFee) }
            member("maxPriorityFeePerGas") { $0.quantity(envelope.maxPriorityFee) }
        }
        member("input") { $0.hex(envelope.data) }
        switch envelope.type {
        case .legacy:
            let v = UInt128(envelope.chainID) * 2 + 35 + UInt128(signature.yParity)
            member("v") { $0.quantity(v) }
        case .accessList, .dynamicFee:
            key("accessList")
            array { _ in }
            member("v") { $0.quantity(signature.yParity) }
            member("yParity") { $0.quantity(signature.yParity) }
        }
        member("r") { $0.quantity(signature.r) }
        member("s") { $0.quantity(signature.s) }
    }

    /// A 256-bit number without leading zeros.
    mutating func quantity(_ value: Hash32) {
        let digits = value.description.dropFirst(2).drop { $0 == "0" }
        string("0x" + (digits.isEmpty ? "0" : digits))
    }
}
