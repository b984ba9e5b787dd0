package import TallyPrimitives

/// What the transport tells whoever watches the node.
package enum PeerNotice: Hashable, Sendable {
    case connected(PeerIdentity, weDialled: Bool)
    case disconnected(Address, PeerRefusal)
    /// A connection that came to nothing; of whom we dialled, if we did.
    case refused(PeerRefusal, dialled: Address?)
    /// Nobody listens there.
    case unreachable(Address, PeerPlace)
    case offence(Address, PeerRefusal)
    case banned(Address)
}

/// Plain counts since the start, for metrics.
package struct TransportCounters: Hashable, Sendable {
    /// One number a class.
    package struct ByClass: Hashable, Sendable {
        package var votes: UInt64 = 0
        package var bodies: UInt64 = 0
        package var gossip: UInt64 = 0

        package subscript(traffic: TrafficClass) -> UInt64 {
            get {
                switch traffic {
                case .votes: votes
                case .bodies: bodies
                case .gossip: gossip
                }
            }
            set {
                switch traffic {
                case .votes: votes = newValue
                case .bodies: bodies = newValue
                case .gossip: gossip = newValue
                }
            }
        }
    }

    package var bytesReceived: UInt64 = 0
    package var bytesSent: UInt64 = 0
    package var framesReceived = ByClass()
    package var framesSent: UInt64 = 0
    /// Of connections that have ended (NET-16).
    package var framesDropped = ByClass()
    package var connections: UInt64 = 0
    package var dials: UInt64 = 0
    package var failedDials: UInt64 = 0
    package var refusals: UInt64 = 0
    package var offences: UInt64 = 0
    package var bans: UInt64 = 0

    package init() {}
}
