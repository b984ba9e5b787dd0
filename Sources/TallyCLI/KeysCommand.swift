import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make and list keys under a password.",
        discussion: """
            Keys are kept in keystore files of version 3, which wallets read. A password comes \
            from a file or the terminal, never from the command line.
            """,
        subcommands: [KeysNewCommand.self, KeysListCommand.self])
}

/// Where keys lie.
struct KeyFolderOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Directory of a ledger, whose keys/ to use.", valueName: "path"))
    var dataDir: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Folder of keystore files to use instead.", valueName: "path"))
    var keystoreDir: String?

    var folder: KeyFolder {
        get throws {
            if let keystoreDir { return KeyFolder(path: keystoreDir) }
            guard let directory = dataDir ?? Environment[Setting.dataDirectory.environmentName]
            else { throw ValidationError("Give --data-dir or --keystore-dir.") }
            return KeyFolder(path: directory + "/" + DataDirectory.keysName)
        }
    }

    func validate() throws {
        if dataDir != nil, keystoreDir != nil {
            throw ValidationError("Give --data-dir or --keystore-dir, not both.")
        }
    }
}

struct KeysNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make a key and print its address.")

    @OptionGroup var place: KeyFolderOptions
    @Option(
        name: .long,
        help: ArgumentHelp("File whose first line is the password.", valueName: "file"))
    var passwordFile: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let folder = try place.folder
        let password = try Passwords.read(
            file: passwordFile, prompt: "Password of the new key", isNew: true)
        let key = try PrivateKey.generate()
        let path = try folder.add(key, password: password)
        output.print(
            ["address": .string(key.address.description), "file": .string(path)],
            "\(key.address)\nThe key is in \(path).")
    }
}

struct KeysListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the addresses of keys.")

    @OptionGroup var place: KeyFolderOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let addresses = try place.folder.addresses().map(\.description)
        output.print(
            ["addresses": .array(addresses.map(JSON.string))],
            addresses.isEmpty ? "no keys" : addresses.joined(separator: "\n"))
    }
}
