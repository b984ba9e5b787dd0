import FoundationEssentials
import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

/// A refused transaction and what it must be refused with.
struct Refusal: CustomTestStringConvertible {
    let name: String
    let raw: [UInt8]
    let error: TransactionError
    let code: String
    let text: String

    var testDescription: String { name }

    init(
        _ name: String, _ raw: [UInt8], _ error: TransactionError, _ code: String, _ text: String
    ) {
        self.name = name
        self.raw = raw
        self.error = error
        self.code = code
        self.text = text
    }
}

@Suite struct TransactionErrorTests {
    @Test func refusesEachWithItsReason() throws {
        for refusal in try Refusal.all() {
            #expect(throws: refusal.error, "\(refusal.name)") {
                try Transaction(raw: refusal.raw, chainID: 1337)
            }
            #expect(refusal.error.code == refusal.code, "\(refusal.name)")
            #expect(refusal.error.description == refusal.text, "\(refusal.name)")
        }
    }

    @Test func tableReachesEveryReason() throws {
        let reached = Set(try Refusal.all().map { number(of: $0.error) })
        #expect(reached == Set(0..<reasonCount))
    }

    @Test func tableReachesEveryFaultOfCallData() throws {
        var faults: Set<CallError> = []
        for refusal in try Refusal.all() {
            if case .malformedCall(let fault) = refusal.error { faults.insert(fault) }
        }
        #expect(faults == [.truncated, .trailingBytes, .nonCanonical, .numberTooLarge])
    }

    /// A code is what programs match on: the specification lists all that occur.
    @Test func specificationListsEveryCode() throws {
        let pages = [
            "transactions.md", "transactions/node.md", "transactions/proof.md",
            "transactions/job.md", "transactions/trade.md", "transactions/validator.md",
        ]
        let text = try pages.map {
            try String(contentsOf: Vectors.specification($0), encoding: .utf8)
        }.joined(separator: "\n")
        let listed = text.split(separator: "\n").compactMap { line -> String? in
            let cells = line.split(separator: "|")
            guard line.hasPrefix("| `"), cells.count == 4 else { return nil }
            return cells[0].filter { $0 != "`" && $0 != " " }
        }
        #expect(Set(listed).count == listed.count, "each code once")
        #expect(Set(listed) == Set(try Refusal.all().map(\.code)))
    }

    @Test(
        arguments: [
            (.truncated, "truncated", "rlp: value size exceeds available input length"),
            (.trailingBytes, "trailingBytes", "rlp: bytes follow the last field"),
            (.nonCanonicalLength, "nonCanonicalLength", "rlp: non-canonical size information"),
            (
                .nonCanonicalInteger, "nonCanonicalInteger",
                "rlp: non-canonical integer (leading zero bytes)"
            ),
            (.integerTooLarge, "integerTooLarge", "rlp: input string too long"),
            (.expectedList, "expectedList", "rlp: expected List"),
            (.expectedString, "expectedString", "rlp: expected String or Byte"),
            (
                .wrongLength(expected: 20, actual: 19), "wrongLength",
                "rlp: a string of 19 bytes where 20 are expected"
            ),
            (.tooLong(limit: 3), "tooLong", "rlp: more than 3 items or bytes"),
            (.unknownValue(9), "unknownValue", "rlp: unknown value 9"),
        ] as [(RLPError, String, String)])
    func namesEveryFaultOfTheEncoding(_ error: RLPError, _ code: String, _ text: String) {
        #expect(error.code == code)
        #expect(TransactionError.malformed(error).code == code)
        #expect(TransactionError.malformed(error).description == text)
    }

    @Test func translatesEverySignatureError() {
        let rows: [(SignatureError, TransactionError)] = [
            (.zeroR, .zeroR), (.zeroS, .zeroS), (.rOutOfRange, .rOutOfRange),
            (.sOutOfRange, .sOutOfRange), (.highS, .highS), (.invalidParity, .invalidV),
            (.unrecoverable, .unrecoverableSignature),
        ]
        for (error, reason) in rows { #expect(TransactionError(error) == reason) }
    }
}

private let reasonCount = 39

/// A number for each case, so that a new one does not compile before it stands here.
private func number(of error: TransactionError) -> Int {
    switch error {
    case .empty: 0
    case .oversized: 1
    case .unsupportedType: 2
    case .malformed: 3
    case .contractCreation: 4
    case .accessListNotEmpty: 5
    case .missingChainID: 6
    case .wrongChainID: 7
    case .chainIDTooLarge: 8
    case .amountTooLarge: 9
    case .nonceTooLarge: 10
    case .weightLimitTooLarge: 11
    case .invalidV: 12
    case .zeroR: 13
    case .zeroS: 14
    case .rOutOfRange: 15
    case .sOutOfRange: 16
    case .highS: 17
    case .unrecoverableSignature: 18
    case .tipAboveFeeCap: 19
    case .costTooLarge: 20
    case .weightLimitTooLow: 21
    case .reservedRecipient: 22
    case .unknownOperation: 23
    case .malformedCall: 24
    case .batchEmpty: 25
    case .batchTooLong: 26
    case .batchSumMismatch: 27
    case .legValueZero: 28
    case .deadlineAndSchedule: 29
    case .valueNotAllowed: 30
    case .unknownPolicy: 31
    case .unknownResource: 32
    case .tradeUnitsZero: 33
    case .tradePriceZero: 34
    case .tradeValueMismatch: 35
    case .job: 36
    case .unknownRole: 37
    case .attestationCount: 38
    }
}
