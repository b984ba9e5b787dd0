import FoundationEssentials
import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

private let order = ObjectID(owner: recipient, number: 3)
private let bid = ObjectID(owner: crossShard, number: 4)
private let one = SHA256.plain([1])
private let two = SHA256.plain([2])

private func terms(
    _ program: JobProgram = .listed, _ pricing: JobPricing = .rental, price: UInt128 = 1_000,
    duration: UInt64 = 60_000, spec: [UInt8] = [1, 2, 3]
) -> JobTerms {
    JobTerms(
        program: program, pricing: pricing, input: one, sealed: two, price: Amount(price),
        bidsUntil: BeaconTime(milliseconds: .max), duration: duration, spec: spec)
}

private let operations: [JobOperation] = [
    .postJob(terms(), escrow: Amount(1_000)),
    .postJob(terms(.hashChain, .fixed, price: 1, duration: 1, spec: []), escrow: .max),
    .postJob(
        terms(
            .matrixProduct, duration: JobTerms.maximumDuration,
            spec: [UInt8](repeating: 255, count: 512)), escrow: Amount(1_001)),
    .placeBid(order: order, price: .max, bond: .zero),
    .placeBid(order: order, price: Amount(1), bond: .max), .withdrawBid(order: order),
    .acceptBid(order: order, bid: bid), .closeOrder(order: order),
    .deliver(order: order, result: one), .reveal(order: order, answer: one, salt: two),
    .acceptResult(order: order), .dispute(order: order),
    .commitVerdict(order: order, commitment: one),
    .revealVerdict(order: order, result: one, salt: two), .settle(order: order),
    .topUp(order: order, value: Amount(1)), .closeLease(order: order),
]

private let words = order.word.bytes
private let bits: [UInt8] = {
    var bytes = order.word.bytes
    bytes[22] = 1
    return bytes
}()

private func arguments(
    program: UInt128 = 1, pricing: UInt128 = 1, price: UInt128 = 1_000, duration: UInt128 = 1,
    offset: UInt128 = 256, count: UInt128 = 0
) -> [UInt8] {
    word(program) + word(pricing) + one.bytes + two.bytes + word(price) + word(5)
        + word(duration) + word(offset) + word(count)
}

@Suite struct JobCallTests {
    @Test func operationsSurviveTheirCallData() throws {
        for operation in operations {
            let target = operation.target
            #expect(target.to == ReservedAddress.jobs)
            let envelope = sample(
                to: target.to, value: target.value, data: operation.callData)
            #expect(try Operation(envelope) == .job(operation))
            // Nothing else means the same.
            #expect(throws: TransactionError.malformedCall(.trailingBytes)) {
                try Operation(
                    sample(to: target.to, value: target.value, data: envelope.data + [0]))
            }
            #expect(throws: TransactionError.malformedCall(.truncated)) {
                try Operation(
                    sample(
                        to: target.to, value: target.value,
                        data: Array(envelope.data.dropLast())))
            }
        }
    }

    @Test func idsHaveNoBitsBetweenOwnerAndNumber() {
        for function in JobFunction.allCases where function != .postJob {
            let envelope = sample(
                to: ReservedAddress.jobs, value: Amount(function.isPayable ? 1 : 0),
                data: function.selector.bytes + bits)
            #expect(throws: TransactionError.malformedCall(.nonCanonical)) {
                try Operation(envelope)
            }
        }
    }

    @Test func onlySomeFunctionsTakeMoney() throws {
        for operation in operations {
            let data = operation.callData
            let function = try some(
                JobFunction.allCases.first { $0.selector.bytes == Array(data.prefix(4)) })
            guard !function.isPayable else { continue }
            #expect(throws: TransactionError.valueNotAllowed) {
                try Operation(sample(to: ReservedAddress.jobs, value: Amount(1), data: data))
            }
        }
    }

    @Test func callsFitAReceipt() {
        for operation in operations {
            guard case .postJob = operation else {
                #expect(operation.callData.count + 16 <= 768)
                continue
            }
        }
    }

    @Test func whoeverCausesAPayoutHasPaidForIt() {
        let placing = JobOperation.placeBid(order: order, price: Amount(1), bond: .zero)
        #expect(placing.weight == Weights.submission + Weights.payout)
        #expect(JobOperation.dispute(order: order).weight == 60_000)
        #expect(JobOperation.closeLease(order: order).weight == Weights.submission)
    }

    // MARK: Published ABI

    @Test func functionsAreThePublishedOnes() throws {
        let entries = try PublishedABI.entries("job").filter(\.isOperation)
        let published = entries.map(\.signature)
        #expect(published == JobFunction.allCases.map(\.rawValue))
        #expect(
            entries.map(\.stateMutability)
                == JobFunction.allCases.map { $0.isPayable ? "payable" : "nonpayable" })
    }

    /// The specification lists every function with its selector.
    @Test func specificationListsEverySelector() throws {
        let text = try String(
            contentsOf: Vectors.specification("transactions/job.md"), encoding: .utf8)
        for function in JobFunction.allCases {
            let row = "| `\(function.rawValue)` | `\(Hex.encode(function.selector.bytes))` |"
            #expect(text.contains(row), "\(row)")
        }
    }
}

