import TallyCrypto
import TallyPrimitives
import TallyTransactions

private let treasury = address("0x000000000000000000000000000000000000c000")
private let lastReserved = address("0x000000000000000000000000000000000000cfff")
private let batchSelector: [UInt8] = [0xa7, 0x70, 0x86, 0x0d]
private let claimSelector: [UInt8] = [0x50, 0x28, 0x92, 0x8a]
private let policySelector: [UInt8] = [0x18, 0x51, 0xf6, 0x3a]

/// The words of one leg.
private func leg(
    to: [UInt8] = word(recipient), value: UInt128 = 600, creditBy: UInt128 = 0, runAt: UInt128 = 0
) -> [UInt8] {
    to + word(value) + word(creditBy) + word(runAt)
}

private func batch(_ legs: [[UInt8]], offset: UInt128 = 32, count: UInt128? = nil) -> [UInt8] {
    batchSelector + word(offset) + word(count ?? UInt128(legs.count)) + legs.flatMap { $0 }
}

extension Refusal {
    private static func call(
        _ name: String, to: Address = crossShard, value: UInt128 = 1_200, _ data: [UInt8],
        _ error: TransactionError, _ code: String, _ text: String
    ) throws -> Refusal {
        let envelope = sample(to: to, value: Amount(value), data: data)
        return Refusal(name, envelope.signed(by: try exampleKey()), error, code, text)
    }

    static func fees() throws -> [Refusal] {
        func refusal(
            _ name: String, _ envelope: Envelope, _ error: TransactionError, _ code: String,
            _ text: String
        ) throws -> Refusal {
            Refusal(name, envelope.signed(by: try exampleKey()), error, code, text)
        }
        func cost(_ name: String, _ envelope: Envelope) throws -> Refusal {
            try refusal(
                name, envelope, .costTooLarge, "costTooLarge",
                "gas limit * max fee + value exceeds 2^128 - 1")
        }
        func limit(_ name: String, _ envelope: Envelope, _ required: Weight) throws -> Refusal {
            try refusal(
                name, envelope,
                .weightLimitTooLow(required: required, actual: envelope.weightLimit),
                "intrinsicGasTooLow",
                "intrinsic gas too low: have \(envelope.weightLimit), want \(required)")
        }
        return [
            try refusal(
                "tip above the cap", sample(maxFee: Amount(5), maxPriorityFee: Amount(6)),
                .tipAboveFeeCap, "tipAboveFeeCap",
                "max priority fee per gas higher than max fee per gas"),
            try cost("price overflows", sample(maxFee: .max)),
            try cost("sum overflows", sample(maxFee: Amount(1), value: .max)),
            try cost("sum overflows, legacy", sample(.legacy, maxFee: Amount(1), value: .max)),
            try limit("gas limit 0", sample(weightLimit: 0), 21_000),
            try limit("gas limit 20,999", sample(weightLimit: 20_999), 21_000),
            try limit("call data", sample(weightLimit: 21_019, data: [0, 1]), 21_020),
        ]
    }

    static func operations() throws -> [Refusal] {
        func reserved(_ to: Address) throws -> Refusal {
            try call(
                "plain transfer to \(to)", to: to, [], .reservedRecipient(to), "reservedRecipient",
                "reserved address \(to) cannot hold a balance")
        }
        func unknown(_ to: Address, _ data: [UInt8]) throws -> Refusal {
            try call(
                "call \(Hex.encode(data)) of \(to)", to: to, value: 0, data, .unknownOperation(to),
                "unknownOperation", "no such operation at reserved address \(to)")
        }
        func value(_ data: [UInt8]) throws -> Refusal {
            try call(
                "value with \(Hex.encode(data))", value: 1, data, .valueNotAllowed,
                "valueNotAllowed", "this operation takes no value")
        }
        func policy(_ number: UInt64) throws -> Refusal {
            try call(
                "policy \(number)", value: 0, policySelector + word(UInt128(number)),
                .unknownPolicy(number), "unknownPolicy",
                "unknown credit policy \(number): 0 accepts, 1 refuses")
        }
        func attestations(_ count: UInt128) throws -> Refusal {
            let data = ProofOperation.attestSelector.bytes + word(32) + word(count)
            return try call(
                "\(count) attestations", to: ReservedAddress.proofs, value: 0, data,
                .attestationCount(limit: 7), "attestationCount",
                "a call carries 1 to 7 attestations")
        }
        return [
            try attestations(0), try attestations(8),
            try reserved(crossShard), try reserved(treasury), try reserved(lastReserved),
            try unknown(crossShard, [0xa7]), try unknown(crossShard, [0xa7, 0x70, 0x86]),
            try unknown(crossShard, [0xa7, 0x70, 0x86, 0x0e]), try unknown(treasury, batchSelector),
            try unknown(lastReserved, claimSelector),
            try value(claimSelector), try value(policySelector + word(0)),
            try policy(2), try policy(256), try policy(.max),
            try malformed("claim with a byte", claimSelector + [0], .trailingBytes),
            try malformed("policy without a word", policySelector, .truncated),
            try malformed("policy of 31 bytes", policySelector + word(1).dropLast(), .truncated),
            try malformed("policy of 33 bytes", policySelector + word(1) + [0], .trailingBytes),
            try malformed("policy 2^64", policySelector + word(1 << 64), .numberTooLarge),
        ]
    }

