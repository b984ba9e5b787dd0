import TallyCrypto
import TallyPrimitives
import TallyTransactions

private let door = address("0x000000000000000000000000000000000000c004")
private let list: [UInt8] = [0x57, 0x38, 0xe9, 0xb5]
private let cancel: [UInt8] = [0xf9, 0x52, 0x27, 0x9e]
private let reprice: [UInt8] = [0xf4, 0x46, 0xdf, 0x35]
private let buy: [UInt8] = [0xba, 0x52, 0xa1, 0x6b]
private let settle: [UInt8] = [0x60, 0xba, 0xfd, 0xe3]

/// An object's id as a word, with 4 bytes between owner and number that must be 0.
private func id(_ owner: Address = recipient, gap: UInt8 = 0, _ number: UInt64 = 7) -> [UInt8] {
    owner.bytes + [0, 0, 0, gap] + withUnsafeBytes(of: number.bigEndian) { Array($0) }
}

private func offer(
    resource: UInt128 = 2, price: UInt128 = 5, units: UInt128 = 6, until: UInt128 = 0
) -> [UInt8] {
    list + word(resource) + [UInt8](repeating: 9, count: 32) + word(price) + word(units)
        + word(until)
}

private func purchase(units: UInt128 = 3, price: UInt128 = 400) -> [UInt8] {
    buy + id() + word(units) + word(price)
}

extension Refusal {
    private static func trade(
        _ name: String, value: UInt128 = 0, _ data: [UInt8], _ error: TransactionError,
        _ code: String, _ text: String
    ) throws -> Refusal {
        let envelope = sample(to: door, value: Amount(value), data: data)
        return Refusal(name, envelope.signed(by: try exampleKey()), error, code, text)
    }

    private static func malformedTrade(
        _ name: String, value: UInt128 = 0, _ data: [UInt8], _ fault: CallError
    ) throws -> Refusal {
        let text =
            switch fault {
            case .truncated: "it ends before the last argument"
            case .trailingBytes: "bytes follow the last argument"
            case .nonCanonical: "a word has bits outside its type, or an unusual offset"
            case .numberTooLarge: "a number exceeds its type"
            }
        return try trade(
            name, value: value, data, .malformedCall(fault), "malformedCall",
            "malformed call data: \(text)")
    }

    static func trades() throws -> [Refusal] {
        try tradeRules() + tradeForms() + tradeValues()
    }

    private static func tradeRules() throws -> [Refusal] {
        func zero(_ name: String, _ data: [UInt8], units: Bool) throws -> Refusal {
            try trade(
                name, data, units ? .tradeUnitsZero : .tradePriceZero,
                units ? "tradeUnitsZero" : "tradePriceZero",
                units ? "a trade has at least one unit" : "a unit has a price")
        }
        func mismatch(_ value: UInt128) throws -> Refusal {
            try trade(
                "purchase for \(value)", value: value, purchase(),
                .tradeValueMismatch(cost: Amount(1_200), value: Amount(value)),
                "tradeValueMismatch",
                "the units at the maximum price cost 1200, the transaction's value is \(value)")
        }
        func resource(_ number: UInt8) throws -> Refusal {
            try trade(
                "resource \(number)", offer(resource: UInt128(number)),
                .unknownResource(number), "unknownResource",
                "unknown resource \(number): there are 0 to 5")
        }
        return [
            try resource(6), try resource(255),
            try zero("offer of no units", offer(units: 0), units: true),
            try zero("offer for nothing", offer(price: 0), units: false),
            try zero("new price of nothing", reprice + id() + word(0), units: false),
            try zero("purchase of no units", purchase(units: 0), units: true),
            try zero("purchase for nothing", purchase(price: 0), units: false),
            try mismatch(0), try mismatch(1_199), try mismatch(1_201),
            try trade(
                "purchase beyond 2^128", value: .max, purchase(units: 2, price: .max),
                .amountTooLarge(field: "units times price"), "amountTooLarge",
                "units times price exceeds 2^128 - 1"),
        ]
    }

    private static func tradeForms() throws -> [Refusal] {
        let dirty: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)
        let calls: [(String, UInt128, [UInt8])] = [
            ("listOffer", 0, offer()), ("cancelOffer", 0, cancel + id()),
            ("repriceOffer", 0, reprice + id() + word(1)), ("buyCompute", 1_200, purchase()),
            ("settleTrade", 0, settle + word(recipient) + id()),
        ]
        var rows: [Refusal] = []
        for (name, value, data) in calls {
            rows.append(
                try malformedTrade("\(name), cut", value: value, data.dropLast(1), .truncated))
            rows.append(
                try malformedTrade("\(name), longer", value: value, data + [0], .trailingBytes))
        }
        return rows + [
            try malformedTrade("resource 256", offer(resource: 256), .numberTooLarge),
            try malformedTrade("units 2^64", offer(units: 1 << 64), .numberTooLarge),
            try malformedTrade("until 2^64", offer(until: 1 << 64), .numberTooLarge),
            try malformedTrade("price 2^248", reprice + id() + dirty, .numberTooLarge),
            try malformedTrade("units 2^64 bought", purchase(units: 1 << 64), .numberTooLarge),
            try malformedTrade("id with a gap", cancel + id(gap: 1), .nonCanonical),
            try malformedTrade(
                "purchase of an id with a gap", value: 1,
                buy + id(gap: 1) + word(1) + word(1), .nonCanonical),
            try malformedTrade("dirty seller", settle + dirty + id(), .nonCanonical),
            try malformedTrade(
                "trade with a gap", settle + word(recipient) + id(gap: 1), .nonCanonical),
            try trade(
                "unknown function", [1, 2, 3, 4], .unknownOperation(door), "unknownOperation",
                "no such operation at reserved address \(door)"),
            try trade(
                "no function", [], .reservedRecipient(door), "reservedRecipient",
                "reserved address \(door) cannot hold a balance"),
        ]
    }

    private static func tradeValues() throws -> [Refusal] {
        try [
            offer(), cancel + id(), reprice + id() + word(1), settle + word(recipient) + id(),
        ].map {
            try trade(
                "value with \(Hex.encode($0.prefix(4)))", value: 1, $0, .valueNotAllowed,
                "valueNotAllowed", "this operation takes no value")
        }
    }
}
