import TallyExecution
package import TallyPrimitives
package import TallyState

/// What one endpoint keeps about one peer: the stream to it, the cursor on the stream from it, and
/// the slots it holds on the stream to it. An object of the state tree (RCPT-8).
package struct StreamState: Hashable, Sendable {
    /// Receipts sent, as the range whose root the header carries.
    package private(set) var sent = MerkleRange.empty
    /// Value and fees sent since genesis.
    package private(set) var sentValue = Amount.zero
    /// Receipts consumed of the stream from the peer, as a range: its root at the cursor proves that
    /// what is read next continues what was consumed.
    package private(set) var consumed = MerkleRange.empty
    /// Value and fees consumed since genesis.
    package private(set) var consumedValue = Amount.zero
    /// Requests that the peer was not seen to have consumed, as runs of stream indexes, ascending.
    private var waiting: [Run] = []
    /// Requests that it was seen to have consumed: released once `cursor` reaches `end`, ascending.
    private var passed: [Passed] = []
    /// Slots held: the sum over both lists.
    package private(set) var slots = 0

    private struct Run: Hashable, Sendable {
        var start: UInt64
        var count: UInt64
    }

    private struct Passed: Hashable, Sendable {
        let end: UInt64
        let count: UInt64
    }

    package init() {}

    /// Index of the next receipt to consume.
    package var cursor: UInt64 { consumed.count }

    // MARK: Sending

    /// Appends a receipt to the stream.
    /// - Throws: `.invariant` when the cumulated value exceeds 2^128 − 1.
    mutating func append(_ receipt: Receipt, leaf: Hash32) throws(ExecutionError) {
        guard let value = sentValue.adding(receipt.value)?.adding(receipt.fee) else {
            throw .invariant("value sent on a stream exceeds 2^128 - 1")
        }
        sentValue = value
        if receipt.isRequest { take(sent.count) }
        sent.append(leaf)
    }

    private mutating func take(_ index: UInt64) {
        slots += 1
        if let last = waiting.indices.last, waiting[last].start + waiting[last].count == index {
            waiting[last].count += 1
        } else {
            waiting.append(Run(start: index, count: 1))
        }
    }

    // MARK: Consuming

    /// Moves the cursor past receipts.
    /// - Parameter range: the stream up to the new cursor.
    mutating func consume(
        _ receipts: some Sequence<Receipt>, to range: MerkleRange
    ) throws(ExecutionError) {
        for receipt in receipts {
            guard let value = consumedValue.adding(receipt.value)?.adding(receipt.fee) else {
                throw .invariant("value consumed from a stream exceeds 2^128 - 1")
            }
            consumedValue = value
        }
        consumed = range
    }

    // MARK: Credit (RCPT-7)

    /// Records what the peer's newest anchored header says: its cursor on the stream to it, and the
    /// end of its stream to us. The first record that passes a request decides when it is released.
    mutating func record(peerCursor: UInt64, peerEnd: UInt64) {
        var count: UInt64 = 0
        while let first = waiting.first, first.start < peerCursor {
            let taken = min(first.count, peerCursor - first.start)
            count += taken
            if taken == first.count {
                waiting.removeFirst()
            } else {
                waiting[0] = Run(start: first.start + taken, count: first.count - taken)
            }
        }
        if count > 0 { passed.append(Passed(end: peerEnd, count: count)) }
    }

    /// Releases the slots of every passed request whose answers this block has consumed. Call after
    /// the inbox.
    mutating func release() {
        while let first = passed.first, first.end <= cursor {
            slots -= Int(first.count)
            passed.removeFirst()
        }
    }

    /// Slots that the next block holds if its inbox is empty.
    func slots(peerCursor: UInt64, peerEnd: UInt64) -> Int {
        var probe = self
        probe.record(peerCursor: peerCursor, peerEnd: peerEnd)
        probe.release()
        return probe.slots
    }
}

extension StreamState {
    package static func key(peer: EndpointID) -> ObjectKey {
        ObjectKey(.stream, key: RLPEncoder.list { $0.append(peer) })
    }

    /// The object to store; `nil` for a stream that never was used.
    var object: StateObject? {
        if self == StreamState() { return nil }
        let payload = RLPEncoder.list { out in
            sent.encode(to: &out)
            out.append(sentValue)
            consumed.encode(to: &out)
            out.append(consumedValue)
            out.list { out in
                for run in waiting {
                    out.append(run.start)
                    out.append(run.count)
                }
            }
            out.list { out in
                for entry in passed {
                    out.append(entry.end)
                    out.append(entry.count)
                }
            }
        }
        return StateObject(kind: .stream, value: .zero, payload: Payload(payload))
    }

    package init(_ object: StateObject?) throws(RLPError) {
        guard let object else { return }
        self = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            var state = StreamState()
            state.sent = try MerkleRange(decoding: &list)
            state.sentValue = try list.nextAmount()
            state.consumed = try MerkleRange(decoding: &list)
            state.consumedValue = try list.nextAmount()
            var runs = try list.nextList()
            while !runs.isAtEnd {
                let run = Run(start: try runs.nextInteger(), count: try runs.nextInteger())
                state.waiting.append(run)
                state.slots += Int(clamping: run.count)
            }
            var entries = try list.nextList()
            while !entries.isAtEnd {
                let entry = Passed(
                    end: try entries.nextInteger(), count: try entries.nextInteger())
                state.passed.append(entry)
                state.slots += Int(clamping: entry.count)
            }
            return state
        }
    }
}
