import ArgumentParser
import TallyClient
import TallyNode
import TallyPrimitives

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make, keep and use the keys of accounts.",
        discussion: """
            A key is kept in a keystore file of version 3, encrypted under a password, which \
            wallets read too. Passwords and secrets come from a file or the terminal, never \
            from the command line, where other users of the machine see them.

            Examples:
              tally keys new --keystore-dir ./keys
              tally keys import --from mnemonic --keystore-dir ./keys
              tally keys sign --keystore ./keys/0x….json --message "hello"
            """,
        subcommands: [
            KeysNewCommand.self, KeysListCommand.self, KeysImportCommand.self,
            KeysExportCommand.self, KeysSignCommand.self, KeysVerifyCommand.self,
        ])
}

/// Where keys lie.
struct KeyFolderOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Directory of a ledger, whose folder keys/ to use (default: $TALLY_DATA_DIR).",
            valueName: "path"))
    var dataDir: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Folder of keystore files to use instead.", valueName: "path"))
    var keystoreDir: String?

    var folder: KeyFolder {
        get throws {
            if let keystoreDir { return KeyFolder(path: keystoreDir) }
            guard let directory else { throw ValidationError("Give --data-dir or --keystore-dir.") }
            return KeyFolder(path: directory + "/" + DataDirectory.keysName)
        }
    }

    private var directory: String? {
        let directory = dataDir ?? Environment[Setting.dataDirectory.environmentName]
        return directory?.isEmpty == false ? directory : nil
    }

    func validate() throws {
        if dataDir != nil, keystoreDir != nil {
            throw ValidationError("Give --data-dir or --keystore-dir, not both.")
        }
        if dataDir == "" || keystoreDir == "" {
            throw ValidationError("--data-dir and --keystore-dir need a path.")
        }
        if keystoreDir == nil, directory == nil {
            throw ValidationError("Give --data-dir or --keystore-dir.")
        }
    }
}

struct KeysListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the accounts that there are keys of.")

    @OptionGroup var place: KeyFolderOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let addresses = try place.folder.addresses().map(\.description)
        output.print(
            ["addresses": .array(addresses.map(JSON.string))],
            addresses.isEmpty ? "No keys." : addresses.joined(separator: "\n"))
    }
}