    private static func malformed(
        _ name: String, value: UInt128 = 0, _ data: [UInt8], _ error: CallError
    ) throws -> Refusal {
        let text =
            switch error {
            case .truncated: "it ends before the last argument"
            case .trailingBytes: "bytes follow the last argument"
            case .nonCanonical: "a word has bits outside its type, or an unusual offset"
            case .numberTooLarge: "a number exceeds its type"
            }
        return try call(
            name, value: value, data, .malformedCall(error), "malformedCall",
            "malformed call data: " + text)
    }

    static func batches() throws -> [Refusal] {
        let two = [leg(), leg()]
        let wide = [UInt8](repeating: 0, count: 15) + [1] + [UInt8](repeating: 0, count: 16)
        let longer = [UInt8](repeating: 0, count: 11) + [1] + recipient.bytes
        return try batchRules(two) + [
            try malformed("no offset", batchSelector, .truncated),
            try malformed("no count", batchSelector + word(32), .truncated),
            try malformed("leg cut", Array(batch(two).dropLast()), .truncated),
            try malformed("count above the legs", batch(two, count: 3), .truncated),
            try malformed("count below the legs", batch(two, count: 1), .trailingBytes),
            try malformed("byte after the legs", batch(two) + [0], .trailingBytes),
            try malformed("offset 64", batch(two, offset: 64), .nonCanonical),
            try malformed("offset 0", batch(two, offset: 0), .nonCanonical),
            try malformed("address of 21 bytes", batch([leg(to: longer)]), .nonCanonical),
            try malformed("offset 2^64", batch(two, offset: 1 << 64), .numberTooLarge),
            try malformed("count 2^64", batch(two, count: 1 << 64), .numberTooLarge),
            try malformed(
                "value 2^128", batch([word(recipient) + wide + word(0) + word(0)]),
                .numberTooLarge),
            try malformed("deadline 2^64", batch([leg(creditBy: 1 << 64)]), .numberTooLarge),
            try malformed("schedule 2^64", batch([leg(runAt: 1 << 64)]), .numberTooLarge),
        ]
    }

    private static func batchRules(_ two: [[UInt8]]) throws -> [Refusal] {
        func sum(_ value: UInt128) throws -> Refusal {
            try call(
                "legs of 1200, value \(value)", value: value, batch(two),
                .batchSumMismatch(legs: Amount(1_200), value: Amount(value)), "batchSumMismatch",
                "the legs' sum 1200 is not the transaction's value \(value)")
        }
        func tooLong(_ count: UInt128) throws -> Refusal {
            try call(
                "\(count) legs", batch([leg()], count: count), .batchTooLong(limit: 256),
                "batchTooLong", "a batch has at most 256 legs")
        }
        return [
            try call(
                "no legs", value: 0, batch([]), .batchEmpty, "batchEmpty",
                "a batch needs at least one leg"),
            try tooLong(257), try tooLong(UInt128(UInt64.max)),
            try call(
                "257 true legs", value: 257 * 600, batch([[UInt8]](repeating: leg(), count: 257)),
                .batchTooLong(limit: 256), "batchTooLong", "a batch has at most 256 legs"),
            try sum(0), try sum(1_199), try sum(1_201),
            try call(
                "legs beyond 2^128", batch([leg(value: .max), leg(value: 1)]),
                .amountTooLarge(field: "sum of the legs"), "amountTooLarge",
                "sum of the legs exceeds 2^128 - 1"),
            try call(
                "empty second leg", batch([leg(), leg(value: 0)]), .legValueZero(leg: 1),
                "legValueZero", "leg 1 moves nothing"),
            try call(
                "both times", batch([leg(creditBy: 1, runAt: 1)]), .deadlineAndSchedule(leg: 0),
                "deadlineAndSchedule", "leg 0 has both a credit deadline and a time to run at"),
            try call(
                "leg to a reserved address", batch([leg(), leg(to: word(treasury))]),
                .reservedRecipient(treasury), "reservedRecipient",
                "reserved address \(treasury) cannot hold a balance"),
        ]
    }
}
