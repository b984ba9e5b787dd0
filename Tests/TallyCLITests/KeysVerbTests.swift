import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import Testing

@testable import TallyCLI

private let phrase =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
/// What every wallet shows for the phrase.
private let account = "0x9858effd232b4033e47d90003d41ec34ecaeda94"
private let secret = "0x1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727"

@Suite struct KeysVerbTests {
    private let scratch: Scratch
    private let password: String

    init() throws {
        scratch = try Scratch()
        password = try scratch.write("pw\n", to: "password")
    }

    private func keys(_ arguments: [String], input: String = "") async -> Outcome {
        await tally(["keys"] + arguments, input: input)
    }

    private func folder(_ name: String) -> [String] {
        ["--keystore-dir", scratch[name], "--password-file", password]
    }

    /// Everything that a verb might have said about a secret.
    private func showsNoSecret(_ outcome: Outcome) -> Bool {
        let text = outcome.output + outcome.error
        return !text.contains("abandon") && !text.lowercased().contains("1ab42cc4")
    }

    @Test func oneKeyComesFromPhraseKeyAndKeystore() async throws {
        let fromPhrase = await keys(
            ["import", "--from", "mnemonic", "--file", "-"] + folder("a"), input: phrase + "\n")
        #expect(fromPhrase.code == 0, "\(fromPhrase.error)")
        #expect(fromPhrase.output.hasPrefix(account + "\n"))
        #expect(showsNoSecret(fromPhrase))
        let bare = scratch["bare"]
        let exported = await keys(
            ["export", account, "--private-key", "--confirm", "--out", bare] + folder("a"))
        #expect(exported.code == 0, "\(exported.error)")
        #expect(showsNoSecret(exported))
        #expect(String(decoding: try Files.read(bare), as: UTF8.self) == secret + "\n")
        #expect(try Files.mode(of: bare) == 0o600)
        let fromKey = await keys(
            ["import", "--from", "private-key", "--file", bare, "--json"] + folder("b"))
        #expect(try fromKey.json["address"] == .string(account))
        let file = scratch["exported.json"]
        let document = await keys(
            ["export", account, "--keystore-dir", scratch["b"], "--out", file])
        #expect(document.code == 0, "\(document.error)")
        #expect(try Files.mode(of: file) == 0o600)
        let fromKeystore = await keys(
            ["import", "--from", "keystore", "--file", file, "--source-password-file", password]
                + folder("c"))
        #expect(fromKeystore.output.hasPrefix(account + "\n"), "\(fromKeystore.error)")
        let shown = await keys(["export", account, "--private-key", "--confirm"] + folder("c"))
        #expect(shown.output == secret + "\n")
        // Nothing is overwritten.
        let again = await keys(
            ["export", account, "--keystore-dir", scratch["b"], "--out", file, "--json"])
        #expect(again.code == 1)
        #expect(again.errorCode == "exists")
        let twice = await keys(
            ["import", "--from", "private-key", "--file", bare] + folder("b"))
        #expect(twice.error.contains("exists already"))
    }

