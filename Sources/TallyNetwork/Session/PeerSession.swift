import TallyConsensus
package import TallyPrimitives

/// One connection, from TLS to its end: greets, judges, counts, watches over silence.
///
/// A state machine without socket or clock: what arrives and what time it is are given to it, and it
/// answers with what to do, in order. Time is that since some moment, never going back.
package struct PeerSession: Sendable {
    /// Who opened the connection.
    package enum Side: Hashable, Sendable {
        /// We dialled whom we expect.
        case dialler(Address)
        case listener
    }

    package enum Effect: Hashable, Sendable {
        /// Ours: never of the class of bodies or gossip.
        case send(PeerFrame)
        /// The other's HELLO is good: frames follow.
        case established(PeerIdentity)
        /// For whoever uses the network.
        case deliver(PeerFrame)
        /// Read nothing for so long (NET-14).
        case pauseReading(Duration)
        /// Counts against the peer; the connection goes on.
        case offence(PeerRefusal)
        /// The last effect: send what was said before, then close.
        case close(PeerRefusal)
    }

    /// What both sides of all connections know.
    package struct Context: Sendable {
        /// Ours, with the height at present.
        package var hello: PeerHello
        package var list: PeerList
        package var limits: NetworkLimits

        package init(hello: PeerHello, list: PeerList, limits: NetworkLimits) {
            self.hello = hello
            self.list = list
            self.limits = limits
        }
    }

    private enum State: Hashable, Sendable {
        /// Our HELLO is on its way, theirs awaited since then.
        case greeting(since: Duration)
        case established(PeerIdentity)
        case closed
    }

    private let context: Context
    private let side: Side
    /// Of the certificate that TLS showed.
    private let fingerprint: Hash32
    private var state: State
    private var parser: FrameParser
    private var bytes: TokenBucket
    private var frames: TokenBucket
    private var answers: TokenBucket
    /// When something was last heard.
    private var heard: Duration
    private var isPinging = false

    /// TLS stands. The first effects are those of ``greet()``.
    package init(_ context: Context, side: Side, fingerprint: Hash32, now: Duration) {
        self.context = context
        self.side = side
        self.fingerprint = fingerprint
        state = .greeting(since: now)
        parser = FrameParser(limits: context.limits)
        bytes = TokenBucket(context.limits.bytes, now: now)
        frames = TokenBucket(context.limits.frames, now: now)
        answers = TokenBucket(context.limits.answers, now: now)
        heard = now
    }

    /// `nil` until the other's HELLO was found good, and after the end.
    package var identity: PeerIdentity? {
        guard case .established(let identity) = state else { return nil }
        return identity
    }

    package var isClosed: Bool { state == .closed }

    /// NET-3
    package func greet() -> [Effect] { [.send(.hello(context.hello))] }

    // MARK: What arrives

    /// - Parameter bytes: do not escape.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer, now: Duration) -> [Effect] {
        guard !isClosed, !bytes.isEmpty else { return [] }
        heard = now
        isPinging = false
        self.bytes.take(Double(bytes.count), now: now)
        var effects: [Effect] = []
        do throws(PeerRefusal) {
            var rest = bytes
            while let frame = try parser.next(&rest, isGreeted: identity != nil) {
                frames.take(1, now: now)
                try handle(frame, &effects, now)
                if isClosed { return effects }
            }
        } catch {
            return effects + close(error)
        }
        // NET-14
        if let pause = [self.bytes.debt, frames.debt].compactMap({ $0 }).max() {
            effects.append(.pauseReading(pause))
        }
        return effects
    }

    package mutating func receive(_ bytes: [UInt8], now: Duration) -> [Effect] {
        bytes.withUnsafeBytes { receive($0, now: now) }
    }

    private mutating func handle(
        _ frame: PeerFrame, _ effects: inout [Effect], _ now: Duration
    ) throws(PeerRefusal) {
        switch frame {
        case .hello(let hello):
            guard case .greeting = state else { throw .secondHello }
            let identity = try judge(hello)
            state = .established(identity)
            effects.append(.established(identity))
        case .goodbye(let code):
            state = .closed
            effects.append(.close(.goodbye(code)))
        case .ping(let number): effects.append(.send(.pong(number)))
        case .pong: break
        case .bodyRequest, .missingRequest: ask(for: 1, frame, &effects, now)
        case .finalsRequest(let first, let last):
            ask(for: Double(last.value - first.value + 1), frame, &effects, now)
        case .vote, .block, .head, .body, .transactions, .outline, .missing:
            effects.append(.deliver(frame))
        }
    }

    private mutating func ask(
        for count: Double, _ frame: PeerFrame, _ effects: inout [Effect], _ now: Duration
    ) {
        if answers.takeIfThere(count, now: now) {
            effects.append(.deliver(frame))
        } else {
            effects.append(.offence(.tooManyRequests))
        }
    }

    /// NET-4; the version was judged before.
    private func judge(_ hello: PeerHello) throws(PeerRefusal) -> PeerIdentity {
        guard hello.chain == context.hello.chain else { throw .wrongChain(hello.chain) }
        guard hello.isSigned(fingerprint: fingerprint) else {
            throw .wrongSignature(claimed: hello.address)
        }
        guard hello.address != context.hello.address else { throw .ownKey }
        if let objection = context.list.objection(to: hello.address, as: hello.role) {
            throw objection
        }
        if case .dialler(let expected) = side, expected != hello.address {
            throw .notWhoWasDialled(expected: expected, actual: hello.address)
        }
        return PeerIdentity(address: hello.address, role: hello.role, height: hello.height)
    }

    // MARK: Time and the end

    /// Looks at the clock, every second or so.
    package mutating func tick(_ now: Duration) -> [Effect] {
        let limits = context.limits
        switch state {
        case .closed: return []
        case .greeting(let start):
            return now - start >= limits.greetingTimeout ? close(.greetingTimeout) : []
        case .established:
            // NET-20
            if now - heard >= limits.silenceUntilEnd { return close(.silent) }
            guard now - heard >= limits.silenceUntilPing, !isPinging else { return [] }
            isPinging = true
            return [.send(.ping(UInt64(max(0, now.components.seconds))))]
        }
    }

    /// Ends it from our side.
    package mutating func close(_ refusal: PeerRefusal) -> [Effect] {
        guard !isClosed else { return [] }
        state = .closed
        return [.send(.goodbye(refusal.code)), .close(refusal)]
    }

    /// The socket is closed.
    package mutating func lost() { state = .closed }
}
