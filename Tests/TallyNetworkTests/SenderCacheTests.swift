import TallyCrypto
import TallyEngine
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@Suite struct SenderCacheTests {
    private let key: PrivateKey
    private let stranger: Address

    init() throws {
        key = try Fixtures.key("sender")
        stranger = try Fixtures.key("stranger").address
    }

    private func raw(_ nonce: Nonce) -> [UInt8] {
        Envelope(
            chainID: 1337, nonce: nonce, weightLimit: 21_000, maxFee: Amount(2_000_000_000),
            maxPriorityFee: Amount(1), to: stranger, value: Amount(1)
        ).signed(by: key)
    }

    @Test func recoversWhatItDoesNotKnow() throws {
        let check = CachedSenders(SenderCache(), chainID: 1337)
        let transaction = try check.transaction(raw: raw(0), sender: key.address)
        #expect(transaction.sender == key.address)
        #expect(throws: SenderError.otherSigner(claimed: stranger)) {
            _ = try check.transaction(raw: raw(0), sender: stranger)
        }
        let foreign = CachedSenders(SenderCache(), chainID: 1)
        #expect(throws: SenderError.self) {
            _ = try foreign.transaction(raw: raw(0), sender: key.address)
        }
    }

    /// A sender that no signature gives shows that none was recovered.
    @Test func believesWhatTheIntakeFound() throws {
        let cache = SenderCache()
        cache.remember([try Transaction(raw: raw(0), verifiedSender: stranger)])
        let check = CachedSenders(cache, chainID: 1337)
        #expect(try check.transaction(raw: raw(0), sender: stranger).sender == stranger)
        #expect(throws: SenderError.otherSigner(claimed: key.address)) {
            _ = try check.transaction(raw: raw(0), sender: key.address)
        }
        #expect(try check.transaction(raw: raw(1), sender: key.address).sender == key.address)
    }

    @Test func forgetsTheOldest() throws {
        let cache = SenderCache(limit: 2)
        let transactions = try (0..<5 as Range<Nonce>).map {
            try Transaction(raw: raw($0), verifiedSender: key.address)
        }
        for transaction in transactions { cache.remember([transaction]) }
        let known = transactions.map { cache.sender(of: $0.hash) != nil }
        #expect(known == [false, false, true, true, true])
    }
}