    @Test func pathAndPassphraseChooseTheKey() async throws {
        let arguments = ["import", "--from", "mnemonic", "--file", "-", "--json"] + folder("a")
        let second = await keys(arguments + ["--path", "m/44h/60h/0h/0/1"], input: phrase)
        #expect(
            try second.json["address"] == "0x6fac4d18c912343bf86fa7049364dd4e424ab9c0")
        let passphrase = try scratch.write("TREZOR\n", to: "passphrase")
        let other = await keys(arguments + ["--passphrase-file", passphrase], input: phrase)
        #expect(try other.json["address"] != .string(account))
        #expect(other.code == 0)
    }

    @Test(arguments: [
        ("mnemonic", phrase + " about", "has 12, 15, 18, 21 or 24 words, not 13"),
        ("mnemonic", phrase.replacing("about", with: "abandon"), "do not belong together"),
        ("mnemonic", phrase.replacing("about", with: "abandom"), "word 12 is not one"),
        ("private-key", secret + "00", "holds no private key"),
        ("private-key", String(secret.dropLast()), "holds no private key"),
        ("private-key", secret + " " + secret, "holds no private key"),
        ("private-key", String(repeating: "0", count: 64), "holds 64 digits that are no key"),
        ("private-key", "", "holds no private key"),
        ("keystore", "{}", "is no usable keystore file"),
    ])
    func badSecretsAreRefusedAndNotRepeated(
        _ source: String, _ input: String, _ message: String
    ) async {
        let outcome = await keys(
            ["import", "--from", source, "--file", "-"] + folder("a"), input: input)
        #expect(outcome.code == 1)
        #expect(outcome.error.contains(message), "\(outcome.error)")
        #expect(showsNoSecret(outcome))
        #expect(await keys(["list", "--keystore-dir", scratch["a"]]).output == "No keys.\n")
    }

    @Test func filesThatOthersReadAreRefused() async throws {
        let file = scratch["loose"]
        try Files.write(Array(secret.utf8), to: file, mode: 0o644)
        let outcome = await keys(
            ["import", "--from", "private-key", "--file", file] + folder("a"))
        #expect(outcome.code == 1)
        #expect(outcome.error.contains("chmod go-rwx"))
    }

    /// Wallets write keystore files with the modes of the user's mask.
    @Test func anEncryptedFileMayBeReadByOthers() async throws {
        let key = try PrivateKey([UInt8](repeating: 7, count: 32))
        let keystore = try KeystoreFile(
            encrypting: key, password: "pw", cost: ScryptCost(n: 2, r: 1, p: 1))
        let file = scratch["UTC--2026"]
        try Files.write(keystore.json(), to: file, mode: 0o644)
        let outcome = await keys(
            ["import", "--from", "keystore", "--file", file, "--source-password-file", password]
                + folder("a"))
        #expect(outcome.output.hasPrefix("\(key.address)\n"), "\(outcome.error)")
    }

    @Test func aNewPhraseGivesTheKeyAgain() async throws {
        let made = await keys(
            ["new", "--mnemonic", "--words", "15", "--json"] + folder("a"))
        let words = try #require(try made.json["mnemonic"]?.stringValue)
        #expect(words.split(separator: " ").count == 15)
        #expect(try made.json["path"] == "m/44'/60'/0'/0/0")
        let back = await keys(
            ["import", "--from", "mnemonic", "--file", "-", "--json"] + folder("b"), input: words)
        #expect(try back.json["address"] == made.json["address"])
        let plain = await keys(["new", "--json"] + folder("a"))
        #expect(try plain.json["mnemonic"] == nil)
    }

    @Test(arguments: [
        ["new", "--words", "12"], ["new", "--mnemonic", "--words", "13"],
        ["new", "--path", "m/0"], ["new", "--mnemonic", "--path", "0/1"],
        ["import"], ["import", "--from", "keystore"], ["import", "--from", "seed"],
        ["import", "--from", "private-key", "--path", "m/0"],
        ["import", "--from", "mnemonic", "--source-password-file", "f"],
        ["export", account, "--private-key"], ["export", account, "--confirm"],
        ["export", "0x12"], ["sign", "--message", "m"],
        ["sign", "--key-file", "k"], ["sign", "--key-file", "k", "--digest", "0x12"],
        ["sign", "--key-file", "k", "--digest", secret, "--message", "m"],
        ["verify", "00"], ["verify", "00", "00"], ["verify", "00", "00", "00", "00"],
    ])
    func wrongUsageIsTwo(_ arguments: [String]) async {
        let outcome = await keys(arguments)
        #expect(outcome.code == 2)
        #expect(outcome.error.contains("Usage: tally keys"))
    }

    @Test func signsAsWalletsDo() async throws {
        let key = try scratch.write(secret + "\n", to: "key")
        let signed = await keys(["sign", "--key-file", key, "--message", "hello", "--json"])
        let json = try signed.json
        #expect(json["address"] == .string(account))
        #expect(
            json["digest"] == "0x50b2c43fd39106bafbba0da34fc430e1f91e3c96ea2acee2bc34119f92b37750")
        #expect(json["v"] == 28 && json["yParity"] == 1)
        let compact = try #require(json["compact"]?.stringValue)
        #expect(json["signature"] == .string(compact + "1c"))
        #expect(
            compact
                == (json["r"]?.stringValue ?? "") + (json["s"]?.stringValue ?? "").dropFirst(2))
        let digest = try #require(json["digest"]?.stringValue)
        let same = await keys(["sign", "--key-file", key, "--digest", digest, "--json"])
        #expect(try same.json == json)
        let file = await keys(
            ["sign", "--key-file", key, "--file", "-", "--json"], input: "hello")
        #expect(try file.json == json)
        let der = await keys(["sign", "--key-file", key, "--message", "hello", "--der"])
        #expect(der.output.hasPrefix("0x3044022022f6b9"))
        let publicKey = try #require(json["publicKey"]?.stringValue)
        for (flags, signature) in [
            ([], compact), ([], compact + "1c"), ([], compact + "01"),
            (["--der"], String(der.output.dropLast())),
        ] as [([String], String)] {
            let verified = await keys(["verify"] + flags + [publicKey, digest, signature])
            #expect(verified.code == 0, "\(verified.output)")
            #expect(verified.output == "valid\n")
        }
        let wrong = await keys(["verify", "--json", publicKey, digest, compact + "1b"])
        #expect(wrong.code == 1)
        #expect(wrong.output == "{\"valid\":false}\n")
    }
}
