import ArgumentParser
import BenchSupport
import Foundation
import TallyClient

@main struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Bench", abstract: "Measures the ledger beside the bounds of the machine.",
        subcommands: [TableCommand.self, MeasureCommand.self], defaultSubcommand: TableCommand.self)
}

struct SizeOptions: ParsableArguments {
    @Flag(name: .long, help: "Less of everything: figures for a first look.")
    var quick = false
    @Flag(name: .long, help: "Also ten million accounts in P2.")
    var large = false

    var options: BenchOptions { BenchOptions(isQuick: quick, isLarge: large) }
    var arguments: [String] { (quick ? ["--quick"] : []) + (large ? ["--large"] : []) }
}

/// One measurement in this process: its lines as JSON on standard output.
struct MeasureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure", abstract: "One measurement, as JSON.", shouldDisplay: false)

    @Argument var id: String
    @OptionGroup var size: SizeOptions

    func run() async throws {
        guard let measurement = Measurements.all.first(where: { $0.id == id }) else {
            throw ValidationError("there is no measurement \(id)")
        }
        let measures = try await measurement.run(size.options)
        print(JSON.array(measures.map(\.json)).description)
    }
}
