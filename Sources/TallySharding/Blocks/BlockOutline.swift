package import TallyPrimitives
import TallyTransactions

/// A block in which transactions that its reader probably has are named by their hashes (NET-28).
///
/// Its headers are those of the block, so that the reader puts together the very body, byte for byte.
package struct BlockOutline: Hashable, Sendable {
    package enum Item: Hashable, Sendable {
        case named(Hash32)
        case whole(SignedBytes)
    }

    package struct Part: Hashable, Sendable {
        package let header: ShardHeader
        package let items: [Item]
    }

    /// Most transactions of an outline: more than a body has room for.
    package static let maximumItems = 1 << 19
    /// Most shards that a block anchors, the beacon included.
    private static let maximumParts = 1 << 10 + 1

    package let header: BeaconHeader
    package let parts: [Part]

    /// - Parameter isNamed: which transactions are named, in the order of the block.
    package init(_ block: BeaconBlock, isNamed: [Bool]) {
        precondition(isNamed.count == block.transactionCount)
        header = block.header
        var start = 0
        parts = block.anchors.map { anchor in
            defer { start += anchor.transactions.count }
            return Part(
                header: anchor.header,
                items: zip(anchor.transactions, isNamed[start...]).map { transaction, isNamed in
                    isNamed ? .named(transaction.hash) : .whole(SignedBytes(transaction))
                })
        }
    }

    /// What the block is called by agreement.
    package var digest: Hash32 { header.hash }

    /// Of the transactions that are named, in order.
    package var named: [Hash32] {
        parts.flatMap(\.items).compactMap { if case .named(let hash) = $0 { hash } else { nil } }
    }

    /// Where the named transactions stand among all of the block.
    package var namedPositions: [Int] {
        parts.flatMap(\.items).enumerated().compactMap {
            if case .named = $0.element { $0.offset } else { nil }
        }
    }

    /// The body of the block.
    /// - Parameter transactions: the named ones, in order.
    package func body(_ transactions: [SignedBytes]) -> [UInt8] {
        var named = transactions[...]
        let body = BeaconBlock.body(
            header, parts.map { part in (part.header, part.items.map { named.next($0) }) })
        precondition(named.isEmpty, "more transactions than are named")
        return body
    }
}

extension BlockOutline: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            header.encode(to: &out)
            for part in parts {
                part.header.encode(to: &out)
                out.list { out in
                    for item in part.items {
                        switch item {
                        case .named(let hash): out.append(hash)
                        case .whole(let bytes): out.list { bytes.append(to: &$0) }
                        }
                    }
                }
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        header = try BeaconHeader(from: &list)
        var parts: [Part] = []
        var room = Self.maximumItems
        while !list.isAtEnd {
            guard parts.count < Self.maximumParts else {
                throw .tooLong(limit: Self.maximumParts)
            }
            let header = try ShardHeader(from: &list)
            let items = try list.nextArray(limit: room) {
                (items) throws(RLPError) -> Item in
                guard items.nextIsList else { return .named(try items.nextFixed()) }
                var pair = try items.nextList()
                let bytes = try SignedBytes(from: &pair)
                try pair.finish()
                return .whole(bytes)
            }
            room -= items.count
            parts.append(Part(header: header, items: items))
        }
        self.parts = parts
    }
}

extension ArraySlice<SignedBytes> {
    /// What stands for an item, which is our own first one where it is only named.
    fileprivate mutating func next(_ item: BlockOutline.Item) -> SignedBytes {
        switch item {
        case .whole(let whole): whole
        case .named: removeFirst()
        }
    }
}
