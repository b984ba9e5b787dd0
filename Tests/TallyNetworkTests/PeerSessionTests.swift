import TallyConsensus
import TallyCrypto
import TallyNetwork
import TallyPrimitives
import Testing

@Suite struct PeerSessionTests {
    // MARK: Greeting

    /// NET-3
    @Test func greetsFirst() throws {
        let driver = try SessionDriver()
        #expect(
            driver.session.greet() == [
                .send(
                    .hello(
                        Fixtures.hello(
                            driver.own, fingerprint: Fixtures.hash("our certificate"))))
            ])
    }

    @Test func takesAGoodHello() throws {
        var driver = try SessionDriver()
        let identity = PeerIdentity(
            address: driver.peer.address, role: .validator, height: Height(7))
        #expect(driver.session.identity == nil)
        #expect(driver.receive(.hello(driver.hello)) == [.established(identity)])
        #expect(driver.session.identity == identity)
        // What follows in the same bytes is taken too.
        driver = try SessionDriver()
        #expect(
            driver.receive(.hello(driver.hello), .vote([0xc0]))
                == [.established(identity), .deliver(.vote([0xc0]))])
    }

    @Test func takesWhoWasDialled() throws {
        let peer = try SessionDriver().peer.address
        var driver = try SessionDriver(side: .dialler(peer))
        #expect(driver.receive(.hello(driver.hello)).count == 1)
        #expect(driver.session.identity?.address == peer)
    }

    enum WrongHello: CaseIterable {
        case chainID, genesis, otherCertificate, otherKey, otherRole, ownKey, stranger
        case observerAsValidator, notDialled
    }

    /// NET-4: every fault has its refusal.
    @Test(arguments: WrongHello.allCases)
    func refusesAWrongHello(_ fault: WrongHello) throws {
        let stranger = try Fixtures.key("stranger")
        let observer = try Fixtures.key("observer")
        let fingerprint = SessionDriver.fingerprint
        var side = PeerSession.Side.listener
        if fault == .notDialled { side = .dialler(stranger.address) }
        var driver = try SessionDriver(side: side, observers: [observer.address])
        let peer = driver.peer
        let hello: PeerHello
        let refusal: PeerRefusal
        switch fault {
        case .chainID:
            let chain = ChainIdentity(genesis: Fixtures.chain.genesis, chainID: 1)
            hello = Fixtures.hello(peer, chain: chain, fingerprint: fingerprint)
            refusal = .wrongChain(chain)
        case .genesis:
            let chain = ChainIdentity(genesis: .zero, chainID: Fixtures.chain.chainID)
            hello = Fixtures.hello(peer, chain: chain, fingerprint: fingerprint)
            refusal = .wrongChain(chain)
        case .otherCertificate:
            // Seen elsewhere and sent again from behind another certificate.
            hello = Fixtures.hello(peer, fingerprint: Fixtures.hash("a third certificate"))
            refusal = .wrongSignature(claimed: peer.address)
        case .otherKey:
            let signed = Fixtures.hello(stranger, fingerprint: fingerprint)
            hello = PeerHello(
                chain: signed.chain, role: .validator, height: .genesis, address: peer.address,
                signature: signed.signature)
            refusal = .wrongSignature(claimed: peer.address)
        case .otherRole:
            let signed = Fixtures.hello(peer, role: .observer, fingerprint: fingerprint)
            hello = PeerHello(
                chain: signed.chain, role: .validator, height: .genesis, address: peer.address,
                signature: signed.signature)
            refusal = .wrongSignature(claimed: peer.address)
        case .ownKey:
            hello = Fixtures.hello(driver.own, fingerprint: fingerprint)
            refusal = .ownKey
        case .stranger:
            hello = Fixtures.hello(stranger, fingerprint: fingerprint)
            refusal = .notOnTheList(stranger.address)
        case .observerAsValidator:
            hello = Fixtures.hello(observer, fingerprint: fingerprint)
            refusal = .wrongRole(observer.address, .validator)
        case .notDialled:
            hello = Fixtures.hello(peer, fingerprint: fingerprint)
            refusal = .notWhoWasDialled(expected: stranger.address, actual: peer.address)
        }
        #expect(driver.receive(.hello(hello)) == SessionDriver.refusal(refusal))
        #expect(driver.session.identity == nil)
        #expect(driver.session.isClosed)
    }

    /// Whatever stands behind the version.
    @Test func refusesAnotherVersion() throws {
        for rest: [UInt8] in [[], [0x55], [0xff]] {
            var driver = try SessionDriver()
            let list = [0xc1 + UInt8(rest.count), 2] + rest
            #expect(
                driver.session.receive(
                    [0, 0, 0, 1 + UInt8(list.count), 1] + list, now: SessionDriver.start)
                    == SessionDriver.refusal(.wrongVersion(2)))
        }
    }

    @Test func refusesAMalformedHello() throws {
        var driver = try SessionDriver()
        let version1: [UInt8] = [0, 0, 0, 3, 1, 0xc1, 1]
        #expect(
            driver.session.receive(version1, now: SessionDriver.start)
                == SessionDriver.refusal(.malformed(.hello, .truncated)))
        driver = try SessionDriver()
        let long: [UInt8] = [0, 0, 1, 2, 1]
        #expect(
            driver.session.receive(long, now: SessionDriver.start)
                == SessionDriver.refusal(.tooLong(.hello, bytes: 257, limit: 256)))
    }

    /// NET-7: not a byte of what is no HELLO is kept.
    @Test(arguments: FrameKind.allCases.filter { $0 != .hello && $0 != .goodbye })
    func takesNothingBeforeHello(_ kind: FrameKind) throws {
        var driver = try SessionDriver()
        let header: [UInt8] = [0, 0, 0, 2, kind.rawValue]
        #expect(
            driver.session.receive(header, now: SessionDriver.start)
                == SessionDriver.refusal(.tooEarly(kind)))
    }

    @Test func refusesASecondHello() throws {
        var driver = try SessionDriver.established()
        #expect(driver.receive(.hello(driver.hello)) == SessionDriver.refusal(.secondHello))
    }

    @Test func waitsForHelloNoLongerThanItShould() throws {
        var driver = try SessionDriver()
        #expect(driver.session.tick(SessionDriver.start + .milliseconds(4_999)) == [])
        #expect(
            driver.session.tick(SessionDriver.start + .seconds(5))
                == SessionDriver.refusal(.greetingTimeout))
        #expect(driver.session.tick(SessionDriver.start + .seconds(9)) == [])
    }

    // MARK: Use

    @Test func endsAtGoodbye() throws {
        var driver = try SessionDriver()
        #expect(driver.receive(.goodbye(19)) == [.close(.goodbye(19))])
        driver = try SessionDriver.established()
        #expect(driver.receive(.goodbye(25), .ping(1)) == [.close(.goodbye(25))])
        #expect(driver.session.close(.stopping) == [])
    }

    /// NET-13
    @Test(arguments: [PeerRole.validator, .observer])
    func takesTransactionsOfWhoeverIsOnTheList(_ role: PeerRole) throws {
        let frame = PeerFrame.transactions([[1]])
        var driver = try SessionDriver.established(role: role)
        #expect(driver.receive(frame) == [.deliver(frame)])
    }

    /// NET-20
    @Test func asksWhoIsSilentAndThenGivesUp() throws {
        var driver = try SessionDriver.established()
        let start = SessionDriver.start
        #expect(driver.session.tick(start + .milliseconds(9_999)) == [])
        #expect(driver.session.tick(start + .seconds(10)) == [.send(.ping(110))])
        #expect(driver.session.tick(start + .seconds(11)) == [], "once")
        #expect(driver.receive(.pong(110), at: 12) == [])
        #expect(driver.session.tick(start + .milliseconds(21_999)) == [])
        #expect(driver.session.tick(start + .seconds(22)) == [.send(.ping(122))])
        #expect(driver.session.tick(start + .milliseconds(31_999)) == [])
        #expect(
            driver.session.tick(start + .seconds(32)) == SessionDriver.refusal(.silent))
    }

    // MARK: Budgets (NET-14)

    @Test func readsNoMoreWhenTheBytesAreUsedUp() throws {
        var limits = NetworkLimits()
        limits.bytes = .init(perSecond: 1_000, burst: 2_000)
        var driver = try SessionDriver.established(limits: limits)
        let hello = PeerFrame.hello(driver.hello).bytes.count
        let frame = PeerFrame.vote([UInt8](repeating: 0xc0, count: 1_000 - 5))
        #expect(driver.receive(frame) == [.deliver(frame)])
        // 2,000 more bytes, of which the greeting and the first frame left less than half.
        let effects = driver.receive(frame, frame)
        #expect(effects.dropLast() == [.deliver(frame), .deliver(frame)], "nothing is lost")
        #expect(
            effects.last == .pauseReading(.seconds(Double(1_000 + hello) / 1_000)),
            "until all is paid for")
        // After that and a second, there is room for a frame again.
        #expect(driver.receive(frame, at: 2.5).count == 1)
    }

    @Test func readsNoMoreWhenTheFramesAreUsedUp() throws {
        var limits = NetworkLimits()
        limits.frames = .init(perSecond: 10, burst: 3)
        var driver = try SessionDriver.established(limits: limits)
        #expect(driver.receive(.vote([0xc0]), .vote([0xc0])).count == 2)
        #expect(
            driver.receive(.vote([0xc0]))
                == [.deliver(.vote([0xc0])), .pauseReading(.seconds(0.1))])
        #expect(driver.receive(.vote([0xc0]), at: 0.2).count == 1)
    }

    @Test func answersNoMoreThanItShould() throws {
        var limits = NetworkLimits()
        limits.answers = .init(perSecond: 2, burst: 17)
        var driver = try SessionDriver.established(limits: limits)
        let finals = PeerFrame.finalsRequest(first: Height(1), last: Height(16))
        let body = PeerFrame.bodyRequest(.zero)
        #expect(driver.receive(finals, body) == [.deliver(finals), .deliver(body)])
        #expect(driver.receive(body) == [.offence(.tooManyRequests)])
        #expect(driver.receive(body, body, body, at: 1).last == .offence(.tooManyRequests))
        #expect(driver.receive(finals, at: 8) == [.offence(.tooManyRequests)])
        #expect(driver.receive(finals, at: 9) == [.deliver(finals)])
    }
}
