package import TallyPrimitives

/// What transactions a run offers (BENCH-2). The same shape and seed are the same transactions.
package struct LoadShape: Codable, Hashable, Sendable {
    /// 2 or more.
    package var accounts = 1_000
    /// Exponent of how unevenly accounts send and receive; 0 is uniform.
    package var zipf = 0.0
    /// Part of the transfers that go to another shard, 0 ... 1; `nil` leaves it to the draw.
    package var crossRatio: Double?
    /// Part of the transactions that are batches of `batchLegs` transfers, 0 ... 1.
    package var batchRatio = 0.0
    package var batchLegs = 8
    package var seed: UInt64 = 1

    package init() {}
}

/// One transaction before it is signed; accounts by their index.
package struct PlannedTransaction: Hashable, Sendable {
    package let sender: Int32
    package let recipients: [Int32]
}

/// Draws transactions one after the other.
package struct LoadPlan: Sendable {
    private let shape: LoadShape
    private let homes: [UInt16]
    /// Accounts of each shard.
    private var members: [[Int32]] = []
    private let sampler: ZipfSampler
    private var random: SeededGenerator

    /// - Parameters:
    ///   - homes: of each account of the shape.
    ///   - stream: another one for each repetition.
    package init(_ shape: LoadShape, homes: [ShardID], stream: UInt64 = 0) {
        precondition(shape.accounts >= 2 && homes.count == shape.accounts, "accounts are missing")
        self.shape = shape
        self.homes = homes.map(\.value)
        sampler = ZipfSampler(count: shape.accounts, exponent: shape.zipf)
        random = SeededGenerator(seed: shape.seed ^ (stream &* 0x9e37_79b9_7f4a_7c15))
        members = Array(repeating: [], count: Int(self.homes.max() ?? 0) + 1)
        for (index, home) in self.homes.enumerated() {
            members[Int(home)].append(Int32(index))
        }
    }

    /// The next transaction; nobody pays himself.
    package mutating func next() -> PlannedTransaction {
        let sender = sampler.draw(&random)
        let isBatch =
            shape.batchRatio > 0 && Double.random(in: 0..<1, using: &random) < shape.batchRatio
        let recipients = (0..<(isBatch ? shape.batchLegs : 1)).map { _ in recipient(of: sender) }
        return PlannedTransaction(sender: Int32(sender), recipients: recipients)
    }

    private mutating func recipient(of sender: Int) -> Int32 {
        guard let ratio = shape.crossRatio else {
            while true {
                let drawn = sampler.draw(&random)
                if drawn != sender { return Int32(drawn) }
            }
        }
        let home = Int(homes[sender])
        let others = members.count { !$0.isEmpty } > 1
        let goesAcross = others && Double.random(in: 0..<1, using: &random) < ratio
        if !goesAcross, members[home].count > 1 {
            // As unevenly as everything else, where that does not take long.
            for _ in 0..<64 {
                let drawn = sampler.draw(&random)
                if drawn != sender, Int(homes[drawn]) == home { return Int32(drawn) }
            }
            while true {
                let drawn = members[home].randomElement(using: &random) ?? Int32(sender)
                if drawn != Int32(sender) { return drawn }
            }
        }
        while true {
            let drawn = sampler.draw(&random)
            if goesAcross ? homes[drawn] != homes[sender] : drawn != sender { return Int32(drawn) }
        }
    }

    /// Whether a planned transaction leaves its shard.
    package func isCross(_ transaction: PlannedTransaction) -> Bool {
        transaction.recipients.contains { homes[Int($0)] != homes[Int(transaction.sender)] }
    }
}
