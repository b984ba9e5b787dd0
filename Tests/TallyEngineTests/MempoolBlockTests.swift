import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyEngine

/// The pool and the blocks that take from it.
@Suite struct MempoolBlockTests {
    @Test func whatCannotPayTheBaseFeeComesBackWhenItFalls() throws {
        var pool = try PoolFixture.pool()
        for (sender, cap) in [(1, 100), (2, 300), (3, 200)] as [(UInt32, UInt128)] {
            #expect(pool.take(try PoolFixture.transaction(sender, 0, cap: cap)) == nil)
        }
        pool.beginBlock(PoolFixture.capacity(baseFee: 400))
        while let next = pool.next(remaining: .max) {
            let cap = next.envelope.maxFee
            #expect(pool.refused(next, .feeCapBelowBaseFee(cap: cap, baseFee: Amount(400))) == true)
        }
        pool.beginBlock(PoolFixture.capacity(baseFee: 350))
        #expect(pool.drain().isEmpty)
        pool.beginBlock(PoolFixture.capacity(baseFee: 200))
        #expect(Set(pool.drain().map(\.sender)) == Set([2, 3].map(PoolFixture.sender)))
        pool.beginBlock(PoolFixture.capacity(baseFee: 100))
        #expect(pool.drain().map(\.sender) == [PoolFixture.sender(1)])
    }

    @Test func whatHasNoCreditWaitsForIt() throws {
        var pool = try PoolFixture.pool()
        for sender: UInt32 in 1...3 {
            #expect(pool.take(try PoolFixture.transaction(sender, 0, shard: 1)) == nil)
        }
        let destination = EndpointID(1)
        while let next = pool.next(remaining: .max) {
            #expect(pool.refused(next, .noCredit(destination: destination)) == true)
        }
        pool.beginBlock(PoolFixture.capacity(slots: 0))
        #expect(pool.drain().isEmpty)
        pool.beginBlock(PoolFixture.capacity(slots: 2))
        #expect(pool.drain().map(\.sender) == [1, 2].map(PoolFixture.sender), "oldest first")
        pool.beginBlock(PoolFixture.capacity(slots: 2))
        #expect(pool.drain().map(\.sender) == [PoolFixture.sender(3)])
    }

    @Test func whatFindsTheDueQueueFullWaitsForRoom() throws {
        var pool = try PoolFixture.pool()
        #expect(pool.take(try PoolFixture.transaction(1, 0)) == nil)
        let taken = pool.next(remaining: .max)
        let next = try #require(taken)
        #expect(pool.refused(next, .dueQueueFull) == true)
        pool.beginBlock(PoolFixture.capacity(due: 0))
        #expect(pool.drain().isEmpty)
        pool.beginBlock(PoolFixture.capacity(due: 1))
        #expect(pool.drain().count == 1)
    }

    @Test func aReplacementLeavesTheParkedHeadVoid() throws {
        var pool = try PoolFixture.pool()
        #expect(pool.take(try PoolFixture.transaction(1, 0, shard: 1)) == nil)
        let taken = pool.next(remaining: .max)
        let old = try #require(taken)
        #expect(pool.refused(old, .noCredit(destination: EndpointID(1))) == true)
        let new = try PoolFixture.transaction(1, 0, cap: 2_000, tip: 2)
        #expect(pool.take(new) == nil)
        pool.beginBlock(PoolFixture.capacity())
        #expect(pool.drain().map(\.hash) == [new.hash])
    }

    @Test func aFullBlockEndsAndKeepsWhatDidNotFit() throws {
        var pool = try PoolFixture.pool()
        #expect(pool.take(try PoolFixture.transaction(1, 0)) == nil)
        let taken = pool.next(remaining: .max)
        let next = try #require(taken)
        #expect(pool.refused(next, .blockFull) == false)
        #expect(pool.next(remaining: .max)?.hash == next.hash)
    }

    @Test func theUnpayableIsDroppedAndWhatFollowsWaits() throws {
        var pool = try PoolFixture.pool()
        for nonce: Nonce in 0..<2 {
            #expect(pool.take(try PoolFixture.transaction(1, nonce)) == nil)
        }
        let taken = pool.next(remaining: .max)
        let first = try #require(taken)
        #expect(pool.refused(first, .insufficientFunds(have: .zero, want: Amount(1))) == true)
        #expect(!pool.contains(first.hash))
        #expect(pool.drain().isEmpty)
        #expect(pool.take(first) == nil)
        #expect(pool.drain().map(\.envelope.nonce) == [0, 1])
    }

    @Test func aDecisionRemovesWhatTheBlockHolds() throws {
        var pool = try PoolFixture.pool()
        for nonce: Nonce in 0..<3 {
            #expect(pool.take(try PoolFixture.transaction(1, nonce)) == nil)
        }
        let taken = [pool.next(remaining: .max), pool.next(remaining: .max)].compactMap { $0 }
        pool.included(taken)
        #expect(pool.count == 1)
        #expect(pool.drain().map(\.envelope.nonce) == [2])
        pool.rewind()
        #expect(pool.drain().map(\.envelope.nonce) == [2])
    }

    @Test func aDecisionRemovesReplacementsOfWhatItHolds() throws {
        var pool = try PoolFixture.pool()
        let old = try PoolFixture.transaction(1, 0)
        #expect(pool.take(old) == nil)
        #expect(pool.drain().count == 1)
        #expect(pool.take(try PoolFixture.transaction(1, 0, cap: 2_000, tip: 2)) == nil)
        #expect(pool.drain().isEmpty, "an undecided block holds the nonce")
        pool.included([old])
        #expect(pool.count == 0)
        #expect(pool.byteCount == 0)
    }

