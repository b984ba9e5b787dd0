import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyCrypto

@Suite struct CompactSignatureTests {
    @Test func agreesWithTheRecoverableForm() throws {
        try forEachSeed(base: 0x636f_6d70, count: 100) { seed, generator in
            let key = try PrivateKey(Hash32(random(&generator)) ?? .zero)
            let digest = Hash32(random(&generator)) ?? .zero
            let made = key.sign(digest: digest)
            let compact = CompactSignature(r: made.r, s: made.s)
            #expect(try compact.verify(digest: digest, publicKey: key.publicKey), "seed \(seed)")
            let other = try PrivateKey(Hash32(random(&generator)) ?? .zero).publicKey
            #expect(try !compact.verify(digest: digest, publicKey: other), "seed \(seed)")
            let otherDigest = Hash32(random(&generator)) ?? .zero
            #expect(
                try !compact.verify(digest: otherDigest, publicKey: key.publicKey), "seed \(seed)")
            let der = DERSignature.encode(compact)
            #expect(der.count <= DERSignature.maximumByteCount, "seed \(seed)")
            #expect(try DERSignature.decode(der) == compact, "seed \(seed)")
        }
    }

    @Test(
        arguments: [
            (Hash32.zero, Curve.halfOrder, SignatureError.zeroR),
            (Curve.halfOrder, .zero, .zeroS),
            (Curve.order, Curve.halfOrder, .rOutOfRange),
            (Curve.halfOrder, Curve.order, .sOutOfRange),
            (Curve.halfOrder, Hash32([UInt8](repeating: 255, count: 32)) ?? .zero, .sOutOfRange),
            (
                Curve.halfOrder,
                Hash32(hex: "0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1")
                    ?? .zero,
                .highS
            ),
        ])
    func refuses(_ r: Hash32, _ s: Hash32, _ error: SignatureError) throws {
        let key = try PrivateKey([UInt8](repeating: 0x46, count: 32)).publicKey
        #expect(throws: error) {
            _ = try CompactSignature(r: r, s: s).verify(digest: .zero, publicKey: key)
        }
    }

    /// EIP-191 has no vectors; these are what `hashMessage` of common wallets gives.
    @Test func personalMessagesAreThoseOfWallets() {
        #expect(
            PersonalMessage.digest(Array("hello".utf8)).description
                == "0x50b2c43fd39106bafbba0da34fc430e1f91e3c96ea2acee2bc34119f92b37750")
        #expect(
            PersonalMessage.digest([]).description
                == "0x5f35dce98ba4fba25530a026ed80b2cecdaa31091ba4958b99b52ea1d068adad")
    }

    private func random(_ generator: inout SeededGenerator) -> [UInt8] {
        (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}

@Suite struct DERSignatureTests {
    @Test(
        arguments: [
            ("3006020101020101", 1, 1), ("300702020080020101", 128, 1),
            ("3006020100020100", 0, 0), ("300702017f02020100", 127, 256),
        ] as [(String, UInt64, UInt64)])
    func readsAndWrites(_ digits: String, _ r: UInt64, _ s: UInt64) throws {
        let bytes = try Hex.vector(digits)
        let signature = CompactSignature(
            r: Hash32(words: (0, 0, 0, r)), s: Hash32(words: (0, 0, 0, s)))
        #expect(try DERSignature.decode(bytes) == signature)
        #expect(DERSignature.encode(signature) == bytes)
    }

    @Test(
        arguments: [
            ("", .truncated), ("30", .truncated), ("3000", .truncated),
            ("3006020101", .truncated), ("3003020101", .truncated),
            ("3006020101020102ff", .trailingBytes), ("30070201010201010500", .trailingBytes),
            ("3009020101020101020101", .trailingBytes),
            ("3106020101020101", .unexpectedTag(0x31)),
            ("3006030101020101", .unexpectedTag(3)), ("3006020101050101", .unexpectedTag(5)),
            ("308106020101020101", .longLength), ("30820006020101020101", .longLength),
            ("3080020101020101", .longLength), ("30800201010201010000", .longLength),
            ("300702810101020101", .longLength), ("30050200020101", .emptyInteger),
            ("3006020181020101", .negativeInteger), ("300602010102017f", nil),
            ("30060201010201ff", .negativeInteger), ("300702020001020101", .paddedInteger),
            ("3007020101020200ff", nil), ("30070201010202007f", .paddedInteger),
            (
                "3026022101" + String(repeating: "00", count: 32) + "020101", .integerTooLarge
            ),
            ("0006020101020101", .unexpectedTag(0)),
        ] as [(String, DERSignatureError?)])
    func isStrict(_ digits: String, _ error: DERSignatureError?) throws {
        let bytes = try Hex.vector(digits)
        if let error {
            #expect(throws: error) { try DERSignature.decode(bytes) }
        } else {
            _ = try DERSignature.decode(bytes)
        }
    }

    /// Whatever one changed byte leads to, no two byte strings are one signature.
    @Test func oneSignatureHasOneForm() throws {
        let key = try PrivateKey([UInt8](repeating: 0x46, count: 32))
        let made = key.sign(digest: .zero)
        let der = DERSignature.encode(CompactSignature(r: made.r, s: made.s))
        for position in der.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = der
                changed[position] = byte
                if let read = try? DERSignature.decode(changed) {
                    #expect(DERSignature.encode(read) == changed)
                }
            }
        }
    }
}
