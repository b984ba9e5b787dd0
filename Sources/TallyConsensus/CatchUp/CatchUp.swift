package import TallyPrimitives

/// The FINALs that somebody who is behind asks for: a window of heights from one peer at a time, and
/// the next one as soon as the head has passed it (IBFT-R14). Those that come before their turn cannot
/// be checked, since Set(h) is fixed by block h − 2; they are kept as bytes until then.
package struct CatchUp: Sendable {
    /// Heights of one request, also the most that are kept.
    package static let window: UInt64 = 16
    /// The most bytes that are kept.
    package static let maximumBytes = 64 << 20

    /// FINALs to fetch, from whom.
    package struct Request: Hashable, Sendable {
        package let first: Height
        package let last: Height
        package let peer: Address

        package init(first: Height, last: Height, peer: Address) {
            self.first = first
            self.last = last
            self.peer = peer
        }
    }

    /// What is under way.
    private var request: Request?
    /// The head when it was last asked for more.
    private var progress = Height.genesis
    /// What the peers say is final, as of the last request of the machine.
    private var target = Height.genesis
    /// Whether the peer that was asked sent anything of the window.
    private var isAnswered = false
    private var kept: [Height: [UInt8]] = [:]
    private var bytes = 0

    package init() {}

    /// The machine asks for heights, the first being that above its head.
    /// - Parameter peer: the one to ask now.
    /// - Returns: what to send; nothing while the request under way makes progress.
    package mutating func ask(
        from first: Height, through last: Height, of peer: Address
    ) -> Request? {
        target = last
        defer { progress = first }
        if let request, first > progress, first <= request.last { return nil }
        return start(from: first, of: peer)
    }

    private mutating func start(from first: Height, of peer: Address) -> Request? {
        clear()
        guard first <= target else { return nil }
        let end = first.value.addingReportingOverflow(Self.window - 1)
        let last = end.overflow ? target : min(target, Height(end.partialValue))
        request = Request(first: first, last: last, peer: peer)
        return request
    }

    private mutating func clear() {
        request = nil
        isAnswered = false
        kept = [:]
        bytes = 0
    }

    /// Keeps a message of the peer that was asked, if it is a FINAL of the window whose turn has not
    /// come.
    /// - Returns: whether it was; otherwise it is to be checked like any other.
    package mutating func keep(_ wire: [UInt8], from peer: Address, head: Height) -> Bool {
        guard let request, peer == request.peer, let height = Final.height(wire: wire),
            request.first <= height, height <= request.last
        else { return false }
        isAnswered = true
        guard height > head.next, kept[height] == nil, bytes + wire.count <= Self.maximumBytes
        else { return false }
        kept[height] = wire
        bytes += wire.count
        return true
    }

    /// The FINAL whose turn it is, once.
    package mutating func next(after head: Height) -> [UInt8]? {
        guard !kept.isEmpty, let wire = kept.removeValue(forKey: head.next) else { return nil }
        bytes -= wire.count
        return wire
    }

    /// Whether a request is under way.
    package var isAsking: Bool { request != nil }

    /// Whether the head is past the window, so that it is time for ``more(after:of:)``.
    package func isPassed(by head: Height) -> Bool { request.map { head >= $0.last } ?? false }

    /// The next window, if there is more to fetch and the last one was answered: where the head got
    /// on without, the machine asks again if it has to.
    /// - Parameter peer: the one to ask now.
    package mutating func more(after head: Height, of peer: Address) -> Request? {
        guard isPassed(by: head) else { return nil }
        guard isAnswered else {
            clear()
            return nil
        }
        progress = head.next
        return start(from: head.next, of: peer)
    }
}
