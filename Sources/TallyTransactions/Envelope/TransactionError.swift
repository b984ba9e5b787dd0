public import TallyPrimitives

/// Why bytes are not a transaction this ledger accepts: one case a reason (`Specs/transactions.md`).
public enum TransactionError: Error, Hashable, Sendable {
    // Form of the envelope
    case empty
    case oversized(limit: Int, actual: Int)
    case unsupportedType(UInt8)
    case malformed(RLPError)
    case contractCreation
    case accessListNotEmpty
    case missingChainID
    case wrongChainID(expected: ChainID, actual: ChainID)
    case chainIDTooLarge
    case amountTooLarge(field: String)
    case nonceTooLarge
    case weightLimitTooLarge
    // Signature
    case invalidV
    case zeroR
    case zeroS
    case rOutOfRange
    case sOutOfRange
    case highS
    case unrecoverableSignature
    // Fees
    case tipAboveFeeCap
    case costTooLarge
    case weightLimitTooLow(required: Weight, actual: Weight)
    // Operation
    case reservedRecipient(Address)
    case unknownOperation(Address)
    case malformedCall(CallError)
    case batchEmpty
    case batchTooLong(limit: Int)
    case batchSumMismatch(legs: Amount, value: Amount)
    case legValueZero(leg: Int)
    case deadlineAndSchedule(leg: Int)
    case valueNotAllowed
    case unknownPolicy(UInt64)
    case attestationCount(limit: Int)
    // Trade
    case unknownResource(UInt8)
    case tradeUnitsZero
    case tradePriceZero
    case tradeValueMismatch(cost: Amount, value: Amount)
    // Families
    case job(JobFault)
    case unknownRole(UInt8)

    /// The reason as a stable name: what programs match on.
    public var code: String {
        switch self {
        case .empty: "empty"
        case .oversized: "oversized"
        case .unsupportedType: "unsupportedType"
        case .malformed(let reason): reason.code
        case .contractCreation: "contractCreation"
        case .accessListNotEmpty: "accessListNotEmpty"
        case .missingChainID: "missingChainId"
        case .wrongChainID: "wrongChainId"
        case .chainIDTooLarge: "chainIdTooLarge"
        case .amountTooLarge: "amountTooLarge"
        case .nonceTooLarge: "nonceTooLarge"
        case .weightLimitTooLarge: "gasLimitTooLarge"
        case .invalidV: "invalidV"
        case .zeroR: "zeroR"
        case .zeroS: "zeroS"
        case .rOutOfRange: "rOutOfRange"
        case .sOutOfRange: "sOutOfRange"
        case .highS: "highS"
        case .unrecoverableSignature: "unrecoverableSignature"
        case .tipAboveFeeCap: "tipAboveFeeCap"
        case .costTooLarge: "costTooLarge"
        case .weightLimitTooLow: "intrinsicGasTooLow"
        case .reservedRecipient: "reservedRecipient"
        case .unknownOperation: "unknownOperation"
        case .malformedCall: "malformedCall"
        case .batchEmpty: "batchEmpty"
        case .batchTooLong: "batchTooLong"
        case .batchSumMismatch: "batchSumMismatch"
        case .legValueZero: "legValueZero"
        case .deadlineAndSchedule: "deadlineAndSchedule"
        case .valueNotAllowed: "valueNotAllowed"
        case .unknownPolicy: "unknownPolicy"
        case .attestationCount: "attestationCount"
        case .unknownResource: "unknownResource"
        case .tradeUnitsZero: "tradeUnitsZero"
        case .tradePriceZero: "tradePriceZero"
        case .tradeValueMismatch: "tradeValueMismatch"
        case .job(let fault): fault.code
        case .unknownRole: "unknownRole"
        }
    }
}

