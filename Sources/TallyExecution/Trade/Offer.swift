package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// An open offer of computing power, on its seller's shard (TRADE-2). It holds no money: what is sold
/// is delivered outside of the ledger.
///
/// Its life is `open → closed`. A sale of some units and a new price leave it open; the sale of the
/// last unit, its seller and its end close it, which deletes the object.
package struct Offer: Hashable, Sendable {
    /// The owner is the seller.
    package let id: ObjectID
    package let resource: ComputeResource
    package let specification: Hash32
    /// In base units; not 0.
    package var pricePerUnit: Amount
    /// Units not sold yet; not 0.
    package var units: UInt64
    /// From this time on nothing is sold; an entry of the due queue deletes the object then.
    package let until: BeaconTime

    package init(
        id: ObjectID, resource: ComputeResource, specification: Hash32, pricePerUnit: Amount,
        units: UInt64, until: BeaconTime
    ) {
        self.id = id
        self.resource = resource
        self.specification = specification
        self.pricePerUnit = pricePerUnit
        self.units = units
        self.until = until
    }

    /// How long an offer stands whose seller does not say: 30 days.
    package static let standardMilliseconds: UInt64 = 30 * 86_400_000
    /// Longest that an offer may stand, as its entry keeps a place of the due queue: 90 days.
    package static let longestMilliseconds: UInt64 = 90 * 86_400_000

    package static func key(_ id: ObjectID) -> ObjectKey { ObjectKey(.offer, key: id.word.bytes) }

    /// - Throws: `.unknownValue` for a price or number of units of 0.
    package init(_ object: StateObject) throws(RLPError) {
        self = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            try OfferRecord.offer.expect(&list)
            let offer = Offer(
                id: try ObjectID(from: &list), resource: try list.nextCase(),
                specification: try list.nextFixed(), pricePerUnit: try list.nextAmount(),
                units: try list.nextInteger(), until: try list.nextTime())
            guard !offer.pricePerUnit.isZero, offer.units > 0 else { throw .unknownValue(0) }
            return offer
        }
    }

    package var object: StateObject {
        let payload = RLPEncoder.list { out in
            out.append(OfferRecord.offer.rawValue)
            id.encode(to: &out)
            out.append(resource.rawValue)
            out.append(specification)
            out.append(pricePerUnit)
            out.append(units)
            out.append(until)
        }
        return StateObject(kind: .offer, value: .zero, payload: Payload(payload))
    }
}

/// The open offers of one seller (TRADE-3).
package struct OfferBook: Hashable, Sendable {
    package let seller: Address
    /// Of the offers' ids, ascending.
    package private(set) var numbers: [UInt64]

    /// Most open offers of a seller: the book stays one small object.
    package static let limit = 64

    package init(seller: Address) {
        self.seller = seller
        numbers = []
    }

    package static func key(of seller: Address) -> ObjectKey {
        ObjectKey(.offer, key: seller.bytes)
    }

    var isFull: Bool { numbers.count >= Self.limit }

    /// A seller's nonces ascend, and so do the numbers of what it makes (OBJ-1).
    mutating func append(_ number: UInt64) { numbers.append(number) }

    mutating func remove(_ number: UInt64) { numbers.removeAll { $0 == number } }

    /// - Throws: `.tooLong`; `.unknownValue` for an empty book and numbers out of order.
    package init(_ object: StateObject) throws(RLPError) {
        (seller, numbers) = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            try OfferRecord.book.expect(&list)
            let seller: Address = try list.nextFixed()
            let numbers = try list.nextArray(limit: Self.limit) { (item) throws(RLPError) in
                try item.nextInteger(UInt64.self)
            }
            guard !numbers.isEmpty else { throw .unknownValue(0) }
            for (number, next) in zip(numbers, numbers.dropFirst()) where number >= next {
                throw .unknownValue(next)
            }
            return (seller, numbers)
        }
    }

    /// `nil` for an empty book.
    package var object: StateObject? {
        guard !numbers.isEmpty else { return nil }
        let payload = RLPEncoder.list { out in
            out.append(OfferRecord.book.rawValue)
            out.append(seller)
            out.list { out in for number in numbers { out.append(number) } }
        }
        return StateObject(kind: .offer, value: .zero, payload: Payload(payload))
    }
}

/// What an object of kind `offer` is: the first item of its payload.
enum OfferRecord: UInt8 {
    case offer = 1
    case book = 2

    init(_ object: StateObject) throws(RLPError) {
        var outer = RLPDecoder(object.payload.bytes)
        var list = try outer.nextList()
        self = try list.nextCase()
    }

    fileprivate func expect(_ list: inout RLPDecoder) throws(RLPError) {
        let record = try list.nextCase(OfferRecord.self)
        guard record == self else { throw .unknownValue(UInt64(record.rawValue)) }
    }
}

/// Why an offer was closed. The numbers are consensus.
package enum OfferClosing: UInt8, Hashable, Sendable, CaseIterable {
    case soldOut = 1
    case cancelled = 2
    case expired = 3
}
