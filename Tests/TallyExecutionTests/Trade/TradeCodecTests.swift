import FoundationEssentials
import TallyPrimitives
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution

/// An event of the published ABI document.
private struct Entry: Decodable {
    struct Parameter: Decodable, Equatable {
        let name: String
        let type: String
        let indexed: Bool?
    }

    let type: String
    let name: String
    let inputs: [Parameter]
}

/// TRADE-8 and TRADE-9: what is stored and told, and nothing else.
@Suite struct TradeCodecTests {
    private static let seller = trader(0)
    private static let trade = ObjectID(owner: trader(3), number: 5)
    private static let offer = Offer(
        id: ObjectID(owner: seller, number: 4), resource: .storage,
        specification: Hash32(words: (1, 2, 3, 4)), pricePerUnit: .max, units: .max,
        until: BeaconTime(milliseconds: .max))

    private static let events: [TradeEvent] = [
        .listed(offer), .repriced(offer.id, pricePerUnit: .max),
        .closed(offer.id, .soldOut, units: 0), .closed(offer.id, .cancelled, units: 1),
        .closed(offer.id, .expired, units: .max),
        .taken(offer.id, trade: trade, units: 3, left: 0),
        .executed(trade: trade, seller: seller, price: .max, fee: Amount(1)),
        .owed(trade: trade, buyerReward: .max, providerReward: .zero, epoch: 6),
        .rewarded(trade: trade, to: seller, Amount(9)),
    ]

    @Test func objectsSurviveTheirEncoding() throws {
        #expect(try Offer(Self.offer.object) == Self.offer)
        var book = OfferBook(seller: Self.seller)
        #expect(book.object == nil, "an empty book is none")
        for number in [1, 5, .max] as [UInt64] { book.append(number) }
        #expect(try OfferBook(#require(book.object)) == book)
        for (buyer, provider) in [(1, 0), (0, 1), (.max, .max)] as [(UInt128, UInt128)] {
            let owed = OwedTrade(
                trade: Self.trade, seller: Self.seller, buyerReward: Amount(buyer),
                providerReward: Amount(provider), epoch: 9)
            #expect(try OwedTrade(owed.object) == owed)
        }
    }

    @Test(arguments: events)
    func eventsSurviveTheirEncoding(_ event: TradeEvent) throws {
        #expect(try TradeEvent(encoded: event.encoded) == event)
        let whole = LedgerEvent.compute(.trade(event))
        #expect(try LedgerEvent(encoded: whole.encoded) == whole)
        #expect(throws: RLPError.self) { try TradeEvent(encoded: event.encoded.dropLast()) }
    }

    @Test(
        arguments: [
            .expire(offer.id), .claim(trade, tries: 0), .claim(trade, tries: 255),
        ] as [TradeDue])
    func entriesSurviveTheirEncoding(_ due: TradeDue) throws {
        #expect(try TradeDue(encoded: due.encoded) == due)
    }

    private func object(_ kind: ObjectKind, _ body: (inout RLPEncoder) -> Void) -> StateObject {
        StateObject(kind: kind, value: .zero, payload: Payload(RLPEncoder.list(body)))
    }

    @Test func refusesOtherOffers() {
        func offer(
            _ record: UInt8 = 1, resource: UInt8 = 0, price: UInt8 = 1, units: UInt8 = 1,
            more: Bool = false
        ) -> StateObject {
            object(.offer) { out in
                out.append(record)
                Self.offer.id.encode(to: &out)
                out.append(resource)
                out.append(Hash32.zero)
                out.append(price)
                out.append(units)
                out.append(UInt8(1))
                if more { out.append(UInt8(1)) }
            }
        }
        #expect(throws: Never.self) { try Offer(offer()) }
        for (object, error) in [
            (offer(2), .unknownValue(2)), (offer(3), .unknownValue(3)),
            (offer(resource: 6), .unknownValue(6)), (offer(price: 0), .unknownValue(0)),
            (offer(units: 0), .unknownValue(0)), (offer(more: true), .trailingBytes),
        ] as [(StateObject, RLPError)] {
            #expect(throws: error) { try Offer(object) }
        }
    }

    @Test func refusesOtherBooks() {
        func book(_ numbers: [UInt64], _ record: UInt8 = 2) -> StateObject {
            object(.offer) { out in
                out.append(record)
                out.append(Self.seller)
                out.list { out in for number in numbers { out.append(number) } }
            }
        }
        #expect(throws: Never.self) { try OfferBook(book(Array(0..<64))) }
        for (object, error) in [
            (book([]), .unknownValue(0)), (book([1, 1]), .unknownValue(1)),
            (book([3, 2]), .unknownValue(2)), (book(Array(0..<65)), .tooLong(limit: 64)),
            (book([1], 1), .unknownValue(1)),
        ] as [(StateObject, RLPError)] {
            #expect(throws: error) { try OfferBook(object) }
        }
    }

    @Test func refusesOtherOwedTradesAndEntries() {
        let nothing = OwedTrade(
            trade: Self.trade, seller: Self.seller, buyerReward: .zero, providerReward: .zero,
            epoch: 1)
        #expect(throws: RLPError.unknownValue(0)) { try OwedTrade(nothing.object) }
        let unknown = RLPEncoder.list { out in
            out.append(UInt8(3))
            Self.trade.encode(to: &out)
        }
        #expect(throws: RLPError.unknownValue(3)) { try TradeDue(encoded: unknown) }
    }

    /// The document that wallets read describes what the ledger tells.
    @Test func publishedEventsAreThoseOfTheCode() throws {
        let data = try Data(contentsOf: Vectors.specification("abi/trade.json"))
        let entries = try JSONDecoder().decode([Entry].self, from: data)
            .filter { $0.type == "event" }
        var told: Set<String> = []
        for event in Self.events {
            let record = event.record
            told.insert(record.name)
            #expect(record.door == ReservedAddress.trades)
            let entry = try #require(entries.first { $0.name == record.name })
            let fields = record.fields.map {
                Entry.Parameter(name: $0.name, type: $0.value.type, indexed: $0.isIndexed)
            }
            #expect(entry.inputs == fields, "\(record.name)")
        }
        #expect(told == Set(entries.map(\.name)))
        let executed = try #require(Self.events.first { $0.record.name == "TradeExecuted" })
        #expect(
            executed.record.signature
                == "TradeExecuted(bytes32,address,address,uint256,uint256)")
    }
}
