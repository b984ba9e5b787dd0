import TallyConsensus
import TallyCrypto
import TallyNetwork
import TallyPrimitives

/// A session of ours with a peer whose bytes the test makes up.
struct SessionDriver {
    let own: PrivateKey
    let peer: PrivateKey
    let list: PeerList
    var session: PeerSession

    /// Of the peer's certificate, as TLS showed it.
    static let fingerprint = Fixtures.hash("their certificate")
    static let start = Duration.seconds(100)

    init(
        side: PeerSession.Side = .listener, limits: NetworkLimits = NetworkLimits(),
        observers: [Address] = []
    ) throws {
        let keys = try Fixtures.keys(2)
        own = keys[0]
        peer = keys[1]
        list = PeerList(validators: keys.map(\.address), observers: observers)
        let hello = Fixtures.hello(own, fingerprint: Fixtures.hash("our certificate"))
        session = PeerSession(
            PeerSession.Context(hello: hello, list: list, limits: limits), side: side,
            fingerprint: Self.fingerprint, now: Self.start)
    }

    /// A HELLO as the peer's node sends it.
    var hello: PeerHello {
        Fixtures.hello(peer, fingerprint: Self.fingerprint, height: Height(7))
    }

    mutating func receive(_ frames: PeerFrame..., at seconds: Double = 0) -> [PeerSession.Effect] {
        session.receive(frames.flatMap(\.bytes), now: Self.start + .seconds(seconds))
    }

    /// Past the greeting.
    static func established(
        limits: NetworkLimits = NetworkLimits(), role: PeerRole = .validator
    ) throws -> SessionDriver {
        var driver = try SessionDriver(limits: limits)
        let hello = Fixtures.hello(
            driver.peer, role: role, fingerprint: fingerprint, height: Height(7))
        _ = driver.receive(.hello(hello))
        precondition(driver.session.identity?.address == driver.peer.address)
        return driver
    }

    /// What a session does that refuses something.
    static func refusal(_ refusal: PeerRefusal) -> [PeerSession.Effect] {
        [.send(.goodbye(refusal.code)), .close(refusal)]
    }
}
