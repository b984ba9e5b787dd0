import ArgumentParser
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallySharding

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Create the directory of a ledger.",
        discussion: """
            Where the genesis document names no validator, a key is made for one under a \
            password, and the document in the directory names it.

            Example:
              tally genesis new --account 0x…=1000ether --out genesis.json
              tally init --data-dir ./ledger --genesis genesis.json
              tally start --data-dir ./ledger
            """)

    @Option(name: .long, help: ArgumentHelp("Directory to create.", valueName: "path"))
    var dataDir: String
    @Option(
        name: .long,
        help: ArgumentHelp("The genesis document: see `tally genesis`.", valueName: "file"))
    var genesis: String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is the password of the validator's key.", valueName: "file"))
    var passwordFile: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if dataDir.isEmpty { throw ValidationError("--data-dir needs a path.") }
    }

    func run() throws {
        let bytes = try Files.read(genesis)
        let directory = try DataDirectory(path: dataDir)
        guard try !DataDirectory.hasLedger(dataDir) else {
            throw DataDirectoryError.notEmpty(path: dataDir)
        }
        let folder = KeyFolder(path: dataDir + "/" + DataDirectory.keysName)
        let document = try document(bytes, folder)
        try directory.create(document)
        let validators = document.genesis.validators
        let held = try folder.addresses().filter(validators.contains)
        output.print(
            [
                "dataDirectory": .string(dataDir),
                "genesisHash": .string(document.genesis.hash.description),
                "validators": .array(validators.map { .string($0.description) }),
            ],
            """
            Created the ledger in \(dataDir).
              genesis    \(document.genesis.hash)
              validator  \(validators.map(\.description).joined(separator: ", "))
            \(held.isEmpty ? "Put the validator's keystore file into \(folder.path), then start"
                : "Start") it with: tally start --data-dir \(dataDir)
            """
                + (held.isEmpty
                    ? "\nAn observer has a key of its own there, and starts with --observe." : ""))
    }

    /// The document, completed by a new validator if it lacks one.
    private func document(_ bytes: [UInt8], _ folder: KeyFolder) throws -> GenesisDocument {
        do throws(GenesisDocumentError) {
            return try GenesisDocument(json: bytes)
        } catch {
            guard error == .missingField("validators") || error == .genesis(.noValidator),
                case .object(let object) = try JSON.parse(bytes)
            else { throw CommandFailure("genesis", "\(genesis): \(error)") }
            let address = try validator(folder)
            let members = object.members.filter { $0.key != "validators" }
            let complete = JSON.object(
                JSONObject(
                    members + [.init("validators", .array([.string(address.description)]))]))
            return try GenesisDocument(json: Array(complete.description.utf8))
        }
    }

    /// The only key of the folder, or a new one.
    private func validator(_ folder: KeyFolder) throws -> Address {
        let known = try folder.addresses()
        guard known.count < 2 else {
            throw CommandFailure(
                "validator",
                "\(folder.path) holds \(known.count) keys; name the validator in \(genesis)")
        }
        if let address = known.first { return address }
        let password = try Passwords.read(
            file: passwordFile, prompt: "Password of the validator's key", isNew: true)
        let key = try PrivateKey.generate()
        _ = try folder.add(key, password: password)
        return key.address
    }
}
