import TallyCrypto
import TallyExecution
package import TallyPrimitives
import TallyState
package import TallyTransactions

/// The header that finality is about. Its hash is the digest that validators sign: no round, no
/// seal is in it.
package struct BeaconHeader: Hashable, Sendable {
    package var chain: Hash32
    package var height: Height
    package var parent: Hash32
    package var time: BeaconTime
    package var proposer: Address
    /// Range root over the hashes of the anchored headers, by endpoint.
    package var anchorsRoot: Hash32

    package init(
        chain: Hash32, height: Height, parent: Hash32, time: BeaconTime, proposer: Address,
        anchorsRoot: Hash32
    ) {
        self.chain = chain
        self.height = height
        self.parent = parent
        self.time = time
        self.proposer = proposer
        self.anchorsRoot = anchorsRoot
    }

    package var hash: Hash32 { SHA256.hash(.beaconHeader, encoded) }

    package static func anchorsRoot(_ headers: some Sequence<ShardHeader>) -> Hash32 {
        var range = MerkleRange.empty
        for header in headers { range.append(header.hash) }
        return range.root
    }
}

/// A shard block: its header and what was signed. Inbox and due entries are functions of the state.
package struct ShardBlock: Sendable {
    package let header: ShardHeader
    package let transactions: [Transaction]

    package init(header: ShardHeader, transactions: [Transaction]) {
        self.header = header
        self.transactions = transactions
    }
}

/// A beacon block with the bodies of the shard blocks it anchors, in order of endpoints.
package struct BeaconBlock: Sendable {
    package let header: BeaconHeader
    package let anchors: [ShardBlock]

    package init(header: BeaconHeader, anchors: [ShardBlock]) {
        self.header = header
        self.anchors = anchors
    }

    /// Most transactions of a shard block that a decoder takes on.
    private static let maximumTransactions = 1_000_000
}

extension BeaconHeader: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(chain)
            out.append(height)
            out.append(parent)
            out.append(time)
            out.append(proposer)
            out.append(anchorsRoot)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            chain: try list.nextFixed(), height: try list.nextHeight(),
            parent: try list.nextFixed(), time: try list.nextTime(),
            proposer: try list.nextFixed(), anchorsRoot: try list.nextFixed())
        try list.finish()
    }
}

/// Why a stored block does not decode.
package enum BlockDecodingError: Error, Hashable, Sendable {
    case malformed(RLPError)
    case transaction(TransactionError)
}

/// The form in which our own log keeps a decided block: every raw transaction with the sender that
/// was recovered when it came in, so that a replay checks no signature again (`STORE-14`).
extension NetworkParameters {
    /// Largest `logRecord`: every shard's body, with a sender and a header of its own for each of the
    /// smallest transactions.
    package var recordByteLimit: Int {
        (64 << 20) + 3 * Int(layout.shardCount) * bodyByteLimit / 2
    }
}

extension BeaconBlock {
    package var logRecord: [UInt8] {
        let size = anchors.reduce(512) { $0 + 512 + $1.transactions.count * 160 }
        return RLPEncoder.list(capacity: size) { out in
            header.encode(to: &out)
            for block in anchors {
                block.header.encode(to: &out)
                out.list { out in
                    for transaction in block.transactions {
                        out.append(transaction.raw)
                        out.append(transaction.sender)
                    }
                }
            }
        }
    }

    /// - Parameter work: how the transactions are decoded.
    package init(
        logRecord bytes: [UInt8], _ work: some WorkMap = InOrder()
    ) throws(BlockDecodingError) {
        let header: BeaconHeader
        var bodies: [(header: ShardHeader, transactions: [(raw: [UInt8], sender: Address)])] = []
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
        do throws(TransactionError) {
            for body in bodies {
                let transactions = try Self.decoded(body.transactions, work)
                anchors.append(ShardBlock(header: body.header, transactions: transactions))
            }
        } catch { throw .transaction(error) }
        self.init(header: header, anchors: anchors)
    }

    /// Transactions of one piece of work: about a millisecond.
    private static let chunk = 256

    private static func decoded(
        _ pairs: [(raw: [UInt8], sender: Address)], _ work: some WorkMap
    ) throws(TransactionError) -> [Transaction] {
        let chunks = work.map((pairs.count + chunk - 1) / chunk) { index in
            Result { () throws(TransactionError) in
                var part: [Transaction] = []
                part.reserveCapacity(chunk)
                for (raw, sender) in pairs[(index * chunk)...].prefix(chunk) {
                    part.append(try Transaction(raw: raw, verifiedSender: sender))
                }
                return part
            }
        }
        var transactions: [Transaction] = []
        transactions.reserveCapacity(pairs.count)
        for chunk in chunks { transactions += try chunk.get() }
        return transactions
    }

    private static func signed(
        _ list: RLPDecoder
    ) throws(RLPError) -> [(raw: [UInt8], sender: Address)] {
        var list = list
        var pairs: [(raw: [UInt8], sender: Address)] = []
        while !list.isAtEnd {
            guard pairs.count < maximumTransactions else {
                throw .tooLong(limit: maximumTransactions)
            }
            pairs.append((Array(try list.nextString()), try list.nextFixed()))
        }
        return pairs
    }
}
