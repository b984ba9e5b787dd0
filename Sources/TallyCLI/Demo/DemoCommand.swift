import ArgumentParser
import Foundation
import TallyClient
import TallyEngine
import TallyNode
import TallyPrimitives

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "A guided tour on a ledger that is thrown away.",
        discussion: """
            Starts a node in a process of its own, sends it signed transactions over JSON-RPC \
            (inside a shard, across shards, a batch of which one leg comes back, a transfer for \
            later), shows every state their legs pass through, stops the node and audits what \
            it left on disk. Succeeds only if all of it came out as it must.
            """)

    @Option(name: .long, help: ArgumentHelp("Number of shards, 2 to 64.", valueName: "count"))
    var shards = GenesisDocument.defaultShards
    @Flag(name: .long, help: "Leave the ledger on disk, and say where.")
    var keep = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (2...64).contains(shards) else {
            throw ValidationError("--shards must be 2 to 64, not \(shards)")
        }
    }

    func run() async throws {
        let narrator = Narrator(isSilent: output.json)
        let path = try Self.temporaryDirectory()
        defer { if !keep { try? FileManager.default.removeItem(atPath: path) } }
        narrator.say("Starting a ledger of \(shards) shards in \(path)")
        let node = try await DemoNode.start(directory: path, shards: shards)
        narrator.say("JSON-RPC at \(node.rpc), process \(node.process)\n")
        var tour: DemoTour.Outcome
        do {
            tour = try await DemoTour(node: node, narrator: narrator).run()
        } catch {
            _ = await node.stop()
            throw error
        }
        let stopped = await node.stop()
        narrator.say("The node has stopped with exit code \(stopped).\n")
        let report = try Self.audit(path)
        if stopped != 0 { tour.complaints.append("the node's exit code was \(stopped)") }
        if !report.isClean { tour.complaints.append("the audit found faults") }
        finish(tour, report, path)
        guard tour.isAsExpected else { throw ExitCode.failure }
    }

    private func finish(
        _ tour: DemoTour.Outcome, _ report: AuditReport, _ path: String
    ) {
        let text = [
            DemoAudit(report).text, "",
            tour.isAsExpected
                ? "All transactions settled as expected, and the audit is clean."
                : "NOT as expected: \(tour.complaints.joined(separator: "; "))",
        ]
        output.print(
            [
                "asExpected": .bool(tour.isAsExpected),
                "complaints": .array(tour.complaints.map(JSON.string)),
                "transactions": .array(tour.statuses.map { StatusReport($0).json }),
                "audit": DemoAudit(report).json,
                "directory": keep ? .string(path) : .null,
            ],
            (text + (keep ? ["The ledger is in \(path)."] : [])).joined(separator: "\n"))
    }

    private static func audit(_ path: String) throws -> AuditReport {
        // The lock is held while the ledger is read.
        let directory = try DataDirectory(path: path)
        let genesis = try directory.genesis().genesis
        do throws(AuditError) {
            return try SupplyAudit.run(directory: directory.path, genesis: genesis, isDeep: true)
        } catch { throw CommandFailure("audit", "\(error)") }
    }

    private static func temporaryDirectory() throws(CommandFailure) -> String {
        var template = Array((NSTemporaryDirectory() + "tally-demo-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandFailure("file", "cannot create a temporary directory")
        }
        return String(
            decoding: template.lazy.map(UInt8.init(bitPattern:)).prefix { $0 != 0 },
            as: UTF8.self)
    }
}

/// Tells the tour to a person, or keeps quiet for a program.
struct Narrator: Sendable {
    let isSilent: Bool

    func say(_ line: String) {
        if !isSilent { Console.current.print(line) }
    }
}

/// What the audit found, in a few lines.
struct DemoAudit {
    let report: AuditReport

    init(_ report: AuditReport) { self.report = report }

    var text: String {
        func ether(_ amount: Amount?) -> String { amount.map(Ether.text) ?? "overflow" }
        var lines = ["Audit of the files at height \(report.height), in ether:"]
        let rows = report.endpoints.map { totals in
            [
                totals.endpoint.index + 1 == report.endpoints.count
                    ? "beacon" : "shard \(totals.endpoint)",
                Ether.text(totals.accounts.value), Ether.text(totals.vaults.value),
                Ether.text(totals.due.value), Ether.text(totals.inFlight.value),
            ]
        }
        lines.append(Table(["", "accounts", "vaults", "due", "in flight"], rows).text)
        lines += [
            "",
            "  held + in flight + burned  \(ether(report.assets))",
            "  genesis + minted           \(ether(report.claims))",
            "  burned as base fees        \(Ether.text(report.burned))",
            "  checked                    \(report.counts.shardBlocks) shard blocks, "
                + "\(report.counts.transactions) transactions, "
                + "\(report.counts.receiptsSent) receipts",
        ]
        lines += report.findings.map { "  FINDING \($0)" }
        return lines.joined(separator: "\n")
    }

    var json: JSON {
        [
            "clean": .bool(report.isClean), "height": JSON(report.height.value),
            "assets": report.assets.map { .string($0.description) } ?? .null,
            "claims": report.claims.map { .string($0.description) } ?? .null,
            "burned": .string(report.burned.description),
            "findings": .array(report.findings.map { .string("\($0)") }),
        ]
    }
}
