import TallyExecution
import TallyPrimitives
import TallyTesting
import Testing

/// ECON-18: nodes that come, go, change and settle when they like get exactly what came in.
@Suite struct RewardIndexTests {
    private struct Node {
        var weight: RewardWeight
        var start: UInt256
    }

    /// Pools of one place, its nodes, and what went where.
    private struct Place {
        var index = RewardIndex()
        var nodes: [Node] = []
        var received: UInt128 = 0
        /// Of that, in ``step(_:)``.
        var receivedByItself: UInt128 = 0
        var paid: UInt128 = 0
        var residue: UInt128 = 0

        var total: RewardWeight {
            RewardWeight(units: nodes.reduce(0) { $0 + $1.weight.units })
        }

        mutating func receive(_ pool: Amount) throws {
            received += pool.units
            residue += try index.add(pool, over: total).units
        }

        mutating func settle(_ i: Int) throws {
            let accrual = try index.settle(nodes[i].weight, since: nodes[i].start)
            paid += accrual.amount.units
            residue += accrual.residue.units
            nodes[i].start = index.value
        }

        mutating func step(_ generator: inout SeededGenerator) throws {
            let shift = UInt64.random(in: 0...63, using: &generator)
            let weight = RewardWeight(units: UInt128(generator.next() >> shift) << 6)
            let chosen = nodes.indices.randomElement(using: &generator)
            switch UInt8.random(in: 0...7, using: &generator) {
            case 0: nodes.append(Node(weight: weight, start: index.value))
            case 1:
                guard let chosen else { return }
                try settle(chosen)
                nodes[chosen].weight = weight
            case 2:
                guard let chosen else { return }
                try settle(chosen)
                nodes.remove(at: chosen)
            case 3, 4:
                guard let chosen else { return }
                try settle(chosen)
            default:
                let pool = Amount(UInt128(generator.next() >> shift))
                receivedByItself += pool.units
                try receive(pool)
            }
        }
    }

    @Test func everythingReceivedIsPaidOrResidue() throws {
        try forEachSeed(base: 0xec0_5000, count: 300) { seed, generator in
            var place = Place()
            for _ in 0..<200 {
                try place.step(&generator)
                #expect(place.paid + place.residue <= place.received, "seed \(seed)")
            }
            for i in place.nodes.indices { try place.settle(i) }
            #expect(place.paid + place.residue == place.received, "seed \(seed)")
            #expect(place.index.reserved == place.index.returned, "seed \(seed)")
        }
    }

    /// The beacon's pool is divided by weight first, then each part by its own index.
    @Test func partsOfShardsAreExactToo() throws {
        try forEachSeed(base: 0xec0_6000, count: 100) { seed, generator in
            var places = [Place(), Place(), Place()]
            var (emitted, unshared): (UInt128, UInt128) = (0, 0)
            for _ in 0..<100 {
                for i in places.indices { try places[i].step(&generator) }
                let weights = places.map(\.total)
                let total = RewardWeight(units: weights.reduce(0) { $0 + $1.units })
                let pool = Amount(UInt128(generator.next()))
                let parts = weights.map { $0.part(of: pool, in: total) }
                for i in places.indices { try places[i].receive(parts[i]) }
                let left = pool.units - parts.reduce(0) { $0 + $1.units }
                #expect(total == .zero || left < 3, "seed \(seed)")
                emitted += pool.units
                unshared += left
            }
            for i in places.indices {
                emitted += places[i].receivedByItself
                for j in places[i].nodes.indices { try places[i].settle(j) }
            }
            let out = places.reduce(unshared) { $0 + $1.paid + $1.residue }
            #expect(out == emitted, "seed \(seed)")
        }
    }

    @Test func partsOfNothingAreNothing() {
        let weight = RewardWeight(units: 3)
        #expect(weight.part(of: Amount(100), in: RewardWeight(units: 7)) == Amount(42))
        #expect(weight.part(of: .max, in: weight) == .max)
        #expect(RewardWeight.zero.part(of: Amount(100), in: .zero) == .zero)
    }