    @Test func aLostBlockIsOfferedAgain() throws {
        var pool = try PoolFixture.pool()
        for sender: UInt32 in 1...2 {
            for nonce: Nonce in 0..<2 {
                #expect(pool.take(try PoolFixture.transaction(sender, nonce)) == nil)
            }
        }
        let first = pool.drain().map(\.hash)
        pool.rewind()
        pool.beginBlock(PoolFixture.capacity())
        #expect(Set(pool.drain().map(\.hash)) == Set(first))
    }

    // MARK: Churn

    /// Whatever happens, the accounts add up, no transaction is offered twice in a block, nonces of a
    /// sender come in order, and nothing is lost: in the end everything gapless is offered.
    @Test func churnKeepsTheAccounts() throws {
        try forEachSeed(base: 0xC0FFEE, count: 20) { seed, random in
            var pool = try PoolFixture.pool {
                $0.poolTransactions = 60
                $0.poolBytes = 9_000
                $0.accountTransactions = 12
            }
            var next: [UInt32: Nonce] = [:]
            for _ in 0..<120 {
                for _ in 0..<Int.random(in: 0..<12, using: &random) {
                    try offer(&pool, next, &random)
                }
                try expectAccounts(pool, seed)
                try build(&pool, &next, &random, seed)
                try expectAccounts(pool, seed)
            }
            try expectNothingLost(&pool, next, seed)
        }
    }

    private func offer(
        _ pool: inout Mempool, _ next: [UInt32: Nonce], _ random: inout SeededGenerator
    ) throws {
        let sender = UInt32.random(in: 1...8, using: &random)
        let expected = next[sender] ?? 0
        let transaction = try PoolFixture.transaction(
            sender, expected + UInt64.random(in: 0..<8, using: &random),
            cap: UInt128(UInt64.random(in: 10...400, using: &random)),
            tip: UInt128(UInt64.random(in: 1...10, using: &random)),
            shard: UInt64.random(in: 0..<4, using: &random),
            data: Int.random(in: 0..<80, using: &random))
        _ = pool.admit(transaction, nonce: expected, balance: PoolFixture.funds)
    }

    private func build(
        _ pool: inout Mempool, _ next: inout [UInt32: Nonce], _ random: inout SeededGenerator,
        _ seed: UInt64
    ) throws {
        let baseFee = Amount(UInt128(UInt64.random(in: 10...300, using: &random)))
        pool.beginBlock(
            PoolFixture.capacity(
                baseFee: baseFee.units, slots: Int.random(in: 0..<3, using: &random),
                due: Int.random(in: 0..<2, using: &random)))
        var taken: [Transaction] = []
        var refused: Set<Hash32> = []
        var expected = next
        while taken.count < 20, let transaction = pool.next(remaining: .max) {
            let sender = try #require(UInt32(exactly: transaction.sender.words.2))
            #expect(transaction.envelope.nonce == expected[sender] ?? 0, "seed \(seed)")
            #expect(!refused.contains(transaction.hash), "offered twice, seed \(seed)")
            #expect(pool.contains(transaction.hash), "seed \(seed)")
            if let reason = refusal(of: transaction, baseFee, &random) {
                refused.insert(transaction.hash)
                if !pool.refused(transaction, reason) { break }
            } else {
                expected[sender] = transaction.envelope.nonce + 1
                taken.append(transaction)
            }
        }
        // While the block is under way, others come.
        for _ in 0..<2 { try offer(&pool, next, &random) }
        if Int.random(in: 0..<4, using: &random) == 0 {
            pool.rewind()
        } else {
            pool.included(taken)
            next = expected
        }
    }

    private func refusal(
        of transaction: Transaction, _ baseFee: Amount, _ random: inout SeededGenerator
    ) -> Ineligibility? {
        let cap = transaction.envelope.maxFee
        if cap < baseFee { return .feeCapBelowBaseFee(cap: cap, baseFee: baseFee) }
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return .noCredit(destination: EndpointID(UInt16.random(in: 0..<4, using: &random)))
        case 1: return .dueQueueFull
        case 2: return .blockFull
        case 3: return .insufficientFunds(have: .zero, want: Amount(1))
        default: return nil
        }
    }

    private func expectAccounts(_ pool: Mempool, _ seed: UInt64) throws {
        let counted = pool.counted
        try #require(pool.count == counted.count, "seed \(seed)")
        try #require(pool.byteCount == counted.bytes, "seed \(seed)")
        try #require(pool.count <= 60 && pool.byteCount <= 9_000, "seed \(seed)")
        for account in pool.accounts where !account.transactions.isEmpty {
            let cost = try #require(
                Amount.sum(account.transactions.map { $0.envelope.maximumCost ?? .max }))
            try #require(account.cost == cost, "seed \(seed)")
        }
    }

    private func expectNothingLost(
        _ pool: inout Mempool, _ next: [UInt32: Nonce], _ seed: UInt64
    ) throws {
        var runs: Set<Hash32> = []
        for account in pool.accounts {
            var nonce = account.nonce
            while let transaction = account.transaction(nonce) {
                runs.insert(transaction.hash)
                nonce += 1
            }
        }
        pool.beginBlock(PoolFixture.capacity(slots: 1_000, due: 1_000))
        let offered = pool.drain().map(\.hash)
        #expect(offered.count == Set(offered).count, "seed \(seed)")
        #expect(Set(offered) == runs, "seed \(seed)")
    }
}
