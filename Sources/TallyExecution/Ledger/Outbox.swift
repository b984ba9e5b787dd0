package import TallyPrimitives
package import TallyState

/// What a block sends: receipts numbered on from the ends of their streams.
package struct Outbox: Sendable {
    /// Index of the next receipt to each endpoint.
    package private(set) var ends: [UInt64]
    /// By destination, so that each stream's receipts are passed on as they are, without copying.
    package private(set) var receipts: [[Receipt]]
    private let source: EndpointID
    /// Destinations of what was sent since `mark()`.
    private var marked: [EndpointID] = []

    package init(source: EndpointID, ends: [UInt64]) {
        self.source = source
        self.ends = ends
        receipts = Array(repeating: [], count: ends.count)
    }

    /// Numbers a receipt and appends it.
    package mutating func send(
        to destination: EndpointID, _ kind: ReceiptKind, origin: Hash32,
        parent: ReceiptReference? = nil, from: Address, to recipient: Address, value: Amount,
        fee: Amount, payload: Payload
    ) -> ReceiptReference {
        let slot = Int(destination.index)
        let reference = ReceiptReference(
            source: source, destination: destination, index: ends[slot])
        ends[slot] += 1
        marked.append(destination)
        receipts[slot].append(
            Receipt(
                reference: reference, kind: kind.rawValue, origin: origin, parent: parent,
                from: from, to: recipient, value: value, fee: fee, payload: payload))
        return reference
    }

    /// Begins a unit of work, which can be taken back.
    package mutating func mark() { marked.removeAll(keepingCapacity: true) }

    /// Takes back everything since `mark()`.
    package mutating func revert() {
        for destination in marked {
            ends[Int(destination.index)] -= 1
            receipts[Int(destination.index)].removeLast()
        }
        marked.removeAll(keepingCapacity: true)
    }
}
