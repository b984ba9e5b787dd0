package import TallyExecution
package import TallyPrimitives

/// One endpoint as its newest anchored header says, sparse vectors filled in.
package struct EndpointHead: Hashable, Sendable {
    /// Of the newest anchored header.
    package var hash: Hash32
    package var header: ShardHeader
    /// The stream to each endpoint, by index.
    package var out: [OutEntry]
    /// The stream from each endpoint, by index.
    package var `in`: [InEntry]

    /// The head of a genesis header, which has used no stream.
    package init(genesis header: ShardHeader, layout: ShardLayout, emptyRoot: Hash32) {
        self.header = header
        hash = header.hash
        let unused = OutEntry(end: 0, value: .zero, root: emptyRoot)
        out = Array(repeating: unused, count: layout.endpointCount)
        self.in = Array(repeating: .none, count: layout.endpointCount)
    }

    /// Takes over a newer header. Its peers must be in range (`BeaconCore` checks that).
    package mutating func advance(to header: ShardHeader) {
        self.header = header
        hash = header.hash
        for item in header.out { out[Int(item.peer.index)] = item.entry }
        for item in header.in { self.in[Int(item.peer.index)] = item.entry }
    }
}

/// What a shard block may know of the rest of the ledger: the beacon as of its parent block.
package struct AnchoredView: Hashable, Sendable {
    /// Hash of the parent beacon block.
    package var beacon: Hash32
    /// Of the block to be built.
    package var height: Height
    /// Time of the parent beacon block: the time that a shard block reads (SHARD-6).
    package var time: BeaconTime
    /// By endpoint index.
    package var heads: [EndpointHead]
    /// The newest as of the parent beacon block (SEED-4).
    package var seed: BeaconSeed
    /// Who votes on the block to be built, ascending.
    package var validators: [Address]

    package init(
        beacon: Hash32, height: Height, time: BeaconTime, heads: [EndpointHead], seed: BeaconSeed,
        validators: [Address]
    ) {
        self.beacon = beacon
        self.height = height
        self.time = time
        self.heads = heads
        self.seed = seed
        self.validators = validators
    }

    /// RCPT-3: all endpoints but `endpoint`, beginning at (height mod number of endpoints).
    package func rotation(for endpoint: EndpointID) -> [EndpointID] {
        destinations.filter { $0 != endpoint }
    }

    /// The same rotation with nobody skipped: the order of due entries (RCPT-11).
    package var destinations: [EndpointID] {
        let count = heads.count
        let first = Int(height.value % UInt64(count))
        return (0..<count).map { EndpointID(UInt16((first + $0) % count)) }
    }
}
