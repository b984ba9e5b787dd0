import TallyExecution
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyEngine

/// The pool against a table of nonces.
@Suite struct MempoolModelTests {
    private struct Model {
        /// Next nonce in the decided state, and what is pooled, by sender.
        var next: [Nonce]
        var pooled: [Set<Nonce>]

        func gap(_ sender: Int) -> Nonce {
            var nonce = next[sender]
            while pooled[sender].contains(nonce) { nonce += 1 }
            return nonce
        }
    }

    @Test func takesAndGivesWhatATableOfNoncesSays() throws {
        try forEachSeed(base: 0x5eed_6001, count: 20) { seed, generator in
            let senders = 5
            var pool = try PoolFixture.pool()
            var model = Model(
                next: Array(repeating: 0, count: senders),
                pooled: Array(repeating: [], count: senders))
            for _ in 0..<60 {
                try offer(&pool, &model, &generator)
                #expect(pool.count == model.pooled.reduce(0) { $0 + $1.count }, "seed \(seed)")
                for sender in 0..<senders {
                    let expected = model.pooled[sender].isEmpty ? nil : model.gap(sender)
                    #expect(
                        pool.pendingNonce(of: PoolFixture.sender(UInt32(sender))) == expected,
                        "seed \(seed)")
                }
                guard Int.random(in: 0..<4, using: &generator) == 0 else { continue }
                block(&pool, &model, seed, &generator)
            }
            let counted = pool.counted
            #expect(counted.count == pool.count && counted.bytes == pool.byteCount, "seed \(seed)")
        }
    }

    /// A transaction up to 8 ahead, in no order.
    private func offer(
        _ pool: inout Mempool, _ model: inout Model, _ generator: inout SeededGenerator
    ) throws {
        let sender = Int.random(in: 0..<model.next.count, using: &generator)
        let nonce = model.next[sender] + UInt64.random(in: 0..<8, using: &generator)
        let rejection = pool.admit(
            try PoolFixture.transaction(UInt32(sender), nonce), nonce: model.next[sender],
            balance: PoolFixture.funds)
        #expect((rejection == .alreadyKnown) == model.pooled[sender].contains(nonce))
        model.pooled[sender].insert(nonce)
    }

    /// A block that is decided, or not.
    private func block(
        _ pool: inout Mempool, _ model: inout Model, _ seed: UInt64,
        _ generator: inout SeededGenerator
    ) {
        pool.beginBlock(PoolFixture.capacity())
        let room = Int.random(in: 0...12, using: &generator)
        var taken: [Transaction] = []
        while taken.count < room, let next = pool.next(remaining: .max) { taken.append(next) }
        var expected = model.next
        for transaction in taken {
            let sender = Int(transaction.sender.words.2)
            #expect(transaction.envelope.nonce == expected[sender], "seed \(seed)")
            expected[sender] += 1
        }
        if taken.count < room {
            for sender in model.next.indices {
                #expect(expected[sender] == model.gap(sender), "nothing is left, seed \(seed)")
            }
        }
        guard Bool.random(using: &generator) else { return pool.rewind() }
        pool.included(taken)
        for transaction in taken {
            model.pooled[Int(transaction.sender.words.2)].remove(transaction.envelope.nonce)
        }
        model.next = expected
    }

    @Test func aFreedPlaceIsNotTakenForItsFormerAccount() throws {
        var pool = try PoolFixture.pool()
        let first = try PoolFixture.transaction(1, 0, tip: 9)
        #expect(pool.take(first) == nil)
        // Leaves while its head stands in `ready`.
        pool.included([first])
        let second = try PoolFixture.transaction(2, 1)
        #expect(pool.take(second) == nil)
        #expect(pool.drain().isEmpty, "the newcomer waits behind a gap")
        #expect(pool.take(try PoolFixture.transaction(2, 0)) == nil)
        #expect(pool.drain().map(\.envelope.nonce) == [0, 1])
    }
}
