package import TallyPrimitives

/// What a block sends: receipts numbered on from the ends of their streams.
package struct Outbox: Sendable {
    /// Index of the next receipt to each endpoint.
    package private(set) var ends: [UInt64]
    package private(set) var receipts: [Receipt] = []
    private let source: EndpointID

    package init(source: EndpointID, ends: [UInt64]) {
        self.source = source
        self.ends = ends
    }

    /// Numbers a receipt and appends it.
    package mutating func send(
        to destination: EndpointID, _ kind: ReceiptKind, origin: Hash32,
        parent: ReceiptReference? = nil, from: Address, to recipient: Address, value: Amount,
        fee: Amount, payload: [UInt8]
    ) -> ReceiptReference {
        let slot = Int(destination.index)
        let reference = ReceiptReference(
            source: source, destination: destination, index: ends[slot])
        ends[slot] += 1
        receipts.append(
            Receipt(
                reference: reference, kind: kind.rawValue, origin: origin, parent: parent,
                from: from, to: recipient, value: value, fee: fee, payload: payload))
        return reference
    }

    /// Takes back everything after the first `count` receipts.
    package mutating func revert(to count: Int) {
        for receipt in receipts[count...] { ends[Int(receipt.reference.destination.index)] -= 1 }
        receipts.removeLast(receipts.count - count)
    }
}
