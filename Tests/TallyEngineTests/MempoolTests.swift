import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyEngine

/// Makes transactions without signing them: the pool never looks at a signature.
struct PoolFixture {
    static let funds = Amount(1_000_000_000_000)
    static let layout = ShardLayout(shardCount: 4)

    /// Sender `number`, on shard 0.
    static func sender(_ number: UInt32) -> Address { Address(words: (0, 0, number)) }

    static func pool(_ change: (inout Limits) -> Void = { _ in }) throws -> Mempool {
        var limits = Limits()
        change(&limits)
        var parameters = NetworkParameters(chainID: 1, layout: try #require(layout))
        parameters.minimumBaseFee = Amount(10)
        return Mempool(limits: limits, parameters: parameters)
    }

    static func transaction(
        _ sender: UInt32, _ nonce: Nonce, cap: UInt128 = 1_000, tip: UInt128 = 1,
        value: UInt128 = 1, shard: UInt64 = 0, data: Int = 0
    ) throws -> Transaction {
        let envelope = Envelope(
            chainID: 1, nonce: nonce, weightLimit: 21_000 + UInt64(data) * 4, maxFee: Amount(cap),
            maxPriorityFee: Amount(tip),
            to: Address(words: (shard << 62 | 1, UInt64(sender), 0)), value: Amount(value),
            data: [UInt8](repeating: 0, count: data))
        let one = Hash32(words: (0, 0, 0, 1))
        return try Transaction(
            raw: envelope.raw(signature: RecoverableSignature(r: one, s: one, yParity: 0)),
            verifiedSender: Self.sender(sender))
    }

    static func capacity(baseFee: UInt128 = 10, slots: Int = 100, due: Int = 100) -> BlockCapacity {
        BlockCapacity(
            baseFee: Amount(baseFee), slots: Array(repeating: slots, count: 5), dueEntries: due)
    }
}

extension Mempool {
    /// Takes a transaction of a rich sender whose next nonce is 0.
    mutating func take(_ transaction: Transaction) -> PoolRejection? {
        admit(transaction, nonce: 0, balance: PoolFixture.funds)
    }

    /// Everything that a block with room for all gets.
    mutating func drain() -> [Transaction] {
        var taken: [Transaction] = []
        while let next = next(remaining: .max) { taken.append(next) }
        return taken
    }

    /// What `count` and `byteCount` must say, counted.
    var counted: (count: Int, bytes: Int) {
        let all = accounts.flatMap(\.transactions)
        return (all.count, all.reduce(0) { $0 + $1.raw.count })
    }
}

@Suite struct MempoolTests {
    private func make(
        _ sender: UInt32, _ nonce: Nonce, cap: UInt128 = 1_000, tip: UInt128 = 1,
        value: UInt128 = 1
    ) throws -> Transaction {
        try PoolFixture.transaction(sender, nonce, cap: cap, tip: tip, value: value)
    }

    // MARK: What waits

    /// For a node that comes later (NET-25): it meets no gap that is not here.
    @Test func givesWhatWaitsInTheOrderOfNonces() throws {
        var pool = try PoolFixture.pool()
        let first = try [2, 0, 1].map { try make(1, $0) }
        let second = try [0, 1].map { try make(2, $0) }
        for transaction in first + second { #expect(pool.take(transaction) == nil) }
        let all = [first[1], first[2], first[0], second[0], second[1]].map(\.raw)
        #expect(pool.pending(10, bytes: 10_000) == all)
        #expect(pool.pending(4, bytes: 10_000) == Array(all.prefix(4)))
        let bytes = all.prefix(2).reduce(0) { $0 + $1.count }
        #expect(pool.pending(10, bytes: bytes) == Array(all.prefix(2)))
        #expect(pool.pending(10, bytes: bytes - 1) == Array(all.prefix(1)))
        #expect(pool.pending(0, bytes: 10_000) == [])
        // Taken by a block that is not decided, it waits all the same.
        pool.beginBlock(PoolFixture.capacity())
        #expect(pool.drain().count == 5)
        #expect(pool.pending(10, bytes: 10_000) == all)
        pool.included(first + second)
        #expect(pool.pending(10, bytes: 10_000) == [])
    }

    // MARK: Order

    @Test func noncesComeInOrder() throws {
        var pool = try PoolFixture.pool()
        for nonce: Nonce in [2, 0, 3, 1] { #expect(pool.take(try make(1, nonce)) == nil) }
        pool.beginBlock(PoolFixture.capacity())
        #expect(pool.drain().map(\.envelope.nonce) == [0, 1, 2, 3])
        #expect(pool.count == 4, "what a block took stays until a decision")
    }

    @Test func higherTipsComeFirstAndThenOlderOnes() throws {
        var pool = try PoolFixture.pool()
        for (sender, tip) in [(1, 5), (2, 9), (3, 5), (4, 7)] as [(UInt32, UInt128)] {
            #expect(pool.take(try make(sender, 0, tip: tip)) == nil)
        }
        // A low tip in front holds its sender's high one back.
        #expect(pool.take(try make(1, 1, tip: 100)) == nil)
        let order = pool.drain().map { ($0.sender, $0.envelope.nonce) }
        #expect(order.map(\.0) == [2, 4, 1, 1, 3].map(PoolFixture.sender))
        #expect(order.map(\.1) == [0, 0, 0, 1, 0])
    }

    @Test func whatIsBehindAGapWaits() throws {
        var pool = try PoolFixture.pool()
        #expect(pool.take(try make(1, 1)) == nil)
        #expect(pool.pendingNonce(of: PoolFixture.sender(1)) == 0)
        #expect(pool.drain().isEmpty)
        #expect(pool.take(try make(1, 0)) == nil)
        #expect(pool.pendingNonce(of: PoolFixture.sender(1)) == 2)
        #expect(pool.drain().map(\.envelope.nonce) == [0, 1])
    }

    @Test func aBlockWithoutRoomForATransferGetsNone() throws {
        var pool = try PoolFixture.pool()
        #expect(pool.take(try make(1, 0)) == nil)
        #expect(pool.next(remaining: 20_999) == nil)
        #expect(pool.next(remaining: 21_000) != nil)
    }

    // MARK: Admission

    @Test func theSameTransactionIsKnown() throws {
        var pool = try PoolFixture.pool()
        let transaction = try make(1, 0)
        #expect(pool.take(transaction) == nil)
        #expect(pool.take(transaction) == .alreadyKnown)
        #expect(pool.contains(transaction.hash))
        #expect(pool.transaction(transaction.hash) === transaction)
    }

    @Test(
        arguments: [
            (1_099, 110, false), (1_100, 109, false), (1_100, 110, true), (1_000, 110, false),
        ] as [(UInt128, UInt128, Bool)])
    func aReplacementRaisesBothCapsByATenth(cap: UInt128, tip: UInt128, taken: Bool) throws {
        var pool = try PoolFixture.pool()
        let old = try make(1, 0, cap: 1_000, tip: 100)
        let new = try make(1, 0, cap: cap, tip: tip)
        #expect(pool.take(old) == nil)
        #expect(pool.take(new) == (taken ? nil : .replacementUnderpriced))
        #expect(pool.count == 1)
        #expect(pool.contains(old.hash) == !taken)
        #expect(pool.drain().map(\.hash) == [taken ? new.hash : old.hash])
    }

    @Test func refusesWhatCannotBePaid() throws {
        var pool = try PoolFixture.pool()
        let cost: UInt128 = 21_000 * 1_000 + 1
        func offer(_ nonce: Nonce, value: UInt128 = 1) throws -> PoolRejection? {
            pool.admit(try make(1, nonce, value: value), nonce: 0, balance: Amount(2 * cost))
        }
        #expect(try offer(0) == nil)
        #expect(
            try offer(1, value: 2)
                == .ineligible(
                    .insufficientFunds(have: Amount(2 * cost), want: Amount(2 * cost + 1))))
        #expect(try offer(1) == nil, "pooled cost counts, to the unit")
        #expect(
            try offer(2)
                == .ineligible(.insufficientFunds(have: Amount(2 * cost), want: Amount(3 * cost))))
        // What leaves the pool pays for others again.
        pool.included([try make(1, 0)])
        let later = try make(1, 2)
        #expect(pool.admit(later, nonce: 1, balance: Amount(2 * cost)) == nil)
    }

