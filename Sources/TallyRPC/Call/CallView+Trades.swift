import TallyExecution
import TallyPrimitives
import TallyTransactions

// RPC-52

extension CallView {
    /// `Specs/abi/trade.json`.
    static let trades: [CallView] = [
        CallView("offerOf", .id("offer"), of: ObjectPlace.offer, offer) { $0 },
        CallView("offersOf", .address("seller"), of: ObjectPlace.offers, offers) { $0 },
        // As `settleTrade` takes them.
        CallView(
            "owedOf", .pair(.address("seller"), .id("trade")),
            of: { (seller, trade) in ObjectPlace.trade(trade, seller: seller) }, owed
        ) { $0 },
    ]

    private static let offer: [CallOutput<Offer>] = [
        .address("seller") { $0.id.owner }, .uint8("resource") { $0.resource.rawValue },
        .bytes32("spec") { $0.specification }, .amount("pricePerUnit") { $0.pricePerUnit },
        .uint64("units") { $0.units }, .time("until") { $0.until },
    ]

    private static let offers: [CallOutput<OfferBook>] = [
        .words("offers") { book in
            book.numbers.map { ObjectID(owner: book.seller, number: $0).word }
        }
    ]

    private static let owed: [CallOutput<OwedTrade>] = [
        .address("buyer") { $0.buyer }, .amount("buyerReward") { $0.buyerReward },
        .amount("providerReward") { $0.providerReward }, .uint64("epoch") { $0.epoch },
    ]
}
