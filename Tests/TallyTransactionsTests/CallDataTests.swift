import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

/// One call of the cross-shard address that eth-abi encoded.
private struct CallVector: Decodable {
    struct Leg: Decodable {
        let to: String
        let value: String
        let creditBy: String
        let runAt: String

        func leg() throws -> TransferLeg {
            let terms: LegTerms =
                switch (try some(UInt64(creditBy)), try some(UInt64(runAt))) {
                case (0, 0): .immediate
                case (let time, 0): .creditBy(BeaconTime(milliseconds: time))
                case (_, let time): .runAt(BeaconTime(milliseconds: time))
                }
            return TransferLeg(
                to: try some(Address(hex: to)), value: try some(Amount(decimal: value)),
                terms: terms)
        }
    }

    let name: String
    let kind: String
    let value: String
    let data: String
    let legs: [Leg]
    let policy: UInt8?

    func operation() throws -> TransferOperation {
        switch kind {
        case "batch": .batch(try legs.map { try $0.leg() })
        case "claimEscrow": .claimEscrow
        case "setCreditPolicy":
            .setCreditPolicy(try some(CreditPolicy(rawValue: try some(policy))))
        default: throw VectorError("kind \(kind)")
        }
    }
}

@Suite struct CallDataTests {
    @Test func encodesCallsAsOthersDo() throws {
        let vectors: [CallVector] = try Vectors.json("transactions/eth-abi.json")
        #expect(vectors.count == 6)
        #expect(Set(vectors.map(\.legs.count)).isSuperset(of: [1, 5, 256]))
        for vector in vectors {
            let operation = try vector.operation()
            let value = try some(Amount(decimal: vector.value))
            #expect(Hex.encode(operation.callData) == vector.data, "\(vector.name)")
            #expect(try some(operation.target) == (crossShard, value), "\(vector.name)")
            let envelope = sample(to: crossShard, value: value, data: try Hex.vector(vector.data))
            #expect(try Operation(envelope) == .transfer(operation), "\(vector.name)")
        }
    }

    @Test func understandsSignedCallsOfOthers() throws {
        let vectors = try SignedVector.all()
        func operation(_ name: String) throws -> TransferOperation {
            let vector = try some(vectors.first { $0.name == name })
            let transaction = try Transaction(raw: Hex.vector(vector.raw), chainID: 1337)
            guard case .transfer(let operation) = transaction.operation else {
                throw VectorError("not a transfer")
            }
            return operation
        }
        guard case .batch(let legs) = try operation("type 2, batch of five") else {
            throw VectorError("not a batch")
        }
        #expect(legs.count == 5)
        #expect(legs[0] == TransferLeg(to: try some(Address(hex: "0x" + ones)), value: Amount(1)))
        #expect(try operation("type 0, claimEscrow") == .claimEscrow)
    }

    @Test func randomBatchesSurviveTheirCallData() throws {
        try forEachSeed(base: 0x6261_7463, count: 60) { seed, generator in
            let count = seed % 5 == 0 ? 256 : Int.random(in: 1...20, using: &generator)
            let legs = (0..<count).map { _ in randomLeg(&generator) }
            let operation = TransferOperation.batch(legs)
            let (to, value) = try some(operation.target)
            let envelope = sample(to: to, value: value, data: operation.callData)
            #expect(operation.callData.count == 68 + 128 * count, "seed \(seed)")
            #expect(try Operation(envelope) == .transfer(operation), "seed \(seed)")
        }
    }

    @Test func singleTransferKeepsAndIgnoresCallData() throws {
        let nativeTransfers = ReservedAddress.nativeTransfers
        let outside = [
            recipient, .zero, nativeTransfers, address("0x" + zeros + "bfff"),
            address("0x" + zeros + "d000"),
        ]
        for to in outside {
            let data = TransferOperation.batchSelector.bytes + [1, 2, 3]
            let envelope = sample(to: to, value: .zero, data: data)
            #expect(try Operation(envelope) == .transfer(.single(to: to, value: .zero)))
            let transaction = try Transaction(
                raw: envelope.signed(by: exampleKey()), chainID: 1337)
            #expect(transaction.envelope.data == data)
        }
        #expect(TransferOperation.single(to: recipient, value: .zero).callData.isEmpty)
    }

    @Test func sumOfLegsHasABound() {
        let leg = TransferLeg(to: recipient, value: .max)
        #expect(TransferOperation.batch([leg]).target?.value == .max)
        #expect(TransferOperation.batch([leg, leg]).target == nil)
        #expect(TransferOperation.claimEscrow.target?.value == .zero)
    }

    /// A word of 0 means none, so the time 0 is written as 1: both have passed.
    @Test func timeZeroStaysATime() throws {
        let zero = BeaconTime(milliseconds: 0)
        let one = BeaconTime(milliseconds: 1)
        for (terms, expected) in [
            (LegTerms.creditBy(zero), LegTerms.creditBy(one)), (.runAt(zero), .runAt(one)),
        ] {
            let operation = TransferOperation.batch(
                [TransferLeg(to: recipient, value: Amount(1), terms: terms)])
            let envelope = sample(to: crossShard, value: Amount(1), data: operation.callData)
            #expect(
                try Operation(envelope)
                    == .transfer(
                        .batch([TransferLeg(to: recipient, value: Amount(1), terms: expected)])))
        }
    }

    @Test(
        arguments: [
            ("bfff", false), ("c000", true), ("c001", true), ("cfff", true), ("d000", false),
        ])
    func reservedAddressesAreARange(_ low: String, _ isReserved: Bool) {
        #expect(ReservedAddress.contains(address("0x" + zeros + low)) == isReserved)
        // The same low bits under any other high digit are an account's.
        for position in 0..<36 {
            var high = [Character](zeros)
            high[position] = "1"
            #expect(!ReservedAddress.contains(address("0x" + String(high) + low)))
        }
    }

    @Test func reservedAddressesAreTheSpecifiedOnes() {
        #expect(ReservedAddress.crossShard == crossShard)
        #expect(ReservedAddress.treasury == address("0x" + zeros + "c000"))
        #expect(
            ReservedAddress.nativeTransfers
                == address("0x" + String(repeating: "f", count: 39) + "e"))
        #expect(!ReservedAddress.contains(ReservedAddress.nativeTransfers))
    }

    private func randomLeg(_ generator: inout SeededGenerator) -> TransferLeg {
        let time = BeaconTime(milliseconds: .random(in: 1 ... .max, using: &generator))
        let terms: [LegTerms] = [.immediate, .creditBy(time), .runAt(time)]
        return TransferLeg(
            to: Address(
                words: (.random(in: 1 ... .max, using: &generator), generator.next(), 0xc001)),
            value: Amount(UInt128.random(in: 1...(.max >> 8), using: &generator)),
            terms: terms[Int.random(in: 0..<3, using: &generator)])
    }
}

private let zeros = String(repeating: "0", count: 36)
private let ones = String(repeating: "1", count: 40)
