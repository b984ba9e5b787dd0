import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@Suite struct EnvelopeFuzzTests {
    @Test func randomBytesNeverTrap() {
        forEachSeed(base: 0x7261_6e64, count: 4_000) { seed, generator in
            let count = Int.random(in: 0...300, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // Half of them with the first byte of a transaction.
            if seed % 2 == 0, count > 1 {
                bytes[0] = [0x01, 0x02, 0xc0 + UInt8(count % 56), 0xf8][Int(seed / 2 % 4)]
                bytes[1] = [0xf8, bytes[1]][Int(seed / 8 % 2)]
            }
            _ = decodeAndCompare(bytes, "seed \(seed)")
        }
    }

    @Test func mutationsNeverTrapAndWhatDecodesIsCanonical() throws {
        let raws = try SignedVector.all().map { try Hex.vector($0.raw) }.filter { $0.count < 1_500 }
        var accepted = 0
        forEachSeed(base: 0x6d75_7461, count: 6_000) { seed, generator in
            var raw = raws[Int(seed % UInt64(raws.count))]
            for _ in 0..<Int.random(in: 1...2, using: &generator) { mutate(&raw, &generator) }
            if decodeAndCompare(raw, "seed \(seed)") { accepted += 1 }
        }
        // Changed call data, amounts and signatures remain transactions.
        #expect(accepted > 500)
        #expect(accepted < 5_500)
    }

    @Test func fieldsOfRandomContentNeverTrap() throws {
        let raws = try SignedVector.all().map { try Hex.vector($0.raw) }.filter { $0.count < 1_500 }
        try forEachSeed(base: 0x6669_656c, count: 2_000) { seed, generator in
            let fields = try RawFields(raws[Int(seed % UInt64(raws.count))])
            let index = Int.random(in: 0..<fields.items.count, using: &generator)
            let count = Int.random(in: 0...40, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let isList = Int.random(in: 0..<8, using: &generator) == 0
            let content = isList ? RLPEncoder.list { $0.append(encoded: bytes) } : item(bytes)
            _ = decodeAndCompare(fields.replacing(index, content), "seed \(seed)")
        }
    }

    @Test func mutatedCallsNeverTrapAndHaveOneForm() throws {
        let legs = (1...6).map { TransferLeg(to: recipient, value: Amount($0)) }
        let operation = TransferOperation.batch(legs)
        var accepted = 0
        forEachSeed(base: 0x6361_6c6c, count: 3_000) { seed, generator in
            var data = operation.callData
            mutate(&data, &generator)
            let envelope = sample(to: crossShard, value: Amount(21), data: data)
            guard let decoded = try? Operation(envelope) else { return }
            accepted += 1
            #expect(decoded.callData == data, "seed \(seed)")
        }
        // Another recipient, or a time where there was none, is a batch as well.
        #expect(accepted > 50)
    }

    @Test func randomEnvelopesSurviveSigning() throws {
        try forEachSeed(base: 0x7369_676e, count: 150) { seed, generator in
            let count = Int.random(in: 0...200, using: &generator)
            let type = try some(EnvelopeType(rawValue: UInt8(seed % 3)))
            let fee = UInt128.random(in: 0...(1 << 90), using: &generator)
            let envelope = Envelope(
                type: type, chainID: .random(in: 1 ... .max, using: &generator),
                nonce: .random(in: 0 ..< .max, using: &generator),
                weightLimit: .random(in: 30_000...(1 << 36), using: &generator),
                maxFee: Amount(fee), maxPriorityFee: Amount(fee / 3),
                to: Address(
                    words: (.random(in: 1 ... .max, using: &generator), generator.next(), 7)),
                value: Amount(.random(in: 0...(1 << 127), using: &generator)),
                data: (0..<count).map { _ in .random(in: 0...255, using: &generator) })
            let key = try PrivateKey(
                Hash32(words: (generator.next() >> 1, generator.next(), generator.next(), 1)))
            let raw = envelope.signed(by: key)
            let transaction = try Transaction(raw: raw, chainID: envelope.chainID)
            #expect(transaction.envelope == envelope, "seed \(seed)")
            #expect(transaction.sender == key.address, "seed \(seed)")
        }
    }

    /// Whether `bytes` decode; what decodes must encode to the same bytes.
    private func decodeAndCompare(_ bytes: [UInt8], _ context: Comment) -> Bool {
        guard let (envelope, signature) = try? Envelope.decode(bytes) else { return false }
        #expect(envelope.raw(signature: signature) == bytes, context)
        _ = try? Transaction(raw: bytes, chainID: nil)
        return true
    }

    private func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        let byte = UInt8.random(in: 0...255, using: &generator)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: bytes[index] ^= 1 << (byte & 7)
        case 1: bytes[index] = byte
        case 2: bytes.insert(byte, at: index)
        case 3: bytes.remove(at: index)
        case 4: bytes.removeSubrange(index...)
        case 5: bytes.append(byte)
        case 6: bytes[index] = [0x00, 0x80, 0x81, 0xb8, 0xbf, 0xc0, 0xf8, 0xff][Int(byte & 7)]
        default: bytes.swapAt(index, Int(byte) % bytes.count)
        }
    }
}
