import TallyClient
import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyCLI

/// A key, a digest and their parts as digits without prefix.
private struct Signed {
    let key: PrivateKey
    let digest: Hash32
    let signature: RecoverableSignature

    init(_ key: PrivateKey, _ digest: Hash32) {
        self.key = key
        self.digest = digest
        signature = key.sign(digest: digest)
    }

    static func digits(_ bytes: [UInt8]) -> String { String(Hex.encode(bytes).dropFirst(2)) }

    var publicKey: String { Self.digits(key.publicKey.compressed) }
    var digestText: String { Self.digits(digest.bytes) }
    var r: String { Self.digits(signature.r.bytes) }
    var s: String { Self.digits(signature.s.bytes) }
    var der: String {
        Self.digits(DERSignature.encode(CompactSignature(r: signature.r, s: signature.s)))
    }
}

@Suite struct VerifyLineTests {
    private static let signed: Signed = {
        guard let key = try? PrivateKey([UInt8](repeating: 0x46, count: 32)) else {
            preconditionFailure("in range")
        }
        return Signed(key, Keccak256.hash([1]))
    }()
    private static let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    private static let fieldOrder =
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"
    private static let zero = String(repeating: "0", count: 64)
    private static let one = String(repeating: "0", count: 63) + "1"
    private static let halfAndOne =
        "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"

    private static func line(
        _ publicKey: String? = nil, _ digest: String? = nil, _ signature: String? = nil
    ) -> String {
        [
            publicKey ?? signed.publicKey, digest ?? signed.digestText,
            signature ?? signed.r + signed.s,
        ].joined(separator: " ")
    }

    /// The only answer to one line: `nil` for valid, an empty code for a plain `false`.
    private func code(_ line: String, _ flags: [String] = []) async throws -> String? {
        let outcome = await tally(["keys", "verify", "--json"] + flags, input: line + "\n")
        let json = try outcome.json
        let isValid = json["valid"] == true
        #expect(isValid || json["valid"] == false)
        #expect(outcome.code == (isValid ? 0 : 1))
        return isValid ? nil : json["error"]?["code"]?.stringValue ?? ""
    }

    @Test func takesEveryForm() async throws {
        let signed = Self.signed
        let whole = Signed.digits(signed.key.publicKey.uncompressed)
        let signature = signed.r + signed.s
        for line in [
            Self.line(), Self.line(whole), Self.line(String(whole.dropFirst(2))),
            Self.line("0x" + signed.publicKey, "0x" + signed.digestText, "0X" + signature),
            Self.line(whole.uppercased(), signed.digestText.uppercased(), signature.uppercased()),
            Self.line(nil, nil, signature + "0\(signed.signature.yParity)"),
            Self.line(nil, nil, signature + (signed.signature.yParity == 0 ? "1b" : "1c")),
            "  " + Self.line().replacing(" ", with: "\t ") + " \r",
        ] {
            #expect(try await code(line) == nil, "\(line)")
        }
        #expect(try await code(Self.line(nil, nil, signed.der), ["--der"]) == nil)
    }

    static let refusals: [(String, String)] = [
        (line(nil, zero), ""),
        (line("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"), ""),
        (line(nil, nil, signed.r + one), ""),
        ("a b", "fields"), (line() + " 00", "fields"), ("x", "fields"),
        (line("zz"), "notHex"), (line(nil, "0x0"), "notHex"), (line(nil, nil, "é"), "notHex"),
        (line(""), "fields"), (line("00"), "publicKeyLength"),
        (line(String(signed.publicKey.dropLast(2))), "publicKeyLength"),
        (line("04" + signed.publicKey.dropFirst(2)), "publicKeyPrefix"),
        (line("05" + signed.publicKey.dropFirst(2)), "publicKeyPrefix"),
        (
            line("06" + Signed.digits(signed.key.publicKey.uncompressed).dropFirst(2)),
            "publicKeyPrefix"
        ),
        (line("02" + zero.dropLast() + "5"), "publicKeyNotOnCurve"),
        (line("04" + zero + zero), "publicKeyNotOnCurve"),
        (line("02" + fieldOrder), "publicKeyNotOnCurve"),
        (
            line(Signed.digits(signed.key.publicKey.uncompressed).dropLast(2) + "00"),
            "publicKeyNotOnCurve"
        ),
        (line(nil, String(zero.dropLast(2))), "digestLength"),
        (line(nil, zero + "00"), "digestLength"),
        (line(nil, nil, signed.r), "signatureLength"),
        (line(nil, nil, signed.r + signed.s + "0000"), "signatureLength"),
        (line(nil, nil, zero + signed.s), "zeroR"),
        (line(nil, nil, signed.r + zero), "zeroS"),
        (line(nil, nil, zero + zero), "zeroR"),
        (line(nil, nil, order + signed.s), "rOutOfRange"),
        (line(nil, nil, signed.r + order), "sOutOfRange"),
        (line(nil, nil, signed.r + halfAndOne), "highS"),
        (line(nil, nil, signed.r + signed.s + "02"), "invalidRecoveryId"),
        (line(nil, nil, signed.r + signed.s + "1d"), "invalidRecoveryId"),
        // The parity is part of the signature: the other one is another signer's.
        (line(nil, nil, signed.r + signed.s + "0\(1 - signed.signature.yParity)"), ""),
        (line(nil, nil, zero.dropLast() + "5" + signed.s + "00"), "unrecoverable"),
    ]

    @Test(arguments: refusals)
    func refuses(_ line: String, _ code: String) async throws {
        #expect(try await self.code(line) == code)
    }

