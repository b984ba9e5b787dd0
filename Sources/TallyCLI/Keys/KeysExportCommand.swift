import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives

struct KeysExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Take a key out, encrypted or in the clear.",
        discussion: """
            Without further flags the keystore file is printed as it is kept, encrypted under \
            its password, for another wallet to import. --private-key with --confirm opens it \
            and prints the bare key: whoever sees it owns the account.

            Examples:
              tally keys export 0x… --keystore-dir ./keys --out wallet.json
              tally keys export 0x… --keystore-dir ./keys --private-key --confirm --out key.txt
            """)

    @Argument(help: "The account.")
    var address: AddressArgument
    @OptionGroup var place: KeyFolderOptions
    @Flag(name: .long, help: "Export the bare private key instead of the encrypted file.")
    var privateKey = false
    @Flag(name: .long, help: "Say that the bare private key may be written in the clear.")
    var confirm = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is the key's password, for --private-key.", valueName: "file"))
    var passwordFile: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "New file to write, which only its owner reads (default: standard output).",
            valueName: "file"))
    var out: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if privateKey, !confirm {
            throw ValidationError(
                "--private-key writes the key in the clear: add --confirm to do so.")
        }
        if !privateKey, confirm || passwordFile != nil {
            throw ValidationError("--confirm and --password-file belong to --private-key.")
        }
    }

    func run() throws {
        let (path, document) = try place.folder.file(of: address.value)
        if let out, try Files.mode(of: out) != nil { throw KeyError.exists(path: out) }
        var text: String
        if privateKey {
            let password = try Passwords.read(
                file: passwordFile, prompt: "Password of \(path)")
            let key = try KeyFolder.open(file: path, password: password)
            text = Hex.encode(key.exportBytes())
        } else {
            text = String(decoding: document.json(), as: UTF8.self)
        }
        guard let out else {
            return output.print(
                privateKey
                    ? [
                        "address": .string(address.value.description),
                        "privateKey": .string(text),
                    ] : (try? JSON.parse(Array(text.utf8))) ?? .null, text)
        }
        text += "\n"
        try Files.write(Array(text.utf8), to: out, mode: 0o600)
        output.print(
            ["address": .string(address.value.description), "file": .string(out)],
            "The key of \(address.value) is in \(out).")
    }
}
