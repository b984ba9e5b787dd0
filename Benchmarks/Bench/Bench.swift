import ArgumentParser
import BenchSupport
import Foundation
import Glibc
import TallyClient

@main struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Bench", abstract: "Measures the ledger beside the bounds of the machine.",
        subcommands: [
            TableCommand.self, MeasureCommand.self, MicroCommand.self, NodeCommand.self,
            EchoCommand.self, TransportCommand.self,
        ], defaultSubcommand: TableCommand.self)
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
    @Flag(help: "End when standard input does.")
    var untilEof = false
    @OptionGroup var size: SizeOptions

    func run() async throws {
        if untilEof {
            // Whoever asked is gone: nobody would end this process otherwise.
            Thread.detachNewThread {
                while readLine() != nil {}
                Glibc.exit(1)
            }
        }
        guard let measurement = Measurements.all.first(where: { $0.id == id }) else {
            throw ValidationError("there is no measurement \(id)")
        }
        let measures: [Measure]
        do {
            measures = try await measurement.run(size.options)
        } catch {
            measures = measurement.kinds(size.options).map { Measure($0, failure: "\(error)") }
        }
        print(JSON.array(measures.map(\.json)).description)
    }
}

/// Parts of the ledger, each alone.
struct MicroCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "micro", abstract: "CPU time of single parts: median, least and most.")

    @Argument(help: "Which: \(Micro.allCases.map(\.rawValue).joined(separator: ", ")).")
    var parts: [Micro] = Micro.allCases

    func run() async throws {
        for part in parts { try await part.run() }
    }
}

extension Micro: ExpressibleByArgument {}
