import TallyCrypto
import TallyPrimitives
import TallyTransactions

/// Positions of the fields of a type-2 transaction.
private enum Field {
    static let chainID = 0
    static let nonce = 1
    static let tip = 2
    static let fee = 3
    static let weightLimit = 4
    static let to = 5
    static let value = 6
    static let data = 7
    static let accessList = 8
    static let parity = 9
    static let r = 10
    static let s = 11
}

/// 2^64, 2^128 and 2^256: one more than a type holds.
private let beyond64 = item(1 << 64)
private let beyond128 = item([1] + [UInt8](repeating: 0, count: 16))
private let beyond256 = item([1] + [UInt8](repeating: 0, count: 32))
private let empty = item([])
private let order = curve("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
private let orderLessOne = curve("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140")
private let halfOrderPlusOne = curve(
    "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1")

private func curve(_ digits: String) -> [UInt8] { item(Hex.decode("0x" + digits) ?? []) }

extension Refusal {
    static func all() throws -> [Refusal] {
        let fields = try RawFields(sample().signed(by: exampleKey()))
        let legacy = try RawFields(sample(.legacy).signed(by: exampleKey()))
        let listed = try RawFields(sample(.accessList).signed(by: exampleKey()))
        return types(fields) + encoding(fields) + chains(fields, legacy)
            + bounds(fields, legacy, listed) + legacySignatures(legacy) + signatures(fields)
            + (try fees()) + (try operations()) + (try batches())
            + (try trades())
            + (try fees()) + (try operations()) + (try batches()) + (try jobs())
            + (try fees()) + (try operations()) + (try batches()) + (try roles())
    }

    private static func types(_ fields: RawFields) -> [Refusal] {
        let unsupported: [Refusal] = ([0x00, 0x03, 0x04, 0x7f, 0x80, 0xbf] as [UInt8]).map {
            Refusal(
                "type \($0)", [$0] + fields.raw.dropFirst(), .unsupportedType($0),
                "unsupportedType", "transaction type not supported: \($0)")
        }
        return unsupported + [
            Refusal("nothing", [], .empty, "empty", "typed transaction too short"),
            Refusal(
                "too large", fields.raw + [UInt8](repeating: 0, count: 131_072),
                .oversized(limit: 131_072, actual: 131_072 + fields.raw.count), "oversized",
                "oversized data: transaction size \(131_072 + fields.raw.count), limit 131072"),
        ]
    }

    private static func encoding(_ fields: RawFields) -> [Refusal] {
        func refusal(_ name: String, _ raw: [UInt8], _ error: RLPError) -> Refusal {
            // What each error says is another test's.
            let reason = TransactionError.malformed(error)
            return Refusal(name, raw, reason, error.code, reason.description)
        }
        let raw = fields.raw
        var extra = fields
        extra.items.append([0x01])
        var short = fields
        short.items.removeLast()
        // A length of 2 bytes where 1 would do: 0xf8 n becomes 0xf9 0 n.
        let longHeader = [raw[0], 0xf9, 0x00] + raw[2...]
        return [
            refusal("type alone", [0x02], .truncated),
            refusal("cut", Array(raw.dropLast()), .truncated),
            refusal("field missing", short.raw, .truncated),
            refusal("byte after the list", raw + [0x00], .trailingBytes),
            refusal("field after the last", extra.raw, .trailingBytes),
            refusal("length with leading zero", longHeader, .nonCanonicalLength),
            refusal(
                "byte as string", fields.replacing(Field.nonce, [0x81, 0x07]), .nonCanonicalLength),
            refusal("zero as byte", fields.replacing(Field.nonce, [0x00]), .nonCanonicalInteger),
            refusal(
                "nonce with leading zero", fields.replacing(Field.nonce, [0x82, 0x00, 0x81]),
                .nonCanonicalInteger),
            refusal(
                "value with leading zero", fields.replacing(Field.value, [0x82, 0x00, 0x81]),
                .nonCanonicalInteger),
            refusal(
                "r with leading zero", fields.replacing(Field.r, item([0, 0x81])),
                .nonCanonicalInteger),
            refusal("string for a transaction", [0x02, 0x82, 0x01, 0x02], .expectedList),
            refusal(
                "string for an access list", fields.replacing(Field.accessList, empty),
                .expectedList),
            refusal(
                "list for call data", fields.replacing(Field.data, [0xc0]), .expectedString),
            refusal(
                "list for a nonce", fields.replacing(Field.nonce, [0xc0]), .expectedString),
            refusal(
                "recipient of 19 bytes",
                fields.replacing(Field.to, item([UInt8](repeating: 1, count: 19))),
                .wrongLength(expected: 20, actual: 19)),
            refusal(
                "recipient of 21 bytes",
                fields.replacing(Field.to, item([UInt8](repeating: 1, count: 21))),
                .wrongLength(expected: 20, actual: 21)),
        ]
    }

    private static func chains(_ fields: RawFields, _ legacy: RawFields) -> [Refusal] {
        func missing(_ name: String, _ raw: [UInt8]) -> Refusal {
            Refusal(
                name, raw, .missingChainID, "missingChainId",
                "only replay-protected (EIP-155) transactions allowed over RPC")
        }
        func tooLarge(_ name: String, _ raw: [UInt8]) -> Refusal {
            Refusal(
                name, raw, .chainIDTooLarge, "chainIdTooLarge", "chain id exceeds 2^64 - 1")
        }
        func wrong(_ name: String, _ raw: [UInt8], _ actual: ChainID) -> Refusal {
            Refusal(
                name, raw, .wrongChainID(expected: 1337, actual: actual), "wrongChainId",
                "invalid chain id for signer: have \(actual) want 1337")
        }
        return [
            missing("v is 27", legacy.replacing(6, item(27))),
            missing("v is 28", legacy.replacing(6, item(28))),
            missing("v is 35: chain 0", legacy.replacing(6, item(35))),
            missing("chain 0", fields.replacing(Field.chainID, empty)),
            wrong("chain 1", fields.replacing(Field.chainID, item(1)), 1),
            wrong("v of chain 1", legacy.replacing(6, item(37)), 1),
            tooLarge("chain 2^64", fields.replacing(Field.chainID, beyond64)),
            tooLarge("v of chain 2^64", legacy.replacing(6, item(35 + 1 << 65))),
            tooLarge("v of 17 bytes", legacy.replacing(6, beyond128)),
        ]
    }

    private static func bounds(
        _ fields: RawFields, _ legacy: RawFields, _ listed: RawFields
    ) -> [Refusal] {
        func amount(_ field: String, _ raw: [UInt8]) -> Refusal {
            Refusal(
                field, raw, .amountTooLarge(field: field), "amountTooLarge",
                "\(field) exceeds 2^128 - 1")
        }
        func nonce(_ name: String, _ value: [UInt8]) -> Refusal {
            Refusal(
                name, fields.replacing(Field.nonce, value), .nonceTooLarge, "nonceTooLarge",
                "nonce has max value")
        }
        func limit(_ name: String, _ raw: [UInt8]) -> Refusal {
            Refusal(
                name, raw, .weightLimitTooLarge, "gasLimitTooLarge",
                "gas uint64 overflow: the gas limit exceeds 2^64 - 1")
        }
        let creation = "contract creation is not supported: the recipient is missing"
        let accessList = RLPEncoder.list { out in
            out.list { out in
                out.append(recipient)
                out.list { _ in }
            }
        }
        return [
            amount("value", fields.replacing(Field.value, beyond128)),
            amount("value", legacy.replacing(4, beyond256)),
            amount("maxFeePerGas", fields.replacing(Field.fee, beyond128)),
            amount("maxPriorityFeePerGas", fields.replacing(Field.tip, beyond128)),
            amount("gasPrice", legacy.replacing(1, beyond128)),
            amount("gasPrice", listed.replacing(2, beyond128)),
            nonce("nonce 2^64 - 1", item(UInt128(UInt64.max))),
            nonce("nonce of 9 bytes", beyond64),
            limit("gas limit 2^64", fields.replacing(Field.weightLimit, beyond64)),
            limit("gas limit 2^64, legacy", legacy.replacing(2, beyond64)),
            limit("gas limit 2^256", listed.replacing(3, beyond256)),
            Refusal(
                "no recipient", fields.replacing(Field.to, empty), .contractCreation,
                "contractCreation", creation),
            Refusal(
                "no recipient, legacy", legacy.replacing(3, empty), .contractCreation,
                "contractCreation", creation),
            Refusal(
                "access list", fields.replacing(Field.accessList, accessList),
                .accessListNotEmpty, "accessListNotEmpty",
                "access lists are not supported: the list must be empty"),
            Refusal(
                "access list, type 1", listed.replacing(7, accessList), .accessListNotEmpty,
                "accessListNotEmpty", "access lists are not supported: the list must be empty"),
        ]
    }

    private static func invalid(
        _ name: String, _ raw: [UInt8], _ error: TransactionError, _ code: String
    ) -> Refusal {
        Refusal(name, raw, error, code, "invalid transaction v, r, s values: " + code)
    }

    private static func legacySignatures(_ legacy: RawFields) -> [Refusal] {
        ([0, 1, 26, 29, 34] as [UInt128]).map {
            invalid("v is \($0)", legacy.replacing(6, item($0)), .invalidV, "invalidV")
        }
    }

    private static func signatures(_ fields: RawFields) -> [Refusal] {
        let high = "invalid transaction v, r, s values: s is in the upper half of the curve order"
        var strange = fields
        // No point of the curve has x = 5.
        strange.items[Field.r] = item(5)
        strange.items[Field.s] = item(1)
        return [
            invalid("parity 2", fields.replacing(Field.parity, item(2)), .invalidV, "invalidV"),
            invalid("parity 27", fields.replacing(Field.parity, item(27)), .invalidV, "invalidV"),
            invalid(
                "parity of 17 bytes", fields.replacing(Field.parity, beyond128), .invalidV,
                "invalidV"),
            invalid("r is 0", fields.replacing(Field.r, empty), .zeroR, "zeroR"),
            invalid("s is 0", fields.replacing(Field.s, empty), .zeroS, "zeroS"),
            invalid("r is n", fields.replacing(Field.r, order), .rOutOfRange, "rOutOfRange"),
            invalid(
                "r of 33 bytes", fields.replacing(Field.r, beyond256), .rOutOfRange, "rOutOfRange"),
            invalid("s is n", fields.replacing(Field.s, order), .sOutOfRange, "sOutOfRange"),
            invalid(
                "s of 33 bytes", fields.replacing(Field.s, beyond256), .sOutOfRange, "sOutOfRange"),
            Refusal(
                "s is n - 1", fields.replacing(Field.s, orderLessOne), .highS, "highS", high),
            Refusal(
                "s is above n / 2", fields.replacing(Field.s, halfOrderPlusOne), .highS, "highS",
                high),
            Refusal(
                "r on no point", strange.raw, .unrecoverableSignature, "unrecoverableSignature",
                "invalid sender: the signature yields no public key"),
        ]
    }
}
