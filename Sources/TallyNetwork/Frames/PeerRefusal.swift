package import TallyConsensus
package import TallyPrimitives

/// Why a connection is closed, or something that came through it is not taken. One case a rule.
package enum PeerRefusal: Error, Hashable, Sendable {
    // Form (NET-6 to NET-8)
    case emptyFrame
    case unknownKind(UInt8)
    case tooLong(FrameKind, bytes: Int, limit: Int)
    case malformed(FrameKind, RLPError)
    /// Before HELLO.
    case tooEarly(FrameKind)
    case secondHello

    // Greeting (NET-4)
    case wrongVersion(UInt64)
    case wrongChain(ChainIdentity)
    /// The statement is not of this key, or of another certificate than the one that TLS showed.
    case wrongSignature(claimed: Address)
    /// Somebody has our own key, or we dialled ourselves.
    case ownKey
    case notOnTheList(Address)
    case wrongRole(Address, PeerRole)
    case notWhoWasDialled(expected: Address, actual: Address)
    /// TLS came to nothing: no certificate, no version 1.3, or no TLS at all.
    case noTLS
    /// The certificate's key cannot be read.
    case unreadableCertificate
    case greetingTimeout
    case tooManyStrangers

    // Later
    case banned(Address)
    /// Another connection with the peer stays (NET-22).
    case duplicate
    /// NET-20
    case silent
    /// NET-14
    case tooManyRequests
    /// Nobody asked for the body, or not this peer.
    case unaskedBody(Hash32)
    /// It is no block, or not the one that was asked for.
    case wrongBody(Hash32)
    /// NET-9
    case message(MessageRefusal)
    /// NET-13: it does not decode, or nobody can have signed it.
    case malformedTransaction
    case stopping
    /// The other side closed, and said why.
    case goodbye(UInt8)
    /// The other side closed, and did not say why; or the socket failed.
    case lost

    /// In GOODBYE.
    package var code: UInt8 {
        switch self {
        case .emptyFrame: 1
        case .unknownKind: 2
        case .tooLong: 3
        case .malformed: 4
        case .tooEarly: 5
        case .secondHello: 6
        case .wrongVersion: 7
        case .wrongChain: 8
        case .wrongSignature: 9
        case .ownKey: 10
        case .notOnTheList: 11
        case .wrongRole: 12
        case .notWhoWasDialled: 13
        case .noTLS: 14
        case .unreadableCertificate: 15
        case .greetingTimeout: 16
        case .tooManyStrangers: 17
        case .banned: 18
        case .duplicate: 19
        case .silent: 20
        case .tooManyRequests: 21
        case .unaskedBody: 22
        case .wrongBody: 23
        case .message: 24
        case .stopping: 25
        case .goodbye: 26
        case .lost: 27
        case .malformedTransaction: 28
        }
    }

    /// What it adds to the score of an authenticated peer (NET-15).
    package var points: Double {
        switch self {
        case .emptyFrame, .unknownKind, .tooLong, .malformed, .tooEarly, .secondHello: 25
        case .tooManyRequests, .unaskedBody, .malformedTransaction: 10
        case .wrongBody: 20
        case .message(let refusal): refusal.isOffence ? 20 : 0
        case .wrongVersion, .wrongChain, .wrongSignature, .ownKey, .notOnTheList, .wrongRole,
            .notWhoWasDialled, .noTLS, .unreadableCertificate, .greetingTimeout,
            .tooManyStrangers, .banned, .duplicate, .silent, .stopping, .goodbye, .lost:
            0
        }
    }
}
