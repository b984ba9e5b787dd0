import ArgumentParser
import TallyClient
import TallyNode

/// The root of all verbs.
struct Tally: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tally",
        abstract: "Run a ledger split into shards, use it, and check its books.",
        discussion: """
            Begin with `tally demo` for a tour, or with `tally dev` for a ledger with funded \
            accounts on this machine. Every verb explains itself with --help.

            Exit codes: 0 done, 1 failed, 2 wrong usage. With --json, results on standard \
            output and errors on standard error are JSON.

            Examples:
              tally dev
              tally tx send --key-file key.txt --to 0x… --ether 1.5 --wait settled
              tally query balance 0x…
            """,
        version: ProgramVersion.number,
        groupedSubcommands: [
            CommandGroup(
                name: "Running a ledger",
                subcommands: [
                    DevCommand.self, DemoCommand.self, LocalnetCommand.self, InitCommand.self,
                    StartCommand.self,
                ]),
            CommandGroup(
                name: "Using a ledger",
                subcommands: [
                    TxCommand.self, QueryCommand.self, ComputeCommand.self,
                    WorkerCommand.self,
                ]),
            CommandGroup(
                name: "Preparing and checking",
                subcommands: [
                    GenesisCommand.self, KeysCommand.self, AuditCommand.self, DatabaseCommand.self,
                    SnapshotCommand.self, ExportCommand.self, ImportCommand.self,
                    VerifyProofCommand.self, ConfigCommand.self, SimulateCommand.self,
                    BenchCommand.self,
                ]),
            CommandGroup(
                name: "About this program",
                subcommands: [
                    CompletionsCommand.self, VersionCommand.self,
                ]),
        ])
}

/// `--json`, which every verb has.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print results and errors as JSON.")
    var json = false

    /// Prints a result, as JSON or as text.
    func print(_ json: @autoclosure () -> JSON, _ text: @autoclosure () -> String) {
        Console.current.print(self.json ? json().description : text())
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version of this program.")

    @OptionGroup var output: OutputOptions

    func run() {
        output.print(
            [
                "version": .string(ProgramVersion.number),
                "platform": .string(ProgramVersion.platform),
            ],
            "tally \(ProgramVersion.number) (\(ProgramVersion.platform))")
    }
}