extension TransactionError: CustomStringConvertible {
    /// One sentence for people; geth's text where geth has one.
    public var description: String {
        switch self {
        case .empty: "typed transaction too short"
        case .oversized(let limit, let actual):
            "oversized data: transaction size \(actual), limit \(limit)"
        case .unsupportedType(let type): "transaction type not supported: \(type)"
        case .malformed(let reason): "rlp: \(reason.sentence)"
        case .contractCreation: "contract creation is not supported: the recipient is missing"
        case .accessListNotEmpty: "access lists are not supported: the list must be empty"
        case .missingChainID: "only replay-protected (EIP-155) transactions allowed over RPC"
        case .wrongChainID(let expected, let actual):
            "invalid chain id for signer: have \(actual) want \(expected)"
        case .chainIDTooLarge: "chain id exceeds 2^64 - 1"
        case .amountTooLarge(let field): "\(field) exceeds 2^128 - 1"
        case .nonceTooLarge: "nonce has max value"
        case .weightLimitTooLarge: "gas uint64 overflow: the gas limit exceeds 2^64 - 1"
        case .invalidV, .zeroR, .zeroS, .rOutOfRange, .sOutOfRange:
            "invalid transaction v, r, s values: \(code)"
        case .highS: "invalid transaction v, r, s values: s is in the upper half of the curve order"
        case .unrecoverableSignature: "invalid sender: the signature yields no public key"
        case .tipAboveFeeCap: "max priority fee per gas higher than max fee per gas"
        case .costTooLarge: "gas limit * max fee + value exceeds 2^128 - 1"
        case .weightLimitTooLow(let required, let actual):
            "intrinsic gas too low: have \(actual), want \(required)"
        case .reservedRecipient(let address): "reserved address \(address) cannot hold a balance"
        case .unknownOperation(let address): "no such operation at reserved address \(address)"
        case .malformedCall(let reason): "malformed call data: \(reason.sentence)"
        case .batchEmpty: "a batch needs at least one leg"
        case .batchTooLong(let limit): "a batch has at most \(limit) legs"
        case .batchSumMismatch(let legs, let value):
            "the legs' sum \(legs) is not the transaction's value \(value)"
        case .legValueZero(let leg): "leg \(leg) moves nothing"
        case .deadlineAndSchedule(let leg):
            "leg \(leg) has both a credit deadline and a time to run at"
        case .valueNotAllowed: "this operation takes no value"
        case .unknownPolicy(let policy): "unknown credit policy \(policy): 0 accepts, 1 refuses"
        case .attestationCount(let limit): "a call carries 1 to \(limit) attestations"
        case .unknownResource(let resource): "unknown resource \(resource): there are 0 to 5"
        case .tradeUnitsZero: "a trade has at least one unit"
        case .tradePriceZero: "a unit has a price"
        case .tradeValueMismatch(let cost, let value):
            "the units at the maximum price cost \(cost), the transaction's value is \(value)"
        case .job(let fault): fault.description
        case .unknownRole(let role): "unknown role \(role): 1 is a validator, 2 a router"
        }
    }
}

extension RLPError {
    /// The reason as a stable name.
    public var code: String {
        switch self {
        case .truncated: "truncated"
        case .trailingBytes: "trailingBytes"
        case .nonCanonicalLength: "nonCanonicalLength"
        case .nonCanonicalInteger: "nonCanonicalInteger"
        case .integerTooLarge: "integerTooLarge"
        case .expectedList: "expectedList"
        case .expectedString: "expectedString"
        case .wrongLength: "wrongLength"
        case .tooLong: "tooLong"
        case .unknownValue: "unknownValue"
        }
    }
}

extension RLPError {
    /// The reason for people, after geth's `rlp: `; its text where it has one.
    fileprivate var sentence: String {
        switch self {
        case .truncated: "value size exceeds available input length"
        case .trailingBytes: "bytes follow the last field"
        case .nonCanonicalLength: "non-canonical size information"
        case .nonCanonicalInteger: "non-canonical integer (leading zero bytes)"
        case .integerTooLarge: "input string too long"
        case .expectedList: "expected List"
        case .expectedString: "expected String or Byte"
        case .wrongLength(let expected, let actual):
            "a string of \(actual) bytes where \(expected) are expected"
        case .tooLong(let limit): "more than \(limit) items or bytes"
        case .unknownValue(let value): "unknown value \(value)"
        }
    }
}

extension CallError {
    /// The reason for people.
    fileprivate var sentence: String {
        switch self {
        case .truncated: "it ends before the last argument"
        case .trailingBytes: "bytes follow the last argument"
        case .nonCanonical: "a word has bits outside its type, or an unusual offset"
        case .numberTooLarge: "a number exceeds its type"
        }
    }
}
