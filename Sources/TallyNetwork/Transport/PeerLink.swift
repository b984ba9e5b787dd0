import NIOCore
import Synchronization
package import TallyPrimitives

/// A connection with a peer that was found good, for whoever sends and receives. Sending never waits.
package final class PeerLink: Sendable {
    private struct Outgoing: Sendable {
        var queue: OutboundQueue
        /// The event loop will come, or waits for the socket.
        var isFlushDue = false
        var isClosed = false
    }

    package let id: ConnectionID
    package let identity: PeerIdentity
    package let weDialled: Bool
    package var address: Address { identity.address }
    let inbox: PeerInbox
    private let announced: Atomic<UInt64>
    private let outgoing: Mutex<Outgoing>
    private let loop: any EventLoop
    private let handler: NIOLoopBound<PeerHandler>

    /// On the event loop of the handler's channel.
    init(
        _ id: ConnectionID, _ identity: PeerIdentity, weDialled: Bool, limits: NetworkLimits,
        handler: PeerHandler, loop: any EventLoop
    ) {
        self.id = id
        self.identity = identity
        self.weDialled = weDialled
        announced = Atomic(identity.height.value)
        inbox = PeerInbox(bound: limits.inbox)
        outgoing = Mutex(Outgoing(queue: OutboundQueue(limits: limits)))
        self.loop = loop
        self.handler = NIOLoopBound(handler, eventLoop: loop)
    }

    /// Queues a frame (NET-16).
    /// - Parameter frame: whole, as ``PeerFrame/bytes`` gives it.
    package func send(_ frame: [UInt8], _ traffic: TrafficClass) {
        let mustWake = outgoing.withLock { outgoing in
            guard !outgoing.isClosed else { return false }
            outgoing.queue.push(frame, traffic)
            defer { outgoing.isFlushDue = true }
            return !outgoing.isFlushDue
        }
        if mustWake { loop.execute { [handler] in handler.value.flush() } }
    }

    package func send(_ frame: PeerFrame) { send(frame.bytes, frame.kind.trafficClass) }

    /// Queues a frame if nothing has to go for it.
    package func sendIfRoom(_ frame: PeerFrame) -> Bool {
        let bytes = frame.bytes
        let traffic = frame.kind.trafficClass
        let hasRoom = outgoing.withLock { $0.queue.hasRoom(bytes.count, traffic) }
        if hasRoom { send(bytes, traffic) }
        return hasRoom
    }

    /// All that the peer sent since the last time; `nil` at the end.
    package func received() async -> [PeerFrame]? {
        await inbox.next { loop.execute { [handler] in handler.value.resumeReading() } }
    }

    /// The newest height that the peer says is final where it is. It may say anything.
    package var height: Height { Height(announced.load(ordering: .relaxed)) }

    func note(_ height: Height) { announced.max(height.value, ordering: .relaxed) }

    /// Ends the connection.
    package func close(_ refusal: PeerRefusal) {
        loop.execute { [handler] in handler.value.close(refusal) }
    }

    /// NET-24
    func quiesce() {
        loop.execute { [handler] in handler.value.quiesce() }
    }

    /// Moves queued frames to a buffer, on the event loop.
    /// - Parameter limit: bytes, beyond which no further frame is begun.
    /// - Returns: frames moved; after none, the next `send` wakes the event loop again.
    func drain(into buffer: inout ByteBuffer, limit: Int) -> Int {
        outgoing.withLock { outgoing in
            var count = 0
            while buffer.readableBytes < limit, let frame = outgoing.queue.pop() {
                buffer.writeBytes(frame)
                count += 1
            }
            if count == 0 { outgoing.isFlushDue = false }
            return count
        }
    }

    /// The channel is gone.
    /// - Returns: frames that found no room, by class.
    func ended() -> [UInt64] {
        inbox.close()
        return outgoing.withLock { outgoing in
            outgoing.isClosed = true
            outgoing.queue.clear()
            return TrafficClass.allCases.map { outgoing.queue.dropped($0) }
        }
    }
}
