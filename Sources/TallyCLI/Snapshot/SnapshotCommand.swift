import ArgumentParser
import Glibc
import TallyClient
import TallyEngine
import TallyNode
import TallyPrimitives
import TallySharding

struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Carry the state of a final height to a new node.",
        discussion: """
            A new node that begins from a snapshot needs no history: it verifies the state against \
            what validators sealed, and catches up from there.

            Example:
              tally snapshot create --data-dir ./ledger --out ./snapshot
              tally snapshot verify ./snapshot --genesis genesis.json
              tally snapshot restore ./snapshot --data-dir ./new --genesis genesis.json
              tally keys new --data-dir ./new
              tally start --data-dir ./new --observe --peer-places 0x…@10.0.0.2:8600
            """,
        subcommands: [
            SnapshotCreateCommand.self, SnapshotVerifyCommand.self, SnapshotRestoreCommand.self,
        ])
}

struct SnapshotCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Take a snapshot of a stopped ledger.",
        discussion: """
            The ledger's last final height, or another since its newest checkpoint. What is written \
            is verified before it is there. It holds no keys and no votes.
            """)

    @OptionGroup var ledger: StoppedLedgerOptions
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Directory to write (default: snapshots/HEIGHT in the ledger's).", valueName: "path"))
    var out: String?
    @Option(name: .long, help: ArgumentHelp("A final height.", valueName: "number"))
    var height: UInt64?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let progress = SnapshotProgressLine(output)
        let summary = try ledger.locked { path, genesis in
            try Snapshot.create(
                directory: path, genesis: genesis, path: out, height: height.map(Height.init),
                watch: progress.show)
        }
        progress.end()
        output.print(summary.json, "Took a snapshot into \(summary.path).\n\(summary.text)")
    }
}

struct SnapshotVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verify a snapshot against its genesis.",
        discussion: """
            Every file, the state of every shard, what is in flight, and that a quorum of validators \
            sealed the block it ends in. No node and no ledger is needed.
            """)

    @Argument(help: ArgumentHelp("Directory of the snapshot.", valueName: "path"))
    var path: String
    @OptionGroup var trust: SnapshotTrustOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let genesis = try trust.document(beside: path).genesis
        let progress = SnapshotProgressLine(output)
        let summary = try Snapshot.verify(
            path, genesis: genesis, expecting: trust.expect?.value, watch: progress.show)
        progress.end()
        output.print(summary.json, "The snapshot is good.\n\(summary.text)")
    }
}

struct SnapshotRestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a ledger from a snapshot.",
        discussion: """
            The directory is empty or absent, or was made by `tally init` and never started. \
            Everything is verified. A validator that is started on it observes until the others' heads \
            show that it cannot vote twice, unless its votes are imported: see `tally import votes`. \
            A lone validator has nobody to ask and goes on at once: never run two directories of it, \
            nor one that began with a snapshot older than what others have seen.
            """)

    @Argument(help: ArgumentHelp("Directory of the snapshot.", valueName: "path"))
    var path: String
    @Option(name: .long, help: ArgumentHelp("Directory to make.", valueName: "path"))
    var dataDir: String
    @OptionGroup var trust: SnapshotTrustOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let isMade = try DataDirectory.hasLedger(dataDir)
        let document = trust.genesis == nil && isMade ? nil : try trust.document(beside: path)
        let progress = SnapshotProgressLine(output)
        let directory = try DataDirectory(path: dataDir)
        let summary = try directory.restore(document) { place, genesis in
            try Snapshot.restore(
                path, into: place, genesis: genesis, expecting: trust.expect?.value,
                watch: progress.show)
        }
        progress.end()
        output.print(
            summary.json,
            """
            Restored the snapshot into \(dataDir).
            \(summary.text)
            Start it with: tally start --data-dir \(dataDir)
            """)
    }
}

/// What a snapshot is measured by.
struct SnapshotTrustOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The genesis document (default: that of the ledger that the snapshot lies in).",
            valueName: "file"))
    var genesis: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Hash of the beacon block that it must end in, from somebody you trust.",
            valueName: "hash"))
    var expect: SnapshotHashArgument?

    /// - Parameter path: of the snapshot, `DIR/snapshots/HEIGHT` for one of a ledger's own.
    func document(beside path: String) throws -> GenesisDocument {
        let file = genesis ?? path + "/../../" + DataDirectory.genesisName
        if genesis == nil, try Files.mode(of: file) == nil {
            throw ValidationError("Name the genesis document with --genesis.")
        }
        let bytes = try Files.read(file)
        do throws(GenesisDocumentError) {
            return try GenesisDocument(json: bytes)
        } catch { throw CommandFailure("genesis", "\(file): \(error)") }
    }
}

struct SnapshotHashArgument: ExpressibleByArgument {
    let value: Hash32

    init?(argument: String) {
        guard let value = Hash32(hex: argument) else { return nil }
        self.value = value
    }
}

/// One line on a terminal, written over and over.
struct SnapshotProgressLine {
    private let isShown: Bool

    init(_ output: OutputOptions) { isShown = !output.json && isatty(STDERR_FILENO) == 1 }

    func show(_ progress: SnapshotProgress) {
        write("\r\u{1b}[K\(progress.file)")
    }

    func end() { write("\r\u{1b}[K") }

    private func write(_ text: String) {
        guard isShown else { return }
        let bytes = Array(text.utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}

extension SnapshotSummary {
    var json: JSON {
        [
            "path": .string(path), "height": JSON(height.value),
            "timeMilliseconds": JSON(time.milliseconds), "genesis": .string(genesis.description),
            "beacon": .string(beacon.description),
            "stateRoots": .array(stateRoots.map { .string($0.description) }),
            "inFlight": .string(inFlight.description), "files": JSON(fileCount),
            "bytes": JSON(bytes), "seals": JSON(seals), "validators": JSON(validators),
        ]
    }

    var text: String {
        """
          height   \(height)
          beacon   \(beacon)
          sealed   by \(seals) of \(validators) validators
          in flight \(inFlight)
          files    \(fileCount), \(bytes) bytes
        """
    }
}
