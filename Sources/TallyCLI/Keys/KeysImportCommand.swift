import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives

/// What a key is imported from.
enum ImportSource: String, CaseIterable, ExpressibleByArgument {
    case privateKey = "private-key"
    case keystore
    case mnemonic
}

struct KeysImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Put a key from elsewhere under a password.",
        discussion: """
            --from says what the key is: private-key, 64 hexadecimal digits; keystore, the file \
            of another wallet (version 3, scrypt or PBKDF2); mnemonic, a recovery phrase of 12 \
            to 24 English words (BIP-39).

            The secret is asked for on the terminal, or read from --file, where - is standard \
            input. A file with a private key or a phrase has to be readable by its owner only.

            Examples:
              tally keys import --from private-key --keystore-dir ./keys
              tally keys import --from keystore --file UTC--2026… --keystore-dir ./keys
              tally keys import --from mnemonic --path "m/44'/60'/0'/0/1"
            """)

    @Option(name: .long, help: "What the key comes from.")
    var from: ImportSource
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File of the key, the keystore or the phrase; - is standard input.",
            valueName: "file"))
    var file: String?
    @OptionGroup var place: KeyFolderOptions
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is the password to keep the key under.", valueName: "file"))
    var passwordFile: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is the password of the keystore that is imported.",
            valueName: "file"))
    var sourcePasswordFile: String?
    @OptionGroup var phrase: PhraseOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if from == .keystore, file == nil {
            throw ValidationError("--from keystore needs --file.")
        }
        if from != .keystore, sourcePasswordFile != nil {
            throw ValidationError("--source-password-file belongs to --from keystore.")
        }
        if from != .mnemonic, phrase.isUsed {
            throw ValidationError("--path and --passphrase belong to --from mnemonic.")
        }
    }

    func run() throws {
        let folder = try place.folder
        let key = try key()
        let password = try Passwords.read(
            file: passwordFile, prompt: "Password to keep the key under", isNew: true)
        let path = try folder.add(key, password: password)
        output.print(
            ["address": .string(key.address.description), "file": .string(path)],
            "\(key.address)\nThe key is in \(path).")
    }

    private func key() throws -> PrivateKey {
        switch from {
        case .privateKey:
            return try SecretInput.privateKey(file: file, prompt: "Private key")
        case .mnemonic:
            let text = try SecretInput.text(file: file, prompt: "Recovery phrase")
            return try phrase.key(of: try Mnemonic(phrase: text))
        case .keystore:
            let text = try SecretInput.text(
                file: file, prompt: "Keystore", isEncrypted: true)
            let name = SecretInput.name(file)
            let document = try Self.opened(name) { () throws(KeystoreError) in
                try KeystoreFile(json: Array(text.utf8))
            }
            let password = try Passwords.read(
                file: sourcePasswordFile, prompt: "Password of \(name)")
            return try Self.opened(name) { () throws(KeystoreError) in
                try document.decrypt(password: password)
            }
        }
    }

    private static func opened<Value>(
        _ name: String, _ body: () throws(KeystoreError) -> Value
    ) throws(KeyError) -> Value {
        do throws(KeystoreError) {
            return try body()
        } catch { throw .keystore(path: name, error) }
    }
}
