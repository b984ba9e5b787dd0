import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@Suite struct EnvelopeVectorTests {
    @Test func vectorsCoverAllTypesAndBounds() throws {
        let vectors = try SignedVector.all()
        #expect(vectors.count == 60)
        #expect(Set(vectors.map(\.type)) == [0, 1, 2])
        #expect(
            Set(vectors.map(\.chainId)).isSuperset(of: ["1", "1337", String(1 << 53 as UInt64)]))
        #expect(Set(vectors.map(\.nonce)).isSuperset(of: ["0", "1", String(UInt64.max - 1)]))
        #expect(vectors.contains { $0.value == String(UInt128.max) })
    }

    @Test func decodesWhatOthersSigned() throws {
        for vector in try SignedVector.all() {
            let raw = try Hex.vector(vector.raw)
            let (envelope, signature) = try Envelope.decode(raw)
            #expect(try envelope == vector.envelope(), "\(vector.name)")
            #expect(signature.r.description == vector.r, "\(vector.name)")
            #expect(signature.s.description == vector.s, "\(vector.name)")
            #expect(envelope.raw(signature: signature) == raw, "\(vector.name)")
            let v =
                envelope.type == .legacy
                ? UInt128(envelope.chainID) * 2 + 35 + UInt128(signature.yParity)
                : UInt128(signature.yParity)
            #expect(String(v) == vector.v, "\(vector.name)")
        }
    }

    @Test func findsHashAndSenderOfWhatOthersSigned() throws {
        for vector in try SignedVector.all() {
            let raw = try Hex.vector(vector.raw)
            let chainID = try vector.envelope().chainID
            let transaction = try Transaction(raw: raw, chainID: chainID)
            #expect(transaction.hash.description == vector.hash, "\(vector.name)")
            #expect(transaction.sender.description == vector.sender, "\(vector.name)")
            #expect(try transaction.envelope == vector.envelope(), "\(vector.name)")
            #expect(transaction.raw == raw, "\(vector.name)")
        }
    }

    /// The nonce of RFC 6979 leaves one signature for one key and envelope.
    @Test func signsByteForByteAsOthersDo() throws {
        for vector in try SignedVector.all() {
            let raw = try vector.envelope().signed(by: vector.key())
            #expect(Hex.encode(raw) == vector.raw, "\(vector.name)")
        }
    }

    @Test func signsTheExampleOfEIP155() throws {
        let envelope = Envelope(
            type: .legacy, chainID: 1, nonce: 9, weightLimit: 21_000,
            maxFee: Amount(20_000_000_000), maxPriorityFee: Amount(20_000_000_000), to: recipient,
            value: Amount(1_000_000_000_000_000_000))
        #expect(
            envelope.signingHash.description
                == "0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53")
        #expect(
            Hex.encode(envelope.signed(by: try exampleKey()))
                == "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0"
                + "b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa"
                + "636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83")
    }

    @Test(arguments: [EnvelopeType.legacy, .accessList, .dynamicFee])
    func bindsTheSignatureToTheChain(_ type: EnvelopeType) throws {
        let envelope = sample(type)
        let other = sample(type, chainID: 1338)
        #expect(envelope.signingHash != other.signingHash)
        let raw = envelope.signed(by: try exampleKey())
        #expect(throws: TransactionError.wrongChainID(expected: 1, actual: 1337)) {
            try Transaction(raw: raw, chainID: 1)
        }
        #expect(try Transaction(raw: raw, chainID: nil).envelope.chainID == 1337)
        #expect(try Transaction(raw: raw, chainID: 1337).sender == exampleKey().address)
    }

    /// 2^64 − 1 as a chain id makes v of a legacy transaction 65 bits long.
    @Test(arguments: [EnvelopeType.legacy, .accessList, .dynamicFee])
    func carriesTheLargestChainID(_ type: EnvelopeType) throws {
        let envelope = sample(type, chainID: .max)
        let transaction = try Transaction(raw: envelope.signed(by: exampleKey()), chainID: .max)
        #expect(transaction.envelope == envelope)
    }

    @Test func takesATransactionOfTheLargestSize() throws {
        let overhead =
            sample(data: [UInt8](repeating: 1, count: 100_000))
            .signed(by: try exampleKey()).count - 100_000
        let fitting = sample(
            data: [UInt8](repeating: 1, count: Envelope.maximumByteCount - overhead))
        let raw = fitting.signed(by: try exampleKey())
        #expect(raw.count == Envelope.maximumByteCount)
        #expect(try Transaction(raw: raw, chainID: 1337).envelope == fitting)
    }

    @Test func pricesOfTypes0And1AreOne() {
        let price = Amount(1_000_000_000)
        #expect(sample(.legacy, maxPriorityFee: Amount(5)).maxPriorityFee == price)
        #expect(sample(.accessList, maxPriorityFee: Amount(5)).maxPriorityFee == price)
        #expect(sample(.dynamicFee, maxPriorityFee: Amount(5)).maxPriorityFee == Amount(5))
    }

    @Test func trustsTheSenderOfTheOwnLog() throws {
        let raw = sample().signed(by: try exampleKey())
        let transaction = try Transaction(raw: raw, verifiedSender: recipient)
        #expect(transaction.sender == recipient)
        #expect(transaction.hash == Keccak256.hash(raw))
        #expect(throws: TransactionError.malformed(.truncated)) {
            try Transaction(raw: Array(raw.dropLast()), verifiedSender: recipient)
        }
    }
}
