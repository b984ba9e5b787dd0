import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

/// The door of the Trade family (TRADE-1).
@Suite struct TradeTests {
    private static let id = ObjectID(owner: recipient, number: 7)

    private static func terms(_ until: UInt64?) -> OfferTerms {
        OfferTerms(
            resource: .memory, specification: Hash32(words: (1, 2, 3, 4)),
            pricePerUnit: .max, units: .max,
            until: until.map { BeaconTime(milliseconds: $0) })
    }

    private static let operations: [TradeOperation] = [
        .listOffer(terms(nil)), .listOffer(terms(1)), .listOffer(terms(.max)),
        .cancelOffer(id), .repriceOffer(id, pricePerUnit: .max),
        .buyCompute(id, units: 3, maximumPrice: Amount(400)),
        .buyCompute(id, units: 1, maximumPrice: .max),
        .settleTrade(id, seller: recipient),
    ]

    @Test(arguments: operations)
    func survivesItsCallData(_ operation: TradeOperation) throws {
        let (to, value) = try some(operation.target)
        #expect(to == address("0x000000000000000000000000000000000000c004"))
        let envelope = sample(to: to, value: value, data: operation.callData)
        #expect(try Operation(envelope) == .trade(operation))
    }

    @Test func everyResourceHasItsNumber() throws {
        #expect(ComputeResource.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5])
        for resource in ComputeResource.allCases {
            let operation = TradeOperation.listOffer(
                OfferTerms(
                    resource: resource, specification: .zero, pricePerUnit: Amount(1), units: 1))
            let envelope = sample(
                to: ReservedAddress.trades, value: .zero, data: operation.callData)
            #expect(try Operation(envelope) == .trade(operation))
        }
    }

    /// 0 stands for 30 days, so that the time 0 is written as 1: both have passed.
    @Test func timeZeroStaysATime() throws {
        let operation = TradeOperation.listOffer(Self.terms(0))
        let envelope = sample(
            to: ReservedAddress.trades, value: .zero, data: operation.callData)
        #expect(try Operation(envelope) == .trade(.listOffer(Self.terms(1))))
    }

    @Test func purchaseHasABound() {
        let purchase = TradeOperation.buyCompute(Self.id, units: 2, maximumPrice: .max)
        #expect(purchase.target == nil)
    }

    /// As another implementation of Keccak-256 gives them.
    @Test(
        arguments: [
            (TradeOperation.listOfferSelector, [0x57, 0x38, 0xe9, 0xb5]),
            (TradeOperation.cancelOfferSelector, [0xf9, 0x52, 0x27, 0x9e]),
            (TradeOperation.repriceOfferSelector, [0xf4, 0x46, 0xdf, 0x35]),
            (TradeOperation.buyComputeSelector, [0xba, 0x52, 0xa1, 0x6b]),
            (TradeOperation.settleTradeSelector, [0x60, 0xba, 0xfd, 0xe3]),
        ] as [(Selector, [UInt8])])
    func selectorsAreTheKnownOnes(_ selector: Selector, _ bytes: [UInt8]) {
        #expect(selector.bytes == bytes)
    }

    @Test func publishedFunctionsAreThoseOfTheCode() throws {
        let functions = try PublishedABI.entries("trade").filter(\.isOperation)
        let expected = [
            "listOffer": TradeOperation.listOfferSelector,
            "cancelOffer": TradeOperation.cancelOfferSelector,
            "repriceOffer": TradeOperation.repriceOfferSelector,
            "buyCompute": TradeOperation.buyComputeSelector,
            "settleTrade": TradeOperation.settleTradeSelector,
        ]
        #expect(functions.count == expected.count)
        for function in functions {
            #expect(Selector(function.signature) == expected[function.name], "\(function.name)")
            let isPayable = function.name == "buyCompute"
            #expect(function.stateMutability == (isPayable ? "payable" : "nonpayable"))
        }
    }
}