extension Refusal {
    private static func job(
        _ name: String, value: UInt128 = 1_000, _ data: [UInt8], _ error: TransactionError,
        _ code: String, _ text: String
    ) throws -> Refusal {
        let envelope = sample(to: ReservedAddress.jobs, value: Amount(value), data: data)
        return Refusal(name, envelope.signed(by: try exampleKey()), error, code, text)
    }

    static func jobs() throws -> [Refusal] {
        func post(
            _ name: String, _ arguments: [UInt8], _ fault: JobFault, _ code: String,
            _ text: String
        ) throws -> Refusal {
            try job(name, JobFunction.postJob.selector.bytes + arguments, .job(fault), code, text)
        }
        let limit = JobTerms.maximumDuration
        return [
            try post(
                "program 0", arguments(program: 0), .unknownProgram(0), "unknownProgram",
                "unknown program 0: 1 hash chain, 2 matrix product, 3 listed"),
            try post(
                "program 4", arguments(program: 4), .unknownProgram(4), "unknownProgram",
                "unknown program 4: 1 hash chain, 2 matrix product, 3 listed"),
            try post(
                "pricing 3", arguments(pricing: 3), .unknownPricing(3), "unknownPricing",
                "unknown pricing 3: 1 fixed, 2 rental"),
            try post(
                "price 0", arguments(price: 0), .priceZero, "priceZero",
                "a price or rate is at least 1"),
            try post(
                "escrow below the price", arguments(price: 1_001),
                .escrowTooSmall(escrow: Amount(1_000), price: Amount(1_001)), "escrowTooSmall",
                "the escrow 1000 does not cover the price 1001"),
            try post(
                "duration 0", arguments(duration: 0), .durationOutOfRange(limit: limit),
                "durationOutOfRange", "a job lasts 1 to 315360000000 ms"),
            try post(
                "more than ten years", arguments(duration: UInt128(limit) + 1),
                .durationOutOfRange(limit: limit), "durationOutOfRange",
                "a job lasts 1 to 315360000000 ms"),
            try job(
                "bid of 0", JobFunction.placeBid.selector.bytes + words + word(0),
                .job(.priceZero), "priceZero", "a price or rate is at least 1"),
            try job(
                "top-up of 0", value: 0, JobFunction.topUp.selector.bytes + words,
                .job(.nothingToAdd), "nothingToAdd", "a top-up needs a value"),
            try job(
                "specification of 513 bytes",
                JobFunction.postJob.selector.bytes + arguments(count: 513),
                .malformedCall(.numberTooLarge), "malformedCall",
                "malformed call data: a number exceeds its type"),
            try job(
                "program 256", JobFunction.postJob.selector.bytes + arguments(program: 256),
                .malformedCall(.numberTooLarge), "malformedCall",
                "malformed call data: a number exceeds its type"),
            try job(
                "another offset", JobFunction.postJob.selector.bytes + arguments(offset: 288),
                .malformedCall(.nonCanonical), "malformedCall",
                "malformed call data: a word has bits outside its type, or an unusual offset"),
        ]
    }
}
