import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct SignatureTests {
    /// The example of EIP-155. Its v = 37 on chain 1 is parity 0.
    private let digest = hash("0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53")
    private let signature = RecoverableSignature(
        r: hash("0x28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"),
        s: hash("0x67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"),
        yParity: 0)
    private let key: PrivateKey

    init() throws {
        key = try PrivateKey([UInt8](repeating: 0x46, count: 32))
    }

    @Test func signsTheExampleOfEIP155() throws {
        #expect(key.address.description == "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f")
        #expect(key.sign(digest: digest) == signature)
        #expect(try signature.recover(digest: digest) == key.publicKey)
        #expect(signature.verify(digest: digest, publicKey: key.publicKey))
    }

    @Test(
        arguments: [
            (Hash32.zero, one, 0, SignatureError.zeroR),
            (one, .zero, 0, .zeroS),
            (order, one, 0, .rOutOfRange),
            (ones, one, 0, .rOutOfRange),
            (one, order, 0, .sOutOfRange),
            (one, ones, 0, .sOutOfRange),
            (one, orderLessOne, 0, .highS),
            (one, halfOrderPlusOne, 0, .highS),
            (one, one, 2, .invalidParity),
            (one, one, 27, .invalidParity),
            (one, one, 255, .invalidParity),
            // No point of the curve has x = 5.
            (five, one, 0, .unrecoverable),
            (five, one, 1, .unrecoverable),
        ] as [(Hash32, Hash32, UInt8, SignatureError)])
    func refuses(_ r: Hash32, _ s: Hash32, _ parity: UInt8, _ error: SignatureError) {
        let signature = RecoverableSignature(r: r, s: s, yParity: parity)
        #expect(throws: error) { try signature.recover(digest: digest) }
        #expect(!signature.verify(digest: digest, publicKey: key.publicKey))
    }

    @Test func acceptsTheBoundsThemselves() throws {
        _ = try RecoverableSignature(r: one, s: halfOrder, yParity: 1).recover(digest: digest)
        _ = try RecoverableSignature(r: one, s: one, yParity: 0).recover(digest: digest)
    }

    /// (r, n − s, 1 − parity) satisfies ECDSA as well, and would be a second form.
    @Test func refusesTheMirrorImage() {
        let mirrored = RecoverableSignature(
            r: signature.r,
            s: hash("0x98341627668089e51348fccfb4c7ff31c55912f2d2e47ef09652acf665fad3be"),
            yParity: 1)
        #expect(throws: SignatureError.highS) { try mirrored.recover(digest: digest) }
        #expect(!mirrored.verify(digest: digest, publicKey: key.publicKey))
    }

    @Test func otherParityIsAnotherSigner() throws {
        let other = RecoverableSignature(r: signature.r, s: signature.s, yParity: 1)
        #expect(try other.recover(digest: digest) != key.publicKey)
        #expect(!other.verify(digest: digest, publicKey: key.publicKey))
    }

    @Test func recoversTheSignerOfRandomDigests() throws {
        try forEachSeed(base: 0x7369_676e, count: 200) { seed, generator in
            let key = try PrivateKey(randomHash(&generator))
            let digest = randomHash(&generator)
            let signature = key.sign(digest: digest)
            #expect(signature == key.sign(digest: digest), "seed \(seed)")
            #expect(signature.s <= halfOrder, "seed \(seed)")
            #expect(try signature.recover(digest: digest) == key.publicKey, "seed \(seed)")
            let otherDigest = randomHash(&generator)
            #expect(!signature.verify(digest: otherDigest, publicKey: key.publicKey))
        }
    }
}

private let one = Hash32(words: (0, 0, 0, 1))
private let five = Hash32(words: (0, 0, 0, 5))
private let ones = hash("0x" + String(repeating: "f", count: 64))
private let order = hash("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
private let orderLessOne = hash(
    "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140")
private let halfOrder = hash("0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0")
private let halfOrderPlusOne = hash(
    "0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1")

func hash(_ hex: String) -> Hash32 {
    guard let hash = Hash32(hex: hex) else { preconditionFailure("not 32 bytes: \(hex)") }
    return hash
}

func randomHash(_ generator: inout SeededGenerator) -> Hash32 {
    Hash32(words: (generator.next(), generator.next(), generator.next(), generator.next()))
}
