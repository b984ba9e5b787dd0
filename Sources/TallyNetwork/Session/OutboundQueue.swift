import TallyPrimitives

/// Frames that wait to be sent to one peer, by class (NET-16).
package struct OutboundQueue: Sendable {
    private struct Lane: Sendable {
        var frames: BoundedQueue<[UInt8]>
        let limit: Int
        var bytes = 0
        var dropped: UInt64 = 0

        init(_ bound: NetworkLimits.QueueBound) {
            frames = BoundedQueue(limit: bound.frames)
            limit = bound.bytes
        }

        func hasRoom(_ count: Int) -> Bool { frames.count < frames.limit && bytes + count <= limit }

        mutating func pop() -> [UInt8]? {
            guard let frame = frames.popFirst() else { return nil }
            bytes -= frame.count
            return frame
        }

        mutating func append(_ frame: [UInt8]) {
            _ = frames.append(frame)
            bytes += frame.count
        }
    }

    private var votes: Lane
    private var bodies: Lane
    private var gossip: Lane

    package init(limits: NetworkLimits) {
        votes = Lane(limits.voteQueue)
        bodies = Lane(limits.bodyQueue)
        gossip = Lane(limits.gossipQueue)
    }

    package var isEmpty: Bool {
        votes.frames.isEmpty && bodies.frames.isEmpty && gossip.frames.isEmpty
    }
    package var bytes: Int { votes.bytes + bodies.bytes + gossip.bytes }
    /// Frames that found no room, by class.
    package func dropped(_ traffic: TrafficClass) -> UInt64 {
        switch traffic {
        case .votes: votes.dropped
        case .bodies: bodies.dropped
        case .gossip: gossip.dropped
        }
    }

    /// Whether a frame would push nothing out.
    package func hasRoom(_ count: Int, _ traffic: TrafficClass) -> Bool {
        switch traffic {
        case .votes: votes.hasRoom(count)
        case .bodies: bodies.hasRoom(count)
        case .gossip: gossip.hasRoom(count)
        }
    }

    /// Takes a frame; what is too much goes: the oldest, but of gossip this one.
    package mutating func push(_ frame: [UInt8], _ traffic: TrafficClass) {
        switch traffic {
        case .votes: Self.push(frame, &votes)
        case .bodies: Self.push(frame, &bodies)
        case .gossip:
            guard gossip.hasRoom(frame.count) else {
                gossip.dropped += 1
                return
            }
            gossip.append(frame)
        }
    }

    private static func push(_ frame: [UInt8], _ lane: inout Lane) {
        guard frame.count <= lane.limit else {
            lane.dropped += 1
            return
        }
        while !lane.hasRoom(frame.count), lane.pop() != nil { lane.dropped += 1 }
        lane.append(frame)
    }

    /// What leaves next.
    package mutating func pop() -> [UInt8]? { votes.pop() ?? bodies.pop() ?? gossip.pop() }

    /// Forgets everything: the connection is gone.
    package mutating func clear() {
        while pop() != nil {}
    }
}
