import Synchronization
import TallyCrypto
import TallyEngine
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@Suite struct KnownTransactionsTests {
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
        let check = CachedSenders(KnownTransactions(), chainID: 1337)
        let transaction = try check.transaction(raw: raw(0), sender: key.address)
        #expect(transaction.sender == key.address)
        #expect(throws: SenderError.otherSigner(claimed: stranger)) {
            _ = try check.transaction(raw: raw(0), sender: stranger)
        }
        let foreign = CachedSenders(KnownTransactions(), chainID: 1)
        #expect(throws: SenderError.self) {
            _ = try foreign.transaction(raw: raw(0), sender: key.address)
        }
    }

    /// A sender that no signature gives shows that none was recovered.
    @Test func believesWhatTheIntakeFound() throws {
        let cache = KnownTransactions()
        cache.remember([try Transaction(raw: raw(0), verifiedSender: stranger)])
        let check = CachedSenders(cache, chainID: 1337)
        #expect(try check.transaction(raw: raw(0), sender: stranger).sender == stranger)
        #expect(throws: SenderError.otherSigner(claimed: key.address)) {
            _ = try check.transaction(raw: raw(0), sender: key.address)
        }
        #expect(try check.transaction(raw: raw(1), sender: key.address).sender == key.address)
    }

    @Test func forgetsTheOldest() throws {
        let cache = KnownTransactions(limit: 2)
        let transactions = try (0..<5 as Range<Nonce>).map {
            try Transaction(raw: raw($0), verifiedSender: key.address)
        }
        for transaction in transactions { cache.remember([transaction]) }
        let known = transactions.map { cache.sender(of: $0.hash) != nil }
        #expect(known == [false, false, true, true, true])
    }

    @Test func forgetsWhatIsTwoMinutesOld() throws {
        let clock = SteppedClock()
        let cache = KnownTransactions(clock: clock)
        let transactions = try (0..<4 as Range<Nonce>).map {
            try Transaction(raw: raw($0), verifiedSender: key.address)
        }
        func known() -> [Bool] { transactions.map { cache.sender(of: $0.hash) != nil } }
        cache.remember([transactions[0]])
        clock.step(by: .seconds(59))
        cache.remember([transactions[1]])
        clock.step(by: .seconds(1))
        cache.remember([transactions[2]])
        #expect(known() == [true, true, true, false])
        clock.step(by: .seconds(60))
        cache.remember([transactions[3]])
        #expect(known() == [false, false, true, true])
    }

    /// The very object, as long as somebody else holds it.
    @Test func keepsNothingFromEnding() throws {
        let known = KnownTransactions()
        let check = CachedSenders(known, chainID: 1337)
        var transaction: Transaction? = try Transaction(raw: raw(0), verifiedSender: stranger)
        let hash = try #require(transaction?.hash)
        known.remember([try #require(transaction)])
        let found = try check.transaction(raw: raw(0), sender: stranger)
        #expect(found === transaction)
        #expect(known.transactions([hash, .zero])[1] == nil)
        #expect(known.transactions([hash])[0] === transaction)
        withExtendedLifetime(found) {}
        transaction = nil
        // `found` may live until the end of the scope: a fresh one shows the end.
        known.remember([try Transaction(raw: raw(1), verifiedSender: stranger)])
        let other = try Transaction(raw: raw(1), verifiedSender: stranger).hash
        #expect(known.transactions([other])[0] == nil)
        #expect(known.sender(of: other) == stranger)
    }

    @Test func saysSinceWhen() throws {
        let clock = SteppedClock()
        let known = KnownTransactions(clock: clock)
        let transactions = try (0..<2 as Range<Nonce>).map {
            try Transaction(raw: raw($0), verifiedSender: key.address)
        }
        known.remember([transactions[0]])
        clock.step(by: .milliseconds(200))
        // The first one stays as old as it is.
        known.remember(transactions)
        clock.step(by: .milliseconds(50))
        let hashes = transactions.map(\.hash) + [.zero]
        #expect(known.areKnown(hashes, for: .milliseconds(250)) == [true, false, false])
        #expect(known.areKnown(hashes, for: .milliseconds(50)) == [true, true, false])
        #expect(known.areKnown(hashes, for: .milliseconds(251)) == [false, false, false])
    }
}

/// A clock that stands still.
private final class SteppedClock: NodeClock {
    private let time = Mutex(Duration.seconds(1_000))

    func now() -> BeaconTime { BeaconTime(milliseconds: 0) }
    func uptime() -> Duration { time.withLock { $0 } }
    func sleep(milliseconds: UInt64) async throws {}
    func step(by duration: Duration) { time.withLock { $0 += duration } }
}
