import TallyCrypto
package import TallyPrimitives
package import TallyState
import TallyTransactions

/// The place of a receipt in the streams: what it is named by (RCPT-2).
package struct ReceiptReference: Hashable, Comparable, Sendable {
    package let source: EndpointID
    package let destination: EndpointID
    package let index: UInt64

    package init(source: EndpointID, destination: EndpointID, index: UInt64) {
        self.source = source
        self.destination = destination
        self.index = index
    }

    /// The receipt's id: a hash of the position, never of the content.
    package func id(chain: Hash32, layout: ShardLayout) -> Hash32 {
        SHA256.hash(.receiptID) { hasher in
            hasher.update(chain)
            hasher.update(layout.shardCount)
            hasher.update(source.index)
            hasher.update(destination.index)
            hasher.update(index)
        }
    }

    package static func < (a: Self, b: Self) -> Bool {
        (a.source.index, a.destination.index, a.index)
            < (b.source.index, b.destination.index, b.index)
    }
}

/// What a receipt asks of its destination.
package enum ReceiptKind: UInt8, Sendable {
    /// Credit `to` with `value`; payload: RLP of the credit deadline in milliseconds, 0 for none.
    case credit = 1
    /// Give `value` of a request that failed back to `to`; payload: RLP of its index and reason.
    case bounce = 2
    /// Credit the content of a vault to `to`, whatever its policy; cannot fail.
    case sweep = 3
    /// Pay `value` of an object to `to`, into its escrow if it refuses credits; cannot fail. Payload:
    /// RLP of the object's id and the reason.
    case payout = 4
    /// An operation of a compute family for an object of the destination; `to` is its door. Payload:
    /// RLP of the sender's nonce and the call data.
    case call = 5
    /// What shards and beacon tell each other at the end of an epoch; `to` is the treasury.
    case epoch = 6
}

/// A message with money from one endpoint to another.
package struct Receipt: Hashable, Sendable {
    package let reference: ReceiptReference
    /// As `ReceiptKind`; kept as a number because a destination must survive one it does not know.
    package let kind: UInt8
    /// The signed transaction at the start of it all; zero for what the ledger itself began
    /// (RCPT-10).
    package let origin: Hash32
    /// The receipt that this one answers (RCPT-10).
    package let parent: ReceiptReference?
    package let from: Address
    package let to: Address
    package let value: Amount
    /// Pays the destination for execution and bounce (RCPT-5).
    package let fee: Amount
    package let payload: Payload

    /// Largest encoding in bytes: W slots of it are 4 MiB (RCPT-7).
    package static let maximumByteCount = 1_024

    package init(
        reference: ReceiptReference, kind: UInt8, origin: Hash32, parent: ReceiptReference?,
        from: Address, to: Address, value: Amount, fee: Amount, payload: Payload
    ) {
        self.reference = reference
        self.kind = kind
        self.origin = origin
        self.parent = parent
        self.from = from
        self.to = to
        self.value = value
        self.fee = fee
        self.payload = payload
    }

    /// Whether the receipt takes a slot of its stream: every kind but an answer (RCPT-7).
    package var isRequest: Bool { kind != ReceiptKind.bounce.rawValue }

    /// Declared maximum weight of consuming it (RCPT-3). An unknown kind weighs as a credit: all
    /// that happens to it is a bounce.
    package var weight: Weight {
        switch ReceiptKind(rawValue: kind) {
        case .credit, nil: Weights.credit
        case .bounce: Weights.bounce
        case .sweep: Weights.sweep
        case .payout: Weights.credit
        case .call, .epoch: Weights.request
        }
    }
}

extension ReceiptReference: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(source)
            out.append(destination)
            out.append(index)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            source: try list.nextEndpoint(), destination: try list.nextEndpoint(),
            index: try list.nextInteger())
        try list.finish()
    }
}

extension Receipt: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            reference.encode(to: &out)
            out.append(kind)
            out.append(origin)
            out.append(optional: parent)
            out.append(from)
            out.append(to)
            out.append(value)
            out.append(fee)
            payload.withBytes { out.append($0) }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            reference: try ReceiptReference(from: &list), kind: try list.nextInteger(),
            origin: try list.nextFixed(), parent: try list.nextOptionalReference(),
            from: try list.nextFixed(), to: try list.nextFixed(), value: try list.nextAmount(),
            fee: try list.nextAmount(),
            payload: Payload(Array(try list.nextString(limit: Receipt.maximumByteCount))))
        try list.finish()
    }
}

extension RLPEncoder {
    /// An optional reference: `nil` is the empty list.
    package mutating func append(optional reference: ReceiptReference?) {
        if let reference { reference.encode(to: &self) } else { list { _ in } }
    }
}

extension RLPDecoder {
    package mutating func nextOptionalReference() throws(RLPError) -> ReceiptReference? {
        var probe = self
        if try probe.nextList().isAtEnd {
            self = probe
            return nil
        }
        return try ReceiptReference(from: &self)
    }
}
