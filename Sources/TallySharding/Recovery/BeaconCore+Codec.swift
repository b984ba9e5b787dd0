import TallyExecution
package import TallyPrimitives

/// The form in which the beacon's checkpoint keeps its books (STORE-7).
extension BeaconCore {
    package var encodedBooks: [UInt8] {
        RLPEncoder.list(capacity: heads.count * 512) { out in
            head.encode(to: &out)
            randomness.encode(to: &out)
            schedule.encode(to: &out)
            for head in heads {
                head.header.encode(to: &out)
                out.list { out in
                    for entry in head.out {
                        out.append(entry.end)
                        out.append(entry.value)
                        out.append(entry.root)
                    }
                }
                out.list { out in
                    for entry in head.in {
                        out.append(entry.cursor)
                        out.append(entry.value)
                    }
                }
            }
        }
    }

    /// Takes up the books of a checkpoint.
    /// - Throws: any `RLPError` when they are not books of a network of this layout.
    package init(_ genesis: Genesis, encodedBooks bytes: [UInt8]) throws(RLPError) {
        let count = genesis.parameters.layout.endpointCount
        let (head, randomness, schedule, heads) = try RLPDecoder.list(bytes) {
            (list) throws(RLPError) in
            let head = try BeaconHeader(from: &list)
            let randomness = try HeaderRandomness(from: &list)
            let schedule = try ValidatorSchedule(genesis, from: &list)
            var heads: [EndpointHead] = []
            for _ in 0..<count { heads.append(try EndpointHead(&list, endpointCount: count)) }
            return (head, randomness, schedule, heads)
        }
        try self.init(
            genesis, head: head, heads: heads, randomness: randomness, schedule: schedule)
    }
}

extension EndpointHead {
    fileprivate init(_ list: inout RLPDecoder, endpointCount: Int) throws(RLPError) {
        header = try ShardHeader(from: &list)
        hash = header.hash
        var streams = try list.nextList()
        out = []
        for _ in 0..<endpointCount {
            out.append(
                OutEntry(
                    end: try streams.nextInteger(), value: try streams.nextAmount(),
                    root: try streams.nextFixed()))
        }
        try streams.finish()
        var cursors = try list.nextList()
        self.in = []
        for _ in 0..<endpointCount {
            self.in.append(
                InEntry(cursor: try cursors.nextInteger(), value: try cursors.nextAmount()))
        }
        try cursors.finish()
    }
}