    /// Two epochs with a fraction each: their floors together are less than the floor of their sum.
    @Test func fractionsOfEpochsAddUp() throws {
        var place = Place()
        let third = RewardWeight(units: 1)
        place.nodes = [0, 1, 2].map { _ in Node(weight: third, start: .zero) }
        for _ in 0..<2 { try place.receive(Amount(5)) }
        // 10/3 each, less what the index lost.
        for i in place.nodes.indices { try place.settle(i) }
        #expect(place.paid == 9)
        #expect(place.residue == 1)
        #expect(place.index.reserved == place.index.returned)
    }

    @Test func poolWithoutWeightIsResidue() throws {
        var index = RewardIndex()
        let pool = Amount(720_000)
        #expect(try index.add(pool, over: .zero) == pool)
        #expect(index == RewardIndex())
        #expect(try index.add(.zero, over: .zero) == .zero)
    }

    @Test func earnsNothingBeforeItsStart() throws {
        var index = RewardIndex()
        let weight = RewardWeight(units: 1)
        _ = try index.add(Amount(10), over: weight)
        let start = index.value
        _ = try index.add(Amount(7), over: weight)
        let accrual = try index.settle(weight, since: start)
        #expect(accrual == RewardAccrual(amount: Amount(7), residue: .zero))
    }

    @Test func refusesAStartAhead() throws {
        var index = RewardIndex()
        #expect(throws: EconomyError.indexAhead) {
            try index.settle(RewardWeight(units: 1), since: UInt256(1))
        }
    }

    /// Weights of one node one after another: each earns between its own two indexes.
    @Test func settlesUpToAnEarlierIndex() throws {
        var index = RewardIndex()
        let weight = RewardWeight(units: 3)
        #expect(try index.add(Amount(10), over: weight) == Amount(1))
        let middle = index.value
        #expect(try index.add(Amount(11), over: weight) == .zero)
        let first = try index.settle(weight, since: .zero, upTo: middle)
        #expect(first == RewardAccrual(amount: Amount(9), residue: .zero))
        let second = try index.settle(weight, since: middle, upTo: index.value)
        #expect(first.amount.units + second.amount.units + second.residue.units == 20)
        #expect(index.reserved == index.returned)
        let before = index
        #expect(throws: EconomyError.indexAhead) {
            try index.settle(weight, since: index.value, upTo: middle)
        }
        let beyond = try #require(index.value.adding(UInt256(1)))
        #expect(throws: EconomyError.indexAhead) {
            try index.settle(weight, since: middle, upTo: beyond)
        }
        #expect(index == before)
    }

    @Test func overflowChangesNothing() throws {
        var index = RewardIndex()
        let one = RewardWeight(units: 1)
        _ = try index.add(.max, over: one)
        let before = index
        #expect(throws: EconomyError.overflow) {
            try index.settle(RewardWeight(units: 2), since: .zero)
        }
        #expect(throws: EconomyError.overflow) {
            try index.settle(RewardWeight(units: .max), since: .zero)
        }
        #expect(index == before)
        var full = try RewardIndex(encoded: Self.encoding(of: .max))
        let filled = full
        #expect(throws: EconomyError.overflow) { try full.add(Amount(1), over: one) }
        #expect(full == filled)
        let most = try full.add(Amount(1), over: RewardWeight(units: .max))
        #expect(most == Amount(1), "a step of 0")
    }

    private static func encoding(of value: UInt256) -> [UInt8] {
        RLPEncoder.list { out in
            value.encode(to: &out)
            out.append(UInt64(5))
            out.append(UInt64.max)
        }
    }

    @Test func decodesWhatItEncodes() throws {
        let bytes = Self.encoding(of: UInt256(high: 3, low: 4))
        let index = try RewardIndex(encoded: bytes)
        #expect(index.value == UInt256(high: 3, low: 4))
        #expect(index.reserved == 5 && index.returned == .max)
        #expect(index.encoded == bytes)
        #expect(throws: RLPError.trailingBytes) { try RewardIndex(encoded: bytes + [0]) }
    }
}
