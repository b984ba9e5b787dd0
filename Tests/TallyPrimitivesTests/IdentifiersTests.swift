import TallyPrimitives
import Testing

@Suite struct ShardLayoutTests {
    @Test(arguments: [0, -1, 1_025, .max, .min]) func refusesOtherCounts(_ count: Int) {
        #expect(ShardLayout(shardCount: count) == nil)
    }

    /// Shard i begins at the least prefix p with p · count ≥ i · 2^16, and the one before it ends
    /// just below.
    @Test func givesEachShardOneContiguousRange() throws {
        for count in 1...1_024 {
            let layout = try #require(ShardLayout(shardCount: count))
            let wrong = (0..<count).first { shard in
                let first = (shard * 65_536 + count - 1) / count
                return home(layout, first) != shard
                    || first > 0 && home(layout, first - 1) != shard - 1
            }
            #expect(wrong == nil, "\(count) shards")
        }
    }

    @Test(arguments: [1, 2, 3, 7, 16, 1_000, 1_024])
    func sharesPrefixesInOrderAndWithinOneOfEvenly(_ count: Int) throws {
        let layout = try #require(ShardLayout(shardCount: count))
        let homes = (0..<65_536).map { home(layout, $0) }
        #expect(homes == homes.sorted())
        var sizes = [Int](repeating: 0, count: count)
        for shard in homes { sizes[shard] += 1 }
        let least = try #require(sizes.min())
        let most = try #require(sizes.max())
        #expect(most - least <= 1)
    }

    @Test(arguments: [1, 2, 5, 1_024]) func endsMeetTheFirstAndLastShard(_ count: Int) throws {
        let layout = try #require(ShardLayout(shardCount: count))
        let last = try #require(Address([UInt8](repeating: 0xff, count: 20)))
        #expect(layout.home(of: .zero) == ShardID(0))
        #expect(Int(layout.home(of: last).value) == count - 1)
    }

    @Test func onlyTheFirstSixteenBitsDecide() throws {
        let layout = try #require(ShardLayout(shardCount: 1_024))
        let low = try #require(Address([0x12, 0x34] + [UInt8](repeating: 0, count: 18)))
        let high = try #require(Address([0x12, 0x34] + [UInt8](repeating: 0xff, count: 18)))
        #expect(layout.home(of: low) == layout.home(of: high))
    }

    @Test func listsShardsThenTheBeacon() throws {
        let layout = try #require(ShardLayout(shardCount: 3))
        #expect(layout.shards.map(\.value) == [0, 1, 2])
        #expect(layout.endpoints.map(\.index) == [0, 1, 2, 3])
        #expect(layout.beacon == EndpointID(3))
        #expect(layout.endpointCount == 4)
        #expect(layout.endpoints.dropLast() == layout.shards.map { EndpointID($0) }[...])
    }

    private func home(_ layout: ShardLayout, _ prefix: Int) -> Int {
        Int(layout.home(of: Address(words: (UInt64(prefix) << 48, 0, 0))).value)
    }
}

@Suite struct IdentifierTests {
    @Test func orderAndPrintByValue() {
        #expect(Height(1) < Height(2) && Height(7).description == "7")
        #expect(Height.genesis.next == Height(1))
        #expect(Round.zero < Round(1) && Round(3).description == "3")
        #expect(ShardID(1) < ShardID(2) && ShardID(9).description == "9")
        #expect(EndpointID(1) < EndpointID(2) && EndpointID(9).description == "9")
        #expect(BeaconTime(milliseconds: 1) < BeaconTime(milliseconds: 2))
        #expect(BeaconTime(milliseconds: 5).description == "5 ms")
    }
}