    @Test func refusesOldNoncesFarOnesAndLowFees() throws {
        var pool = try PoolFixture.pool()
        let old = try make(1, 4)
        #expect(
            pool.admit(old, nonce: 5, balance: PoolFixture.funds)
                == .ineligible(.nonceTooLow(expected: 5, actual: 4)))
        #expect(pool.take(try make(1, 65)) == .gapTooLarge(limit: 64))
        #expect(pool.take(try make(1, 64)) == nil)
        #expect(pool.take(try make(2, 0, cap: 9)) == .underpriced(minimum: Amount(10)))
    }

    @Test func aLongRunIsNoGap() throws {
        var pool = try PoolFixture.pool()
        for nonce: Nonce in 0..<100 { #expect(pool.take(try make(1, nonce)) == nil) }
    }

    @Test func anAccountHasALimit() throws {
        var pool = try PoolFixture.pool { $0.accountTransactions = 2 }
        #expect(pool.take(try make(1, 0)) == nil)
        #expect(pool.take(try make(1, 1)) == nil)
        #expect(pool.take(try make(1, 2)) == .accountLimit(2))
        #expect(pool.take(try make(1, 1, cap: 2_000, tip: 2)) == nil, "a replacement fits")
        #expect(pool.take(try make(2, 0)) == nil)
    }

    @Test func aFullPoolDropsTheLastOfTheLowestTip() throws {
        var pool = try PoolFixture.pool { $0.poolTransactions = 4 }
        let low = try make(1, 1, tip: 2)
        for transaction in [
            try make(1, 0, tip: 50), low, try make(2, 0, tip: 5), try make(3, 0, tip: 5),
        ] {
            #expect(pool.take(transaction) == nil)
        }
        #expect(pool.take(try make(4, 0, tip: 2)) == .poolFull, "it tips no more than the lowest")
        #expect(pool.count == 4)
        #expect(pool.take(try make(4, 0, tip: 3)) == nil)
        #expect(pool.count == 4)
        #expect(!pool.contains(low.hash))
        #expect(pool.drain().map(\.sender) == [1, 2, 3, 4].map(PoolFixture.sender))
    }

    @Test func bytesAreLimitedToo() throws {
        let big = try PoolFixture.transaction(1, 0, data: 500)
        let other = try PoolFixture.transaction(2, 0, tip: 9, data: 500)
        var pool = try PoolFixture.pool { $0.poolBytes = big.raw.count + 50 }
        #expect(pool.take(big) == nil)
        #expect(pool.byteCount == big.raw.count)
        #expect(pool.take(other) == nil)
        #expect(pool.byteCount == other.raw.count)
        #expect(!pool.contains(big.hash))
    }

    @Test func anEvictionThatMakesNoRoomDropsNothing() throws {
        let small = try make(1, 0)
        var pool = try PoolFixture.pool { $0.poolBytes = small.raw.count + 10 }
        #expect(pool.take(small) == nil)
        let huge = try PoolFixture.transaction(2, 0, tip: 9, data: 500)
        #expect(pool.take(huge) == .poolFull)
        #expect(pool.contains(small.hash))
    }
}
