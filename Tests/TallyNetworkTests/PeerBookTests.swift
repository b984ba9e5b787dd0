import TallyConsensus
import TallyCrypto
import TallyNetwork
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct PeerBookTests {
    let low: Address
    let own: Address
    let high: Address
    let limits = NetworkLimits()

    init() throws {
        let addresses = try Fixtures.keys(3).map(\.address)
        (low, own, high) = (addresses[0], addresses[1], addresses[2])
    }

    private func book(seed: UInt64 = 1) -> PeerBook {
        PeerBook(
            own: own,
            places: [
                low: PeerPlace(host: "low", port: 1), own: PeerPlace(host: "own", port: 2),
                high: PeerPlace(host: "high", port: 3),
            ], limits: limits, now: .zero, seed: seed)
    }

    private func at(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) }

    // MARK: Dialling (NET-21)

    @Test func leavesTheDialToTheSmallerAddress() {
        var book = book()
        #expect(book.due(.zero).map(\.peer) == [high], "and not ourselves")
        #expect(book.due(at(499)) == [], "one dial at a time")
        #expect(
            book.due(at(500))
                == [PeerBook.Dial(peer: low, place: PeerPlace(host: "low", port: 1))])
    }

    @Test func dialsNobodyWhoIsConnected() {
        var book = book()
        #expect(
            book.connected(ConnectionID(1), with: high, weDialled: false, now: .zero)
                == .admitted(replacing: nil))
        #expect(book.due(.zero) == [])
        book.closed(ConnectionID(1), with: high, now: at(10))
        #expect(book.due(at(10)) == [])
        #expect(book.due(at(10 + 313)).map(\.peer) == [high])
    }

    @Test func waitsLongerAfterEachFailure() {
        forEachSeed(base: 1, count: 5) { seed, _ in
            var book = book(seed: seed)
            _ = book.due(.zero)
            var now = Duration.zero
            var pauses: [Double] = []
            for _ in 0..<12 {
                book.dialFailed(high, now: now)
                let failed = now
                while book.due(now).allSatisfy({ $0.peer != high }) { now += .milliseconds(10) }
                let pause = now - failed
                pauses.append(
                    Double(pause.components.seconds)
                        + Double(pause.components.attoseconds) * 1e-18)
            }
            for (count, pause) in pauses.enumerated() {
                let expected = min(30, 0.25 * Double(1 << count))
                #expect(pause >= 0.75 * expected - 0.01 && pause <= 1.25 * expected + 0.01)
            }
        }
    }

    @Test func drawsItsPausesFromTheSeed() {
        func pause(_ seed: UInt64) -> Int {
            var book = book(seed: seed)
            _ = book.due(.zero)
            book.dialFailed(high, now: .zero)
            return (0...400).first { !book.due(at($0)).isEmpty } ?? -1
        }
        #expect(pause(1) == pause(1))
        #expect(Set((0..<20).map { pause($0) }).count > 5)
    }

    @Test func beginsAnewAfterAStableConnection() {
        var book = book()
        _ = book.due(.zero)
        for _ in 0..<8 { book.dialFailed(high, now: .zero) }
        #expect(book.due(at(20_000)).map(\.peer) == [low])
        _ = book.connected(ConnectionID(1), with: high, weDialled: false, now: at(20_000))
        book.closed(ConnectionID(1), with: high, now: at(29_999))
        #expect(book.due(at(31_000)) == [], "it did not stand for 10 s")
        _ = book.connected(ConnectionID(2), with: high, weDialled: false, now: at(40_000))
        book.closed(ConnectionID(2), with: high, now: at(50_000))
        #expect(book.due(at(50_313)).map(\.peer) == [high])
    }

    // MARK: Two connections (NET-22)

    /// Both sides see the two in either order: the one that the smaller address dialled stays.
    @Test(arguments: [false, true], [false, true])
    func bothSidesKeepTheSameOne(_ smallerSeesOwnFirst: Bool, _ largerSeesOwnFirst: Bool) {
        func kept(by side: Address, with other: Address, ownFirst: Bool) -> Bool {
            var book = PeerBook(own: side, places: [:], limits: limits, now: .zero, seed: 1)
            for (number, weDialled) in [ownFirst, !ownFirst].enumerated() {
                let id = ConnectionID(UInt64(number))
                _ = book.connected(id, with: other, weDialled: weDialled, now: .zero)
            }
            // Whether what stays is what this side dialled.
            return (book.connection(with: other) == ConnectionID(0)) == ownFirst
        }
        #expect(kept(by: low, with: high, ownFirst: smallerSeesOwnFirst))
        #expect(!kept(by: high, with: low, ownFirst: largerSeesOwnFirst))
    }

    @Test func tellsWhichOneGoes() {
        var book = book()
        _ = book.connected(ConnectionID(1), with: low, weDialled: true, now: .zero)
        #expect(
            book.connected(ConnectionID(2), with: low, weDialled: false, now: .zero)
                == .admitted(replacing: ConnectionID(1)))
        #expect(
            book.connected(ConnectionID(3), with: low, weDialled: true, now: .zero)
                == .refused(.duplicate))
        #expect(
            book.connected(ConnectionID(4), with: low, weDialled: false, now: .zero)
                == .admitted(replacing: ConnectionID(2)), "of one dialler the newer stays")
        book.closed(ConnectionID(2), with: low, now: .zero)
        #expect(book.connection(with: low) == ConnectionID(4), "the one replaced is not it")
    }

    // MARK: Offences (NET-15)

    @Test func bansWhoOffendsTooMuch() {
        var book = book()
        let refusal = PeerRefusal.message(.wrongSigner(claimed: high))
        #expect(book.punish(high, for: .message(.superseded), now: .zero) == false)
        #expect(book.score(of: high, now: .zero) == 0)
        for _ in 0..<4 { #expect(book.punish(high, for: refusal, now: .zero) == false) }
        #expect(book.score(of: high, now: .zero) == 80)
        #expect(book.punish(high, for: refusal, now: .zero) == true)
        #expect(book.isBanned(high, now: at(599_999)))
        #expect(book.due(at(1_000)).map(\.peer) == [low], "it is not dialled")
        #expect(
            book.connected(ConnectionID(1), with: high, weDialled: false, now: at(1_000))
                == .refused(.banned(high)))
        #expect(!book.isBanned(high, now: at(600_000)))
        #expect(book.due(at(600_000)).map(\.peer) == [high])
        #expect(book.score(of: high, now: at(600_000)) == 50)
        #expect(book.score(of: high, now: at(650_000)) == 0)
    }

    @Test func forgivesWithTime() {
        var book = book()
        for second in 0..<100 {
            // 20 points every 20 s never add up.
            let isBanned = book.punish(high, for: .wrongBody(.zero), now: at(second * 20_000))
            #expect(!isBanned)
        }
        #expect(book.score(of: high, now: at(99 * 20_000)) == 20)
    }

    /// Distance and time explain them.
    @Test func someRefusalsAreNoOffences() {
        let innocent: [MessageRefusal] = [
            .unknownValidatorSet(.genesis), .heightPast(.genesis), .heightAhead(.genesis),
            .superseded, .duplicate, .unasked, .ownMessage,
        ]
        #expect(innocent.allSatisfy { PeerRefusal.message($0).points == 0 })
        let offences: [MessageRefusal] = [
            .malformed(.truncated), .wrongSigner(claimed: high), .notAValidator(high), .wrongBody,
        ]
        #expect(offences.allSatisfy { PeerRefusal.message($0).points == 20 })
    }
}
