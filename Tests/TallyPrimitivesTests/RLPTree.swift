import TallyPrimitives

/// Any RLP item, for tests: the decoder itself is typed item by item.
indirect enum RLPTree: Equatable {
    case string([UInt8])
    case list([RLPTree])

    /// Decodes exactly one item that fills `bytes`.
    init(decoding bytes: [UInt8]) throws(RLPError) {
        var decoder = RLPDecoder(bytes)
        try self.init(&decoder)
        try decoder.finish()
    }

    private init(_ decoder: inout RLPDecoder) throws(RLPError) {
        guard decoder.nextIsList else {
            self = .string(Array(try decoder.nextString()))
            return
        }
        var list = try decoder.nextList()
        var items: [RLPTree] = []
        while !list.isAtEnd { items.append(try RLPTree(&list)) }
        self = .list(items)
    }

    var encoded: [UInt8] {
        var encoder = RLPEncoder()
        append(to: &encoder)
        return encoder.bytes
    }

    func append(to encoder: inout RLPEncoder) {
        switch self {
        case .string(let bytes): encoder.append(bytes)
        case .list(let items): encoder.list { for item in items { item.append(to: &$0) } }
        }
    }
}
