import TallyConsensus
import TallyCrypto
import TallyNetwork
import TallyPrimitives

/// One side of a connection whose other side is the input.
private enum Peers {
    static let now = Duration.seconds(100)
    static let fingerprint = hash("certificate")
    static let own = KeySigner(key("own"))
    static let peer = KeySigner(key("peer"))
    static let chain = ChainIdentity(genesis: hash("genesis"), chainID: 1337)

    static func hash(_ name: String) -> Hash32 { SHA256.hash(.object, Array(name.utf8)) }

    private static func key(_ name: String) -> PrivateKey {
        guard let key = try? PrivateKey(hash(name)) else {
            preconditionFailure("a hash of \(name) that is no key")
        }
        return key
    }

    static let greeting = hello(peer, fingerprint)
    private static let context = PeerSession.Context(
        hello: hello(own, hash("ours")),
        list: PeerList(validators: [own.address, peer.address]), limits: NetworkLimits())

    private static func hello(_ signer: KeySigner, _ fingerprint: Hash32) -> PeerHello {
        PeerHello(
            PeerStatement(chain: chain, fingerprint: fingerprint, role: .validator),
            height: Height(7), signer: signer)
    }

    static let stranger = PeerSession(
        context, side: .listener, fingerprint: fingerprint, now: now)

    /// Past the greeting, whose signature costs more than all else.
    static let established: PeerSession = {
        var session = stranger
        _ = session.receive(PeerFrame.hello(greeting).bytes, now: now)
        precondition(session.identity?.address == peer.address, "a good HELLO is taken")
        return session
    }()
}

/// What the greeting of the peer is: a specimen.
func greetingFrame() -> [UInt8] { PeerFrame.hello(Peers.greeting).bytes }

/// FUZZ-4. The first byte says whether the peer has greeted, and how its bytes are cut.
func checkFrames(_ bytes: [UInt8]) throws(Violation) {
    guard let choice = Choice(bytes, of: 64) else { return }
    let bytes = choice.rest
    let isGreeted = choice.number % 2 == 0
    let initial = isGreeted ? Peers.established : Peers.stranger
    var whole = initial
    let effects = whole.receive(bytes, now: Peers.now)
    var cut = initial
    var pieces: [PeerSession.Effect] = []
    let length = choice.number / 2 + 1
    for start in stride(from: 0, to: bytes.count, by: length) {
        pieces += cut.receive(Array(bytes[start...].prefix(length)), now: Peers.now)
    }
    try check(effects == pieces, "FUZZ-4: pieces are read otherwise")
    try check(whole.isClosed == cut.isClosed, "FUZZ-4: pieces end otherwise")
    try checkEffects(effects, bytes, isGreeted: isGreeted, isClosed: whole.isClosed)
}

/// Whatever is passed on is, byte for byte, what came, in its order.
private func checkEffects(
    _ effects: [PeerSession.Effect], _ bytes: [UInt8], isGreeted: Bool, isClosed: Bool
) throws(Violation) {
    var rest = bytes[...]
    var isGreeted = isGreeted
    for (index, effect) in effects.enumerated() {
        switch effect {
        case .deliver(let frame):
            try check(isGreeted, "FUZZ-4: a frame of a stranger is passed on")
            try skip(to: frame, in: &rest)
        case .send(.pong(let number)): try skip(to: .ping(number), in: &rest)
        case .established: isGreeted = true
        case .send(.goodbye):
            try check(index == effects.count - 2, "FUZZ-4: something follows the farewell")
        case .close:
            try check(index == effects.count - 1 && isClosed, "FUZZ-4: something follows the end")
        case .send: throw Violation("FUZZ-4: an answer of another kind")
        case .pauseReading, .offence: break
        }
    }
    if case .close? = effects.last { return }
    try check(!isClosed, "FUZZ-4: closed without a reason")
}

/// Moves past the next frame of this kind, which has to have these bytes.
private func skip(to frame: PeerFrame, in rest: inout ArraySlice<UInt8>) throws(Violation) {
    while rest.count >= 5 {
        let start = rest.startIndex
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, rest.count >= length + 4 else { break }
        let one = rest[start..<start + 4 + length]
        rest = rest[(start + 4 + length)...]
        guard one[start + 4] == frame.kind.rawValue else { continue }
        return try check(Array(one) == frame.bytes, "FUZZ-1: a frame has two encodings")
    }
    throw Violation("FUZZ-4: a frame is passed on that did not come")
}
