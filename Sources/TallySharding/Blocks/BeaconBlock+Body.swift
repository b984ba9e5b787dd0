package import TallyConsensus
package import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// Why a stored block does not decode.
package enum BlockDecodingError: Error, Hashable, Sendable {
    case malformed(RLPError)
    case transaction(TransactionError)
    /// A transaction is not signed by the sender beside it.
    case sender(Address)
    /// The header does not commit to what follows it.
    case anchorsRoot
    /// A shard's header does not commit to its transactions.
    case transactions(EndpointID)

    init(_ error: SenderError) {
        switch error {
        case .malformed(let error): self = .transaction(error)
        case .otherSigner(let claimed): self = .sender(claimed)
        }
    }
}

extension NetworkParameters {
    /// Largest record of a log, a block's body with what stands beside it: every shard's body, with a sender and a header of its own for each of the
    /// smallest transactions.
    package var recordByteLimit: Int {
        (64 << 20) + 3 * Int(layout.shardCount) * bodyByteLimit / 2
    }
}

/// The form in which a block is proposed, sent and logged: every raw transaction with its sender, so
/// that whoever trusts the bytes, as a replay of its own log does, checks no signature (STORE-14).
extension BeaconBlock {
    /// Most transactions of a shard block that a decoder takes on.
    static let maximumTransactions = 1_000_000

    package var body: [UInt8] {
        Self.body(header, anchors.map { ($0.header, $0.transactions.lazy.map(SignedBytes.init)) })
    }

    /// The body of these headers, with each shard's transactions.
    static func body(
        _ header: BeaconHeader, _ shards: [(ShardHeader, some Collection<SignedBytes>)]
    ) -> [UInt8] {
        let size = shards.reduce(512) { $0 + 512 + $1.1.count * 160 }
        return RLPEncoder.list(capacity: size) { out in
            header.encode(to: &out)
            for (header, transactions) in shards {
                header.encode(to: &out)
                out.list { out in for transaction in transactions { transaction.append(to: &out) } }
            }
        }
    }

    /// A block as agreement sees it: one of our own, or one that a reader has checked.
    package var proposed: ProposedBlock {
        ProposedBlock(
            height: header.height, parent: header.parent, digest: header.hash,
            timestamp: header.time, body: body)
    }

    /// Reads bytes of our own: that the senders signed is not checked (`LedgerBlockReader`).
    /// - Parameter work: how the transactions are decoded.
    package init(
        body bytes: [UInt8], _ work: some WorkMap = InOrder()
    ) throws(BlockDecodingError) {
        try self.init(body: bytes, senders: TrustedSenders(), work)
    }

    /// - Throws: `.malformed`, `.transaction`, `.sender`.
    init(
        body bytes: [UInt8], senders: some SenderCheck, _ work: some WorkMap
    ) throws(BlockDecodingError) {
        let header: BeaconHeader
        var bodies: [(header: ShardHeader, transactions: [SignedBytes])] = []
        do throws(RLPError) {
            var outer = RLPDecoder(bytes)
            var list = try outer.nextList()
            try outer.finish()
            header = try BeaconHeader(from: &list)
            while !list.isAtEnd {
                let header = try ShardHeader(from: &list)
                bodies.append((header, try Self.signed(try list.nextList())))
            }
        } catch { throw .malformed(error) }
        var anchors: [ShardBlock] = []
        for body in bodies {
            let transactions = try Self.decoded(body.transactions, senders, work)
            anchors.append(ShardBlock(header: body.header, transactions: transactions))
        }
        self.init(header: header, anchors: anchors)
    }

    /// Transactions of one piece of work: about a millisecond.
    private static let chunk = 256

    private static func decoded(
        _ signed: [SignedBytes], _ senders: some SenderCheck,
        _ work: some WorkMap
    ) throws(BlockDecodingError) -> [Transaction] {
        let chunks = work.map((signed.count + chunk - 1) / chunk) { index in
            Result { () throws(BlockDecodingError) in
                var part: [Transaction] = []
                part.reserveCapacity(chunk)
                for bytes in signed[(index * chunk)...].prefix(chunk) {
                    do throws(SenderError) {
                        part.append(
                            try senders.transaction(raw: bytes.raw, sender: bytes.sender))
                    } catch { throw BlockDecodingError(error) }
                }
                return part
            }
        }
        var transactions: [Transaction] = []
        transactions.reserveCapacity(signed.count)
        for chunk in chunks { transactions += try chunk.get() }
        return transactions
    }

    private static func signed(_ list: RLPDecoder) throws(RLPError) -> [SignedBytes] {
        var list = list
        var signed: [SignedBytes] = []
        while !list.isAtEnd {
            guard signed.count < maximumTransactions else {
                throw .tooLong(limit: maximumTransactions)
            }
            signed.append(try SignedBytes(from: &list))
        }
        return signed
    }
}

extension BeaconHeader {
    /// The header of a block in this form, whatever follows it.
    package init(ofBody bytes: [UInt8]) throws(RLPError) {
        var outer = RLPDecoder(bytes)
        var list = try outer.nextList()
        try self.init(from: &list)
    }
}

/// A transaction in a body: its bytes, and the sender that they are said to be of.
package struct SignedBytes: Hashable, Sendable {
    package let raw: [UInt8]
    package let sender: Address

    package init(_ transaction: Transaction) {
        raw = transaction.raw
        sender = transaction.sender
    }

    /// Appends two items.
    package func append(to out: inout RLPEncoder) {
        out.append(raw)
        out.append(sender)
    }

    /// Reads two items.
    package init(from list: inout RLPDecoder) throws(RLPError) {
        raw = Array(try list.nextString())
        sender = try list.nextFixed()
    }
}
