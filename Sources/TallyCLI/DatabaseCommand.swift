import ArgumentParser
import TallyClient
import TallyEngine
import TallyPrimitives

struct DatabaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "Look into the databases of a stopped ledger.",
        discussion: """
            Examples:
              tally db stats --data-dir ./ledger
              tally db verify --data-dir ./ledger
            """,
        subcommands: [DatabaseStatsCommand.self, DatabaseVerifyCommand.self])
}

struct DatabaseStatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Print sizes, row counts and checkpoints.")

    @OptionGroup var ledger: StoppedLedgerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let stats = try ledger.locked { path, genesis in
            do throws(AuditError) {
                return try DatabaseStats.read(directory: path, genesis: genesis)
            } catch { throw CommandFailure("audit", error.description) }
        }
        output.print(Self.json(stats), Self.text(stats))
    }

    private static func text(_ stats: DatabaseStats) -> String {
        let names = stats.environments.first?.rows.map(\.database) ?? []
        let rows = stats.environments.enumerated().map { index, environment in
            [
                index == stats.environments.count - 1 ? "beacon" : "\(environment.endpoint)",
                environment.checkpoint?.description ?? "none", "\(environment.usedBytes)",
                "\(environment.mapSizeBytes)",
                "\(environment.readerSlotsUsed)/\(environment.maxReaders)",
            ] + environment.rows.map { "\($0.count)" }
        }
        let header = ["shard", "checkpoint", "used bytes", "map bytes", "readers"] + names
        let log = Table(["log segment", "bytes"], stats.segments.map { [$0.name, "\($0.bytes)"] })
        return Table(header, rows).text + "\n\n" + log.text
    }

    private static func json(_ stats: DatabaseStats) -> JSON {
        [
            "environments": .array(
                stats.environments.map { environment in
                    [
                        "endpoint": JSON(environment.endpoint.index),
                        "checkpoint": environment.checkpoint.map { JSON($0.value) } ?? .null,
                        "usedBytes": JSON(environment.usedBytes),
                        "mapSizeBytes": JSON(environment.mapSizeBytes),
                        "readerSlotsUsed": JSON(environment.readerSlotsUsed),
                        "maxReaders": JSON(environment.maxReaders),
                        "rows": .object(
                            JSONObject(
                                environment.rows.map { .init($0.database, JSON($0.count)) })),
                    ]
                }),
            "log": [
                "segments": .array(
                    stats.segments.map {
                        ["name": .string($0.name), "bytes": JSON($0.bytes)]
                    }),
                "bytes": JSON(stats.segments.reduce(0) { $0 + $1.bytes }),
            ],
        ]
    }
}

struct DatabaseVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Decode every row, rebuild every state, read the log.",
        discussion: """
            Says whether everything stored can be read; `tally audit supply` says whether it is \
            right. Nothing is changed. Exit code 1 when anything cannot be read.
            """)

    @OptionGroup var ledger: StoppedLedgerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let result = try ledger.locked { path, genesis in
            do throws(AuditError) {
                return try DatabaseVerification.run(directory: path, genesis: genesis)
            } catch { throw CommandFailure("audit", error.description) }
        }
        output.print(
            [
                "clean": .bool(result.isClean), "rows": JSON(result.rows),
                "logRecords": JSON(result.logRecords), "cutBytes": JSON(result.cutBytes),
                "findings": StoppedLedgerOptions.json(result.findings),
                "droppedFindings": JSON(result.droppedFindings),
            ], "Read \(result.rows) rows and \(result.logRecords) log records.")
        try StoppedLedgerOptions.judge(result.findings, dropped: result.droppedFindings, output)
    }
}
