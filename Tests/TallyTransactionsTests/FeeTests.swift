import TallyCrypto
import TallyPrimitives
import TallyTransactions
import Testing

@Suite struct FeeTests {
    @Test func weightsAddUpToEthereumsTransfer() {
        #expect(Weights.transfer == 21_000)
        #expect(Weights.leg == 9_000)
        #expect(Weights.base == 12_000)
        #expect(Weights.dueEntry == 6_000)
    }

    @Test(
        arguments: [
            ([], 0), ([0], 4), ([1], 16), ([0xff], 16), ([0, 0, 7], 24),
            ([UInt8](repeating: 0, count: 1_000), 4_000),
            ([UInt8](repeating: 9, count: 1_000), 16_000),
        ] as [([UInt8], Weight)])
    func weighsCallData(_ data: [UInt8], _ weight: Weight) throws {
        #expect(Weights.callData(data) == weight)
        let raw = sample(data: data).signed(by: try exampleKey())
        #expect(try Transaction(raw: raw, chainID: 1337).weight == 21_000 + weight)
    }

    private let time = BeaconTime(milliseconds: 5)

    private func leg(_ terms: LegTerms) -> TransferLeg {
        TransferLeg(to: recipient, value: Amount(1), terms: terms)
    }

    @Test func weighsOperations() {
        let rows: [(TransferOperation, Weight)] = [
            (.single(to: recipient, value: Amount(1)), 21_000),
            (.claimEscrow, 21_000),
            (.setCreditPolicy(.refuse), 21_000),
            (.batch([leg(.immediate)]), 21_000),
            (.batch([leg(.immediate), leg(.immediate), leg(.immediate)]), 39_000),
            (.batch([leg(.creditBy(time))]), 21_000),
            (.batch([leg(.runAt(time))]), 27_000),
            (.batch([leg(.immediate), leg(.runAt(time)), leg(.creditBy(time))]), 45_000),
        ]
        for (operation, weight) in rows {
            #expect(operation.weight == weight)
            #expect(Operation.transfer(operation).weight == weight)
        }
    }

    /// TX-6: the heaviest batch is below 1 % of a block of 20,000 transfers.
    @Test func heaviestBatchIsASmallPartOfABlock() throws {
        let widest = address("0x" + String(repeating: "ff", count: 20))
        let legs = [TransferLeg](
            repeating: TransferLeg(
                to: widest, value: Amount(.max >> 8),
                terms: .runAt(BeaconTime(milliseconds: .max))),
            count: TransferOperation.maximumLegs)
        let operation = TransferOperation.batch(legs)
        let weight = operation.weight + Weights.callData(operation.callData)
        #expect(weight * 100 < 20_000 * Weights.transfer)
    }

    // Tables of 128-bit numbers are loops: as arguments of a parameterised test they crash the
    // asynchronous frame that Swift 6.3.1 makes for it.

    @Test func pricesAtABaseFee() {
        let rows: [(base: UInt128, cap: UInt128, tip: UInt128, price: UInt128?)] = [
            (0, 10, 3, 3), (5, 10, 3, 8), (7, 10, 3, 10), (8, 10, 3, 10), (10, 10, 3, 10),
            (11, 10, 3, nil), (0, 0, 0, 0), (1, 0, 0, nil), (10, 10, 0, 10), (0, 10, 10, 10),
            (.max, .max, .max, .max), (.max - 1, .max, 1, .max), (1, .max, .max, .max),
            (.max, .max - 1, 0, nil),
        ]
        for (base, cap, tip, price) in rows {
            let envelope = sample(maxFee: Amount(cap), maxPriorityFee: Amount(tip))
            let row: Comment = "base \(base), cap \(cap), tip \(tip)"
            #expect(envelope.price(atBaseFee: Amount(base)) == price.map { Amount($0) }, row)
        }
    }

    @Test func legacyPaysItsWholePrice() {
        let envelope = sample(.legacy, maxFee: Amount(10))
        #expect(envelope.price(atBaseFee: Amount(3)) == Amount(10))
        #expect(envelope.price(atBaseFee: Amount(11)) == nil)
    }

    @Test func maximumCostIsExactOrNone() {
        let widest = UInt128(UInt64.max)
        let rows: [(limit: Weight, cap: UInt128, value: UInt128, cost: UInt128?)] = [
            (0, 0, 0, 0), (21_000, 2, 5, 42_005), (0, .max, 7, 7), (1, .max, 0, .max),
            (1, .max, 1, nil), (2, .max, 0, nil), (0, 0, .max, .max), (1, 1, .max, nil),
            (.max, widest, 0, widest * widest), (.max, widest + 2, 0, .max),
            (.max, widest + 2, 1, nil), (.max, widest + 3, 0, nil),
        ]
        for (limit, cap, value, cost) in rows {
            let envelope = sample(weightLimit: limit, maxFee: Amount(cap), value: Amount(value))
            let row: Comment = "limit \(limit), cap \(cap), value \(value)"
            #expect(envelope.maximumCost == cost.map { Amount($0) }, row)
        }
    }
}

@Suite struct LedgerTransactionTests {
    @Test(
        arguments: [
            (1337, 5, 3, [0x7f, 0xc5, 0x82, 0x05, 0x39, 0x05, 0x03]),
            (1, 0, 0, [0x7f, 0xc3, 0x01, 0x80, 0x80]),
            (
                .max, .max, .max,
                [0x7f, 0xd5, 0x88] + [UInt8](repeating: 0xff, count: 8) + [0x88]
                    + [UInt8](repeating: 0xff, count: 8) + [0x82, 0xff, 0xff]
            ),
        ] as [(ChainID, UInt64, UInt16, [UInt8])])
    func hashesTheSystemTransaction(
        _ chainID: ChainID, _ height: UInt64, _ endpoint: UInt16, _ parts: [UInt8]
    ) {
        let system = SystemTransaction(
            chainID: chainID, height: Height(height), endpoint: EndpointID(endpoint))
        #expect(system.hash == Keccak256.hash(parts))
        #expect(LedgerTransaction.system(system).hash == system.hash)
        // No envelope has this form, so no signed transaction has this hash.
        #expect(throws: TransactionError.unsupportedType(0x7f)) { try Envelope.decode(parts) }
    }

    @Test func signedEntryHasTheHashOfItsTransaction() throws {
        let raw = sample().signed(by: try exampleKey())
        let transaction = try Transaction(raw: raw, chainID: 1337)
        #expect(LedgerTransaction.signed(transaction).hash == Keccak256.hash(raw))
    }
}
