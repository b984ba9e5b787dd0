import ArgumentParser
import TallyClient
import TallyExecution
import TallyPrimitives
import TallySimulation

struct ComputeEmissionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run EMC's economy over days of beacon time, and print what nodes earn.",
        discussion: """
            A ledger of four shards in this process, with three nodes of the powers that EMC's paper has as \
            examples: 1.4451 E, 0.4964 E, and 1.4451 E with a stake of 90 days. Real registrations, rounds, \
            attestations, epochs and claims, every block checked; a day takes milliseconds.

            Examples:
              tally compute simulate --days 1
              tally compute simulate --days 91
            """)

    @Option(name: .long, help: ArgumentHelp("Days, 1 to 3600.", valueName: "count"))
    var days = 1
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(1...3_600).contains(days) {
            throw ValidationError("--days must be 1 to 3600, not \(days)")
        }
    }

    func run() async throws {
        let table: EmissionTable
        do {
            table = try EmissionRun.run(days: days)
        } catch { throw CommandFailure("simulation", "\(error)") }
        output.print(json(table), text(table))
    }

    private func json(_ table: EmissionTable) -> JSON {
        [
            "decimals": JSON(table.decimals),
            "nodes": .array(
                table.nodes.map { node in
                    [
                        "owner": .string(node.owner.description), "shard": JSON(node.shard.value),
                        "power": JSON(node.power.tenThousandths),
                        "termDays": node.termDays.map { JSON($0) } ?? .null,
                        "weight": .string("\(node.weight.units)"),
                    ]
                }),
            "epochs": .array(
                table.rows.map { row in
                    [
                        "epoch": JSON(row.epoch), "minted": .string(row.minted.description),
                        "rewards": .array(row.rewards.map { .string($0.description) }),
                        "treasury": .string(row.treasury.description),
                        "total": .string(row.total.description),
                        "unminted": .string(row.unminted.description),
                    ]
                }),
        ]
    }

    /// The first day of every decay period beside the last day, and each of the first week.
    private func text(_ table: EmissionTable) -> String {
        let period = 90
        let rows = table.rows.filter { row in
            row.epoch < 7 || row.epoch % UInt64(period) < 2 || row.epoch + 1 == UInt64(days)
        }
        var cells = [["epoch", "minted"]]
        cells[0] += table.nodes.map { node in
            "\(tenThousandths(node.power)) E" + (node.termDays.map { ", \($0) d" } ?? "")
        }
        cells[0] += ["rounding", "minted so far"]
        for row in rows {
            let amounts = [row.minted] + row.rewards + [row.treasury, row.total]
            cells.append([String(row.epoch)] + amounts.map { tokens($0, table.decimals) })
        }
        var lines = aligned(cells)
        for start in stride(from: 0, to: days, by: period) {
            let range = start..<min(start + period, days)
            lines.append(
                "epochs \(range.lowerBound)–\(range.upperBound - 1): the schedule gives "
                    + "\(tokens(table.scheduled(range), table.decimals))")
        }
        let unminted = table.rows.last?.unminted ?? .zero
        lines.append(
            "Nothing is minted while no node has weight: \(tokens(unminted, table.decimals)) in all."
        )
        return lines.joined(separator: "\n")
    }

    private func tenThousandths(_ power: ComputePower) -> String {
        let (whole, rest) = power.tenThousandths.quotientAndRemainder(
            dividingBy: ComputePower.scale)
        return "\(whole)." + padded(String(rest), 4)
    }

    private func tokens(_ amount: Amount, _ decimals: UInt8) -> String {
        var scale: UInt128 = 1
        for _ in 0..<decimals { scale *= 10 }
        let (whole, rest) = amount.units.quotientAndRemainder(dividingBy: scale)
        return "\(whole)." + padded(String(rest), Int(decimals))
    }

    private func padded(_ digits: String, _ count: Int) -> String {
        String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    private func aligned(_ cells: [[String]]) -> [String] {
        let widths = (cells.first ?? []).indices.map { column in
            cells.map { $0[column].count }.max() ?? 0
        }
        return cells.map { row in
            zip(row, widths).map { cell, width in
                String(repeating: " ", count: width - cell.count) + cell
            }.joined(separator: "  ")
        }
    }
}
