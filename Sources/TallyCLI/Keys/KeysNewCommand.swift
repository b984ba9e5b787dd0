import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives

/// A step-by-step way to a key, such as `m/44'/60'/0'/0/0`.
struct PathArgument: ExpressibleByArgument {
    let value: DerivationPath

    static let ethereum = PathArgument(value: .ethereum)

    private init(value: DerivationPath) { self.value = value }

    init?(argument: String) {
        guard let value = try? DerivationPath(argument) else { return nil }
        self.value = value
    }

    var defaultValueDescription: String { value.description }
}

/// Which key of a recovery phrase.
struct PhraseOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Which key of the recovery phrase to take.", valueName: "path"))
    var path = PathArgument.ethereum
    @Flag(
        name: .long,
        help: "Ask for the passphrase that belongs to the recovery phrase, if it has one.")
    var passphrase = false
    @Option(
        name: .long,
        help: ArgumentHelp("File whose first line is that passphrase.", valueName: "file"))
    var passphraseFile: String?

    func validate() throws {
        if passphrase, passphraseFile != nil {
            throw ValidationError("Give --passphrase or --passphrase-file, not both.")
        }
    }

    /// Whether anything but the defaults was asked for.
    var isUsed: Bool {
        passphrase || passphraseFile != nil || path.value != DerivationPath.ethereum
    }

    func key(of phrase: Mnemonic, isNew: Bool = false) throws -> PrivateKey {
        var text = ""
        if passphrase || passphraseFile != nil {
            text = try Passwords.read(
                file: passphraseFile, prompt: "Passphrase of the recovery phrase", isNew: isNew)
        }
        var seed = phrase.seed(passphrase: text)
        defer { SecretBytes.wipe(&seed) }
        return try ExtendedPrivateKey(seed: seed).descendant(path.value).key
    }
}

struct KeysNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make a key and print its address.",
        discussion: """
            With --mnemonic the key comes from a recovery phrase of English words, which is \
            printed this once and kept nowhere: whoever has the words has the key.
            """)

    @OptionGroup var place: KeyFolderOptions
    @Option(
        name: .long,
        help: ArgumentHelp("File whose first line is the new key's password.", valueName: "file"))
    var passwordFile: String?
    @Flag(name: .long, help: "Make a recovery phrase, print it, and take the key from it.")
    var mnemonic = false
    @Option(
        name: .long,
        help: ArgumentHelp("Words of the recovery phrase: 12, 15, 18, 21 or 24 (default: 24)."))
    var words: Int?
    @OptionGroup var phrase: PhraseOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !mnemonic, words != nil || phrase.isUsed {
            throw ValidationError("--words, --path and --passphrase belong to --mnemonic.")
        }
        if let words, !Mnemonic.wordCounts.contains(words) {
            throw ValidationError("--words must be 12, 15, 18, 21 or 24, not \(words)")
        }
    }

    func run() throws {
        let folder = try place.folder
        let made = mnemonic ? try Mnemonic.generate(wordCount: words ?? 24) : nil
        let key = try made.map { try phrase.key(of: $0, isNew: true) } ?? PrivateKey.generate()
        let password = try Passwords.read(
            file: passwordFile, prompt: "Password of the new key", isNew: true)
        let path = try folder.add(key, password: password)
        var members: [JSONObject.Member] = [
            .init("address", .string(key.address.description)), .init("file", .string(path)),
        ]
        var text = "\(key.address)\nThe key is in \(path)."
        if let made {
            members.append(.init("mnemonic", .string(made.exportPhrase())))
            members.append(.init("path", .string(phrase.path.value.description)))
            text += """


                Its recovery phrase, for \(phrase.path.value). Write it down: it is shown only now.

                  \(made.exportPhrase())
                """
        }
        output.print(.object(JSONObject(members)), text)
    }
}
