import TallyConsensus
import TallyCrypto
import TallyNetwork
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct FrameTests {
    /// One of each kind, after HELLO.
    static let frames: [PeerFrame] = [
        .ping(1 << 40), .pong(0), .vote([0xc1, 0x02]), .block([0xc2, 0x01, 0x80]),
        .head(Height(300), digest: Fixtures.hash("head")), .bodyRequest(Fixtures.hash("body")),
        .body(Fixtures.hash("body"), [1, 2, 3]), .body(Fixtures.hash("body"), nil),
        .finalsRequest(first: Height(5), last: Height(20)),
        .transactions([[1, 2, 3], [], [0x7f]]), .outline([0xc2, 0x01, 0x80]),
        .missingRequest(Fixtures.hash("block"), [0, 7, 8, 30]),
        .missing(Fixtures.hash("block"), []),
    ]

    /// NET-6
    @Test func hasTheBytesOfTheSpecification() {
        #expect(PeerFrame.ping(1).bytes == [0, 0, 0, 3, 3, 0xc1, 1])
        #expect(PeerFrame.goodbye(19).bytes == [0, 0, 0, 3, 2, 0xc1, 19])
        #expect(
            PeerFrame.finalsRequest(first: Height(1), last: Height(300)).bytes
                == [0, 0, 0, 6, 10, 0xc4, 1, 0x82, 1, 0x2c])
        #expect(PeerFrame.transactions([[0xff]]).bytes == [0, 0, 0, 4, 11, 0xc2, 0x81, 0xff])
        let wire: [UInt8] = [0xc1, 0x02]
        #expect(PeerFrame.vote(wire).bytes == [0, 0, 0, 3, 5] + wire)
    }

    /// However they are cut, and however many come at once.
    @Test func arriveInAnyPieces() throws {
        let bytes = Self.frames.flatMap(\.bytes)
        let expected: [PeerSession.Effect] = Self.frames.compactMap { frame in
            switch frame {
            case .ping(let number): .send(.pong(number))
            case .pong: nil
            default: .deliver(frame)
            }
        }
        try forEachSeed(base: 1, count: 50) { _, generator in
            var driver = try SessionDriver.established()
            var effects: [PeerSession.Effect] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...20, using: &generator))
                effects += driver.session.receive(
                    Array(rest.prefix(count)), now: SessionDriver.start)
                rest = rest.dropFirst(count)
            }
            #expect(effects == expected)
        }
    }

    static let limits = NetworkLimits()

    /// GET-MISSING with one byte of positions, which is that item.
    private static func missingRequest(_ item: UInt8) -> [UInt8] {
        [0, 0, 0, 36, 13, 0xe2, 0xa0] + Hash32.zero.bytes + [item]
    }

    /// NET-8: the refusal comes with the first five bytes, or with the last of the frame.
    @Test(arguments: [
        ([0, 0, 0, 0, 3], PeerRefusal.emptyFrame),
        ([0, 0, 0, 2, 0], .unknownKind(0)),
        ([0, 0, 0, 2, 15], .unknownKind(15)),
        ([0xff, 0xff, 0xff, 0xff, 9], .tooLong(.body, bytes: 0xffff_fffe, limit: 67_108_912)),
        ([0, 0, 0, 18, 3], .tooLong(.ping, bytes: 17, limit: 16)),
        ([0, 1, 0, 0, 5], .tooLong(.vote, bytes: 65_535, limit: limits.payloadBytes(.vote))),
        ([0, 0, 0, 1, 3], .malformed(.ping, .truncated)),
        ([0, 0, 0, 2, 3, 0x01], .malformed(.ping, .expectedList)),
        ([0, 0, 0, 3, 3, 0xc1, 0x00], .malformed(.ping, .nonCanonicalInteger)),
        ([0, 0, 0, 4, 3, 0xc2, 1, 1], .malformed(.ping, .trailingBytes)),
        ([0, 0, 0, 4, 3, 0xc1, 1, 1], .malformed(.ping, .trailingBytes)),
        (
            [0, 0, 0, 3, 8, 0xc1, 0x80],
            .malformed(.bodyRequest, .wrongLength(expected: 32, actual: 0))
        ),
        ([0, 0, 0, 4, 10, 0xc2, 5, 4], .malformed(.finalsRequest, .unknownValue(4))),
        ([0, 0, 0, 4, 10, 0xc2, 5, 21], .malformed(.finalsRequest, .tooLong(limit: 16))),
        ([0, 0, 0, 2, 11, 0xc0], .malformed(.transactions, .truncated)),
        ([0, 0, 0, 4, 11, 0xc2, 0xc1, 1], .malformed(.transactions, .expectedString)),
        (missingRequest(0x80), .malformed(.missingRequest, .truncated)),
        (missingRequest(0x00), .malformed(.missingRequest, .nonCanonicalInteger)),
    ])
    func refuses(_ bytes: [UInt8], _ refusal: PeerRefusal) throws {
        var driver = try SessionDriver.established()
        #expect(
            driver.session.receive(bytes, now: SessionDriver.start)
                == SessionDriver.refusal(refusal))
        #expect(driver.receive(.ping(1)) == [], "nothing is heard after the end")
    }

    @Test func refusesTooManyTransactions() throws {
        var driver = try SessionDriver.established()
        let raws = Array(repeating: [UInt8](), count: 1_025)
        #expect(
            driver.receive(.transactions(raws))
                == SessionDriver.refusal(.malformed(.transactions, .tooLong(limit: 1_024))))
    }

    /// NET-16
    @Test func hasTheClassOfTheSpecification() {
        for kind in FrameKind.allCases {
            switch kind {
            case .block, .body, .outline, .missing: #expect(kind.trafficClass == .bodies)
            case .transactions: #expect(kind.trafficClass == .gossip)
            case .hello, .goodbye, .ping, .pong, .vote, .head, .bodyRequest, .finalsRequest,
                .missingRequest:
                #expect(kind.trafficClass == .votes)
            }
        }
    }

    @Test func givesEveryRefusalItsNumber() throws {
        let key = try Fixtures.key("somebody").address
        let all: [PeerRefusal] = [
            .emptyFrame, .unknownKind(0), .tooLong(.vote, bytes: 1, limit: 0),
            .malformed(.vote, .truncated), .tooEarly(.vote), .secondHello, .wrongVersion(2),
            .wrongChain(Fixtures.chain), .wrongSignature(claimed: key), .ownKey,
            .notOnTheList(key), .wrongRole(key, .observer),
            .notWhoWasDialled(expected: key, actual: key), .noTLS, .unreadableCertificate,
            .greetingTimeout, .tooManyStrangers, .banned(key), .duplicate, .silent,
            .tooManyRequests, .unaskedBody(.zero), .wrongBody(.zero), .message(.duplicate),
            .stopping, .goodbye(1), .lost, .malformedTransaction,
        ]
        #expect(all.map(\.code) == Array(1...28))
    }
}
