import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyEngine

@Suite struct NumberIndexTests {
    @Test func findsWhatADictionaryHoldsThoughHashesCollide() {
        forEachSeed(base: 0x5eed_6101, count: 20) { seed, generator in
            var index = NumberIndex(capacity: 0)
            // Few hashes, some at the end of the table, so that runs of cells are long and wrap.
            let hashes: [UInt32] = [0, 1, 2, 14, 15, 16, 0xffff_ffff, 0xffff_fffe, 7, 8]
            var model: [Int: UInt32] = [:]
            for step in 0..<400 {
                let number = Int.random(in: 0..<60, using: &generator)
                if let hash = model[number] {
                    index.remove(number, hash)
                    model[number] = nil
                } else {
                    let hash = hashes[Int.random(in: 0..<hashes.count, using: &generator)]
                    index.insert(number, hash)
                    model[number] = hash
                }
                #expect(index.count == model.count, "seed \(seed), step \(step)")
                for number in 0..<60 {
                    for hash in hashes {
                        let found = index.number(hash) { $0 == number }
                        #expect(
                            found == (model[number] == hash ? number : nil),
                            "seed \(seed), step \(step)")
                    }
                }
            }
        }
    }

    @Test func tellsKeysApartThatShareMostBytes() {
        let index = NumberIndex()
        let hashes = Set((0..<1_000).map { index.hash(Hash32(words: (0, $0, 0, 0))) })
        let addresses = Set((0..<1_000).map { index.hash(Address(words: (0, 0, $0))) })
        #expect(hashes.count > 990 && addresses.count > 990)
    }

    @Test func keepsTransactionsOfAnAccountInOrder() throws {
        let made = try (0..<40).map { try PoolFixture.transaction(1, $0) }
        forEachSeed(base: 0x5eed_6102, count: 20) { seed, generator in
            var transactions = AccountTransactions()
            var model: [Nonce] = []
            for _ in 0..<100 {
                let isFull = model.count == made.count
                if isFull || !model.isEmpty && Bool.random(using: &generator) {
                    let index = Int.random(in: 0..<model.count, using: &generator)
                    let removed = transactions.remove(at: index)
                    #expect(removed.envelope.nonce == model.remove(at: index), "seed \(seed)")
                } else {
                    let nonce = Nonce.random(in: 0..<40, using: &generator)
                    guard !model.contains(nonce) else { continue }
                    let index = model.firstIndex { $0 > nonce } ?? model.count
                    model.insert(nonce, at: index)
                    transactions.insert(made[Int(nonce)], at: index)
                }
                #expect(transactions.map(\.envelope.nonce) == model, "seed \(seed)")
            }
        }
    }
}
