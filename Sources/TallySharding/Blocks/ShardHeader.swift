import TallyCrypto
package import TallyExecution
package import TallyPrimitives
import TallyState

/// What a header says of the stream to one destination.
package struct OutEntry: Hashable, Sendable {
    package let end: UInt64
    /// Value and fees sent since genesis.
    package let value: Amount
    package let root: Hash32

    package init(end: UInt64, value: Amount, root: Hash32) {
        self.end = end
        self.value = value
        self.root = root
    }
}

/// What a header says of the stream from one source.
package struct InEntry: Hashable, Sendable {
    package let cursor: UInt64
    /// Value and fees consumed since genesis.
    package let value: Amount

    package init(cursor: UInt64, value: Amount) {
        self.cursor = cursor
        self.value = value
    }

    package static let none = InEntry(cursor: 0, value: .zero)
}

/// An entry of a header's sparse vector.
package struct PeerEntry<Entry: Hashable & Sendable>: Hashable, Sendable {
    package let peer: EndpointID
    package let entry: Entry

    package init(peer: EndpointID, entry: Entry) {
        self.peer = peer
        self.entry = entry
    }
}

/// The commitment of one endpoint to one block (`SHARD-3`). The beacon's own endpoint has the same.
package struct ShardHeader: Hashable, Sendable {
    package var chain: Hash32
    package var shardCount: UInt16
    package var endpoint: EndpointID
    /// Of the beacon block that anchors it.
    package var height: Height
    /// Hash of the endpoint's previous header.
    package var parent: Hash32
    /// Hash of the parent beacon block, whose context the block reads.
    package var beaconRef: Hash32
    /// Time of that block.
    package var time: BeaconTime
    package var beneficiary: Address
    package var baseFee: Amount
    package var stateRoot: Hash32
    /// All money of the endpoint.
    package var stateSum: Amount
    package var txRoot: Hash32
    package var resultRoot: Hash32
    /// Streams that the block changed, by peer, ascending; the others inherit.
    package var out: [PeerEntry<OutEntry>]
    package var `in`: [PeerEntry<InEntry>]
    /// Minted since genesis; 0 on a shard (RCPT-12).
    package var minted: Amount
    /// Base fees burned since genesis.
    package var burned: Amount
    package var weightUsed: Weight

    package var hash: Hash32 { SHA256.hash(.shardHeader, encoded) }

    /// Range root over the transaction hashes.
    package static func txRoot(_ hashes: [Hash32]) -> Hash32 { MerkleRange.root(ofLeaves: hashes) }

    /// Range root over the results, the system result first (an empty one stands for none).
    package static func resultRoot(
        _ system: TransactionResult?, _ results: some Sequence<TransactionResult>
    ) -> Hash32 {
        resultRoot(system, ResultList(results))
    }

    package static func resultRoot(_ system: TransactionResult?, _ results: ResultList) -> Hash32 {
        var range = MerkleRange.empty
        range.append(resultLeaf(system?.encoded ?? []))
        for index in results.indices {
            range.append(SHA256.hash(.transactionResult) { $0.update(results.encoding(index)) })
        }
        return range.root
    }

    /// - Parameter encoded: the result, or nothing for the system result of a block without one.
    package static func resultLeaf(_ encoded: [UInt8]) -> Hash32 {
        SHA256.hash(.transactionResult, encoded)
    }

    /// Base fee of the endpoint's next block, when that reads `time` (`FEE-3`).
    package func nextBaseFee(at time: BeaconTime, _ parameters: NetworkParameters) -> Amount {
        FeeMarket.baseFee(
            after: baseFee, used: weightUsed, limit: parameters.blockWeight,
            elapsed: time.milliseconds - min(self.time.milliseconds, time.milliseconds),
            idle: parameters.heartbeatMilliseconds, minimum: parameters.minimumBaseFee)
    }
}

extension ShardHeader: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { list in
            list.append(chain)
            list.append(shardCount)
            list.append(endpoint)
            list.append(height)
            list.append(parent)
            list.append(beaconRef)
            list.append(time)
            list.append(beneficiary)
            list.append(baseFee)
            list.append(stateRoot)
            list.append(stateSum)
            list.append(txRoot)
            list.append(resultRoot)
            list.list { list in
                for item in self.out {
                    list.append(item.peer)
                    list.append(item.entry.end)
                    list.append(item.entry.value)
                    list.append(item.entry.root)
                }
            }
            list.list { list in
                for item in self.in {
                    list.append(item.peer)
                    list.append(item.entry.cursor)
                    list.append(item.entry.value)
                }
            }
            list.append(minted)
            list.append(burned)
            list.append(weightUsed)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        chain = try list.nextFixed()
        shardCount = try list.nextInteger()
        endpoint = try list.nextEndpoint()
        height = try list.nextHeight()
        parent = try list.nextFixed()
        beaconRef = try list.nextFixed()
        time = try list.nextTime()
        beneficiary = try list.nextFixed()
        baseFee = try list.nextAmount()
        stateRoot = try list.nextFixed()
        stateSum = try list.nextAmount()
        txRoot = try list.nextFixed()
        resultRoot = try list.nextFixed()
        out = []
        var streams = try list.nextList()
        while !streams.isAtEnd {
            out.append(
                PeerEntry(
                    peer: try streams.nextEndpoint(),
                    entry: OutEntry(
                        end: try streams.nextInteger(), value: try streams.nextAmount(),
                        root: try streams.nextFixed())))
        }
        self.in = []
        var cursors = try list.nextList()
        while !cursors.isAtEnd {
            self.in.append(
                PeerEntry(
                    peer: try cursors.nextEndpoint(),
                    entry: InEntry(
                        cursor: try cursors.nextInteger(), value: try cursors.nextAmount())))
        }
        minted = try list.nextAmount()
        burned = try list.nextAmount()
        weightUsed = try list.nextInteger()
        try list.finish()
    }
}