    @Test func derIsStrict() async throws {
        let der = Self.signed.der
        let body = String(der.dropFirst(4))
        #expect(body.count == 136 || body.count == 138 || body.count == 140)
        let length = String(der.dropFirst(2).prefix(2))
        for forged in [
            "", "30", der + "00", String(der.dropLast(2)), "3081\(length)" + body,
            "3080" + body + "0000", "31" + der.dropFirst(2), Self.signed.r + Self.signed.s,
            "3006020100020100".replacing("30", with: "20"),
        ] where !forged.isEmpty {
            let code = try await code(Self.line(nil, nil, forged), ["--der"])
            #expect(code?.hasPrefix("der") == true, "\(forged)")
        }
        let long = "022101" + Self.order
        let faults: [(String, String)] = [
            ("30", "derTruncated"), (der + "00", "derTrailingBytes"),
            ("31" + String(der.dropFirst(2)), "derUnexpectedTag"),
            ("3081" + length + body, "derLongLength"), ("3003020101", "derTruncated"),
            ("300402000200", "derEmptyInteger"), ("3006020180020101", "derNegativeInteger"),
            ("300702020001020101", "derPaddedInteger"),
            ("3026" + long + "020101", "derIntegerTooLarge"),
        ]
        for (forged, expected) in faults {
            #expect(
                try await code(Self.line(nil, nil, forged), ["--der"]) == expected, "\(forged)")
        }
        for (numbers, expected) in [
            ("3006020100020100", "zeroR"), ("3006020101020100", "zeroS"),
            ("3026022100" + Self.order + "020101", "rOutOfRange"),
            ("3026020101022100" + Self.order, "sOutOfRange"),
            ("302502010102207f" + Self.halfAndOne.dropFirst(2), "highS"),
            ("3006020101020101", ""),
        ] {
            #expect(try await code(Self.line(nil, nil, numbers), ["--der"]) == expected)
        }
    }

    @Test func answersEveryLineInOrder() async throws {
        var lines: [String] = []
        var expected: [Bool] = []
        try forEachSeed(base: 0x6c69_6e65, count: 300) { seed, generator in
            let bytes = (0..<32).map { _ in UInt8.random(in: 1...200, using: &generator) }
            let signed = Signed(try PrivateKey(bytes), Keccak256.hash(bytes))
            let isValid = Bool.random(using: &generator)
            lines.append(
                "\(signed.publicKey) \(isValid ? signed.digestText : Self.zero) "
                    + "\(signed.r)\(signed.s)")
            expected.append(isValid)
            if seed % 10 == 0 {
                lines.append(seed % 20 == 0 ? "" : "nonsense")
                expected.append(false)
            }
        }
        let outcome = await tally(
            ["keys", "verify", "--json"], input: lines.joined(separator: "\n") + "\n")
        let answers = outcome.output.split(separator: "\n").map { $0.contains("\"valid\":true") }
        #expect(answers == expected)
        #expect(outcome.code == 1)
        #expect(outcome.errorCode == "invalid")
        let text = await tally(["keys", "verify"], input: lines.joined(separator: "\r\n"))
        #expect(
            text.output.split(separator: "\n").map { $0 == "valid" } == expected)
    }

    @Test func noLineIsNoAnswerAndAnEmptyLineIsInvalid() async throws {
        #expect(await tally(["keys", "verify", "--json"]).output == "")
        #expect(await tally(["keys", "verify", "--json"]).code == 0)
        for end in ["", "\n", "\r\n"] {
            let outcome = await tally(["keys", "verify", "--json"], input: Self.line() + end)
            #expect(outcome.output == "{\"valid\":true}\n")
            #expect(outcome.code == 0)
        }
        for end in ["\n\n", "\r\n\r\n"] {
            let outcome = await tally(["keys", "verify"], input: Self.line() + end)
            #expect(outcome.output.hasPrefix("valid\ninvalid"))
            #expect(outcome.code == 1)
        }
    }
}

@Suite struct LineReaderTests {
    private func lines(_ input: String, chunk: Int) throws -> [String] {
        let captured = CapturedConsole(input: Array(input.utf8))
        return try Console.$current.withValue(captured.console) {
            var reader = LineReader(chunk: chunk)
            var found: [String] = []
            while let lines = try reader.next() {
                #expect(!lines.isEmpty)
                for line in lines {
                    switch line {
                    case .text(let bytes): found.append(String(decoding: bytes, as: UTF8.self))
                    case .tooLong: found.append("(too long)")
                    }
                }
            }
            return found
        }
    }

    @Test(arguments: [
        ("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\n\n", ["a", ""]), ("a\n\n\n", ["a", "", ""]),
        ("\n", [""]), ("\na", ["", "a"]), ("a\r\nb\r\n", ["a", "b"]), ("a\n\nb", ["a", "", "b"]),
        ("abc\ndefgh\n\ni", ["abc", "defgh", "", "i"]), ("\r", [""]), ("a\rb\n", ["a\rb"]),
    ])
    func cutsAtEveryChunk(_ input: String, _ expected: [String]) throws {
        for chunk in 1...9 {
            #expect(try lines(input, chunk: chunk) == expected, "chunk \(chunk)")
        }
    }

    @Test func longLinesAreSkippedInBoundedMemory() throws {
        let limit = LineReader.lineLimit
        let fitting = String(repeating: "a", count: limit)
        let input = fitting + "\n" + fitting + "a\nb\n" + fitting + fitting + fitting
        for chunk in [100_000, 1 << 20, 4 << 20] {
            #expect(
                try lines(input, chunk: chunk) == [fitting, "(too long)", "b", "(too long)"],
                "chunk \(chunk)")
        }
    }
}
