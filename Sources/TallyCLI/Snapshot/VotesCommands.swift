import ArgumentParser
import TallyClient
import TallyCrypto
import TallyEngine
import TallyNode
import TallyPrimitives
import TallySharding

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write what is carried to another machine.",
        discussion: """
            Example:
              tally export votes --data-dir ./ledger > votes.json
            """,
        subcommands: [ExportVotesCommand.self])
}

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take up what another machine wrote.",
        discussion: """
            Example:
              tally import votes votes.json --data-dir ./new
            """,
        subcommands: [ImportVotesCommand.self])
}

/// Whose votes.
struct VoterOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The validator, where keys/ does not hold exactly one of the genesis.",
            valueName: "address"))
    var validator: AddressArgument?

    func address(_ path: String, _ genesis: Genesis) throws -> Address {
        if let validator {
            guard genesis.validators.contains(validator.value) else {
                throw CommandFailure("validator", "\(validator.value) is no validator")
            }
            return validator.value
        }
        let folder = KeyFolder(path: path + "/" + DataDirectory.keysName)
        let known = try folder.addresses().filter(genesis.validators.contains)
        guard let address = known.first, known.count == 1 else {
            throw CommandFailure(
                "validator",
                "\(folder.path) holds \(known.count) validators' keys; name one with --validator")
        }
        return address
    }
}

struct ExportVotesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "votes", abstract: "Write what a validator may have signed, as JSON.",
        discussion: """
            For a validator that moves: stop it for good, export its votes, restore its ledger elsewhere \
            (`tally snapshot restore`), import the votes there. The old directory must not run again.
            """)

    @OptionGroup var ledger: StoppedLedgerOptions
    @OptionGroup var voter: VoterOptions
    @Option(
        name: .long,
        help: ArgumentHelp("File to write instead of standard output.", valueName: "file"))
    var out: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let votes = try ledger.locked { path, genesis in
            try VoteTransfer.export(
                directory: path, genesis: genesis, validator: voter.address(path, genesis))
        }
        guard let out else {
            Console.current.print(String(decoding: votes.json.dropLast(), as: UTF8.self))
            return
        }
        try Files.write(votes.json, to: out, mode: 0o600)
        output.print(["file": .string(out)], "Wrote \(out).")
    }
}

struct ImportVotesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "votes", abstract: "Forbid a validator what it may have signed elsewhere.",
        discussion: """
            It votes above the highest height of the file only, and follows until then. Nothing that \
            the directory knows is ever lowered.
            """)

    @Argument(help: ArgumentHelp("What `tally export votes` wrote.", valueName: "file"))
    var file: String
    @OptionGroup var ledger: StoppedLedgerOptions
    @OptionGroup var voter: VoterOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let votes = try VoteInterchange(json: Files.read(file, limit: 1 << 20))
        let random = try SecureRandom.bytes(16)
        let outcome = try ledger.locked { path, genesis in
            try VoteTransfer.import(
                votes, directory: path, genesis: genesis,
                validator: voter.address(path, genesis),
                salt: (Self.number(random[..<8]), Self.number(random[8...])))
        }
        let text =
            outcome.votesAbove.map { "The validator votes above height \($0)." }
            ?? "This directory has lost its votes: the validator observes until others answer."
        output.print(
            [
                "votesAbove": outcome.votesAbove.map { JSON($0.value) } ?? .null,
                "changed": .bool(outcome.changed),
            ], outcome.changed ? text : text + " Nothing was changed.")
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
