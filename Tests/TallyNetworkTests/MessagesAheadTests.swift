import TallyCrypto
import TallyPrimitives
import Testing

@testable import TallyNetwork

@Suite struct MessagesAheadTests {
    private let alice: Address
    private let bob: Address

    init() throws {
        alice = try Fixtures.key("alice").address
        bob = try Fixtures.key("bob").address
    }

    @Test func givesBackInTheOrderOfComing() {
        var ahead = MessagesAhead()
        for (number, height, peer) in [(0, 5, alice), (1, 4, bob), (2, 6, bob), (3, 4, alice)] {
            let isKept = ahead.keep(
                [UInt8(number)], of: Height(UInt64(height)), from: peer, known: Height(3))
            #expect(isKept)
        }
        #expect(taken(&ahead, through: 3) == [])
        #expect(taken(&ahead, through: 5) == [[0], [1], [3]])
        #expect(taken(&ahead, through: 5) == [])
        ahead.forget(alice)
        #expect(taken(&ahead, through: 9) == [[2]])
    }

    @Test(arguments: [(3, false), (4, true), (11, true), (12, false), (.max, false)])
    func keepsOnlyHeightsAhead(height: UInt64, isExpected: Bool) {
        var ahead = MessagesAhead()
        let isKept = ahead.keep([0], of: Height(height), from: alice, known: Height(3))
        #expect(isKept == isExpected)
    }

    @Test func isBoundedForEachPeer() {
        var ahead = MessagesAhead()
        func keep(_ wire: [UInt8], _ peer: Address) -> Bool {
            ahead.keep(wire, of: Height(4), from: peer, known: Height(3))
        }
        for number in 0...MessagesAhead.frames {
            let isKept = keep([0], alice)
            #expect(isKept == (number < MessagesAhead.frames))
        }
        let half = [UInt8](repeating: 0, count: MessagesAhead.bytes / 2)
        let shares = [keep(half, bob), keep(half, bob), keep([0], bob)]
        #expect(shares == [true, true, false])
        ahead.forget(bob)
        let isKept = keep(half, bob)
        #expect(isKept)
        #expect(taken(&ahead, through: 4).count == MessagesAhead.frames + 1)
    }

    private func taken(_ ahead: inout MessagesAhead, through height: UInt64) -> [[UInt8]] {
        ahead.take(through: Height(height)).map(\.wire)
    }
}
