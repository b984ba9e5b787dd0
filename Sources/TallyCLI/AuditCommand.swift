import ArgumentParser
import TallyClient
import TallyEngine
import TallyNode
import TallyPrimitives
import TallySharding
import TallyStore

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Check a stopped ledger against its own history.",
        discussion: """
            Example:
              tally audit supply --data-dir ./ledger --deep
            """,
        subcommands: [AuditSupplyCommand.self])
}

/// A ledger that no node runs on.
struct StoppedLedgerOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Directory of the ledger.", valueName: "path"))
    var dataDir: String

    /// Locks the directory until `body` returns.
    func locked<R>(_ body: (_ path: String, _ genesis: Genesis) throws -> R) throws -> R {
        // Locking creates a directory that is not there: look first.
        let genesis = try DataDirectory.genesis(dataDir).genesis
        let lock = try lock()
        let result = try body(lock.directory, genesis)
        _ = consume lock
        return result
    }

    private func lock() throws -> DirectoryLock {
        do throws(StoreError) {
            return try DirectoryLock(directory: dataDir)
        } catch {
            guard case .locked(_, let pid) = error else { throw error }
            let process = pid.map { " (process \($0))" } ?? ""
            throw CommandFailure(
                "locked", "a node\(process) runs on \(dataDir): stop the node first")
        }
    }

    /// Prints what was found, and fails if that is anything.
    static func judge(_ findings: [AuditFinding], dropped: Int, _ output: OutputOptions) throws {
        guard !findings.isEmpty else { return }
        if !output.json {
            for finding in findings { Console.current.complain("finding: \(finding)") }
            if dropped > 0 { Console.current.complain("and \(dropped) more") }
        }
        throw CommandFailure(
            "findings", "\(findings.count + dropped) findings: this ledger is not sound")
    }

    static func json(_ findings: [AuditFinding]) -> JSON {
        .array(
            findings.map {
                ["kind": .string($0.name), "message": .string($0.description)]
            })
    }
}

struct AuditSupplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supply",
        abstract: "Recompute all money, receipt by receipt and leaf by leaf.",
        discussion: """
            Leaves, headers, receipts, transactions and the log are read and compared; what a \
            crash left in the log only is executed in memory. Nothing is changed. Exit code 1 \
            when anything does not match.
            """)

    @OptionGroup var ledger: StoppedLedgerOptions
    @Flag(
        name: .long,
        help: "Verify every signature too, and what holds between the objects of a state.")
    var deep = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        let report = try ledger.locked { path, genesis in
            do throws(AuditError) {
                return try SupplyAudit.run(directory: path, genesis: genesis, isDeep: deep)
            } catch { throw CommandFailure("audit", error.description) }
        }
        output.print(json(report), Self.text(report))
        try StoppedLedgerOptions.judge(report.findings, dropped: report.droppedFindings, output)
    }

    // MARK: Text

    private static func text(_ report: AuditReport) -> String {
        let beacon = report.endpoints.count - 1
        let rows = report.endpoints.enumerated().map { index, totals in
            [
                index == beacon ? "beacon" : "\(totals.endpoint)", "\(totals.height)",
                "\(totals.accounts.count)", "\(totals.accounts.value)", "\(totals.vaults.value)",
                "\(totals.escrows.value)", "\(totals.due.value)", "\(totals.treasury.value)",
                "\(totals.inFlight.count)", "\(totals.inFlight.value)",
            ]
        }
        let table = Table(
            [
                "shard", "height", "accounts", "balances", "vaults", "escrow", "due", "treasury",
                "receipts", "in flight",
            ], rows)
        let counts = report.counts
        return """
            Height \(report.height), checkpoint \(report.checkpoint); amounts in base units.

            \(table.text)

            genesis     \(report.genesisSupply)
            minted      \(report.minted)
            burned      \(report.burned)
            held        \(text(report.held))
            in flight   \(text(report.inFlight))
            difference  \(difference(report))

            Checked \(counts.beaconBlocks) blocks, \(counts.shardBlocks) shard headers, \
            \(counts.receiptsSent) receipts sent and \(counts.receiptsConsumed) consumed, \
            \(counts.transactions) transactions, \(counts.signatures) signatures, \
            \(counts.logRecords) log records.
            """
                + (report.cutBytes == 0
                    ? "" : "\nThe log ends in \(report.cutBytes) bytes of an unfinished record.")
    }

    private static func text(_ amount: Amount?) -> String {
        amount?.description ?? "above 2^128 - 1"
    }

    /// Held, in flight and burned, less genesis and minted: with its sign.
    private static func difference(_ report: AuditReport) -> String {
        guard let assets = report.assets, let claims = report.claims else { return "out of range" }
        if let more = assets.subtracting(claims) { return more.isZero ? "0" : "+\(more)" }
        return "-\(claims.subtracting(assets) ?? .zero)"
    }

    // MARK: JSON

    private func json(_ report: AuditReport) -> JSON {
        [
            "clean": .bool(report.isClean), "height": JSON(report.height.value),
            "checkpoint": JSON(report.checkpoint.value),
            "endpoints": .array(report.endpoints.map(Self.json)),
            "genesis": .string(report.genesisSupply.description),
            "minted": .string(report.minted.description),
            "burned": .string(report.burned.description),
            "held": report.held.map { .string($0.description) } ?? .null,
            "inFlight": report.inFlight.map { .string($0.description) } ?? .null,
            "difference": .string(Self.difference(report)),
            "checked": [
                "beaconBlocks": JSON(report.counts.beaconBlocks),
                "shardBlocks": JSON(report.counts.shardBlocks),
                "receiptsSent": JSON(report.counts.receiptsSent),
                "receiptsConsumed": JSON(report.counts.receiptsConsumed),
                "transactions": JSON(report.counts.transactions),
                "signatures": JSON(report.counts.signatures),
                "logRecords": JSON(report.counts.logRecords),
            ],
            "cutBytes": JSON(report.cutBytes),
            "findings": StoppedLedgerOptions.json(report.findings),
            "droppedFindings": JSON(report.droppedFindings),
        ]
    }

    private static func json(_ totals: EndpointTotals) -> JSON {
        [
            "endpoint": JSON(totals.endpoint.index), "height": JSON(totals.height.value),
            "accounts": json(totals.accounts), "vaults": json(totals.vaults),
            "escrows": json(totals.escrows), "due": json(totals.due),
            "treasury": json(totals.treasury), "inFlight": json(totals.inFlight),
            "total": .string(totals.total.description),
        ]
    }

    private static func json(_ tally: AuditTally) -> JSON {
        ["count": JSON(tally.count), "value": .string(tally.value.description)]
    }
}
