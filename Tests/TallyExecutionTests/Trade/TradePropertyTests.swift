import TallyPrimitives
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution

/// Random trading on four shards: every block keeps all money and every invariant, which the world
/// checks itself; in the end each epoch's funding is what was paid of it and what rounding left.
@Suite struct TradePropertyTests {
    private struct Trading {
        var world: TradeWorld
        let traders: [Address]
        var offers: [ObjectID] = []
        /// Rewards owed and paid, by epoch and shard.
        var owed: [[UInt64]: UInt128] = [:]
        var funded: [[UInt64]: UInt128] = [:]
        var paid: [[UInt64]: UInt128] = [:]
        var trades: [ObjectID: (seller: Address, key: [UInt64])] = [:]
        var rewarded: Set<TradeEvent> = []

        init(_ generator: inout SeededGenerator) throws {
            traders = (0..<8).map { trader($0 % 4, $0) }
            // Periods of one epoch: the rewards change within the run.
            world = try TradeWorld(accounts: traders) { parameters in
                parameters.epochMilliseconds = 20_000
                parameters.economy?.trade.epochsPerPeriod = 1
                parameters.dueBound = 256
            }
            for account in traders where Int.random(in: 0..<4, using: &generator) == 0 {
                try world.submit(.transfer(.setCreditPolicy(.refuse)), from: account)
            }
        }

        mutating func act(_ generator: inout SeededGenerator) throws {
            let actor = traders[Int.random(in: 0..<8, using: &generator)]
            let offer = offers.randomElement(using: &generator)
            let price = Amount(UInt128.random(in: 1...100_000, using: &generator))
            let units = UInt64.random(in: 1...6, using: &generator)
            switch Int.random(in: 0..<12, using: &generator) {
            case 0, 1, 2:
                let end = world.time + UInt64.random(in: 0...90_000, using: &generator)
                let isStandard = Bool.random(using: &generator)
                offers.append(
                    try world.submit(
                        .listOffer(
                            terms(
                                price: price.units, units: 3 * units,
                                until: isStandard ? nil : end)), from: actor))
            case 3:
                if let offer { try world.submit(.cancelOffer(offer), from: offer.owner) }
            case 4:
                if let offer {
                    let sender = Bool.random(using: &generator) ? offer.owner : actor
                    try world.submit(.repriceOffer(offer, pricePerUnit: price), from: sender)
                }
            case 5:
                if let (trade, place) = trades.min(by: { $0.key < $1.key }) {
                    try world.submit(.settleTrade(trade, seller: place.seller), from: actor)
                }
            default:
                if let offer {
                    let listed = try world.offer(offer)?.pricePerUnit ?? price
                    let maximum = Bool.random(using: &generator) ? listed : price
                    try world.submit(
                        .buyCompute(offer, units: units, maximumPrice: maximum), from: actor)
                }
            }
        }

        /// Funds epochs that have ended, all or in part, some blocks later.
        mutating func fund(_ generator: inout SeededGenerator, all: Bool = false) {
            var waiting: Set<UInt64> = []
            for key in owed.keys.sorted(by: { $0.lexicographicallyPrecedes($1) })
            where key[0] < world.epoch && funded[key] == nil {
                // The epochs of a shard are funded in order.
                guard all || Int.random(in: 0..<4, using: &generator) == 0,
                    !waiting.contains(key[1])
                else {
                    waiting.insert(key[1])
                    continue
                }
                let total = owed[key, default: 0]
                let amount =
                    Bool.random(using: &generator)
                    ? total : UInt128.random(in: 0...total, using: &generator)
                funded[key] = amount
                world.fund(Amount(amount), of: key[0], at: trader(key[1]))
            }
        }

        mutating func step(_ milliseconds: UInt64) throws {
            try world.step(milliseconds)
            for event in world.trades {
                switch event {
                case .executed(let trade, let seller, _, _):
                    let shard = UInt64(world.parameters.layout.home(of: seller).value)
                    trades[trade] = (seller, [world.epoch, shard])
                case .owed(let trade, let buyer, let provider, let epoch):
                    let key = try #require(trades[trade]?.key)
                    #expect(key[0] == epoch)
                    owed[key, default: 0] += buyer.units + provider.units
                case .rewarded(let trade, _, let amount):
                    let key = try #require(trades[trade]?.key)
                    paid[key, default: 0] += amount.units
                    #expect(rewarded.insert(event).inserted, "paid twice")
                case .listed, .repriced, .closed, .taken: break
                }
            }
        }
    }

    @Test func randomTradingKeepsEveryUnit() throws {
        var executed = 0
        try forEachSeed(base: 0x7472_6164, count: 12) { seed, generator in
            var trading = try Trading(&generator)
            for _ in 0..<120 {
                for _ in 0..<Int.random(in: 0...5, using: &generator) {
                    try trading.act(&generator)
                }
                trading.fund(&generator)
                try trading.step(UInt64.random(in: 200...2_500, using: &generator))
            }
            // All ends: offers, claims and what is on its way.
            try trading.step(30 * 86_400_000)
            trading.fund(&generator, all: true)
            for _ in 0..<80 { try trading.step(64_000) }
            for endpoint in trading.world.trees.indices {
                let left = try trading.world.objects(endpoint).filter {
                    $0.object.kind == .offer || $0.object.kind == .owed
                }
                #expect(left.isEmpty, "seed \(seed)")
            }
            for (key, funded) in trading.funded {
                let paid = trading.paid[key, default: 0]
                let left = funded.subtractingReportingOverflow(paid)
                #expect(!left.overflow, "seed \(seed)")
                let rewards = UInt128(2 * trading.trades.values.count { $0.key == key })
                #expect(left.partialValue <= rewards, "seed \(seed): more than rounding leaves")
            }
            executed += trading.trades.count
        }
        #expect(executed > 500, "trades were made")
    }
}
