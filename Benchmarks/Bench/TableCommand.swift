import ArgumentParser
import BenchSupport
import Foundation
import TallyBench
import TallyClient

/// All measurements, each in a process of its own, so that none has the memory or the counters of
/// another.
struct TableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table", abstract: "Measures, and prints the table.")

    @Option(name: .long, help: ArgumentHelp("Also write the result here.", valueName: "file"))
    var json: String?
    @OptionGroup var size: SizeOptions
    @Argument(help: "Which measures; all by default.")
    var ids: [String] = []

    func validate() throws {
        for id in ids where !Measurements.all.contains(where: { $0.id == id }) {
            let known = Measurements.all.map { $0.id }.joined(separator: ", ")
            throw ValidationError("there is no measurement \(id); there are \(known)")
        }
    }

    func run() throws {
        let environment = MachineEnvironment.json()
        var measures: [Measure] = []
        for measurement in Measurements.all where ids.isEmpty || ids.contains(measurement.id) {
            measures += Self.measures(measurement, size)
        }
        print(ResultTable.text(measures))
        if let json {
            // A line for each measure: a change of one figure is a change of one line.
            let lines = measures.map(\.json.description).joined(separator: ",\n  ")
            let text = "{\"measures\": [\n  \(lines)\n],\n\"environment\": \(environment)}\n"
            try Data(text.utf8).write(to: URL(filePath: json))
        }
        if measures.contains(where: \.hasFailed) { throw ExitCode(1) }
    }

    /// Longest time that a measurement may take, in seconds.
    private static let timeLimit = 600

    private static func measures(
        _ measurement: any Measurement.Type, _ size: SizeOptions
    ) -> [Measure] {
        let kinds = measurement.kinds(size.options)
        do {
            let output = try ChildProcess.output(
                ["measure", measurement.id, "--until-eof"] + size.arguments, within: timeLimit)
            let measures = try JSON.parse(output).arrayValue?.compactMap(Measure.init) ?? []
            guard measures.map(\.id) == kinds.map(\.id) else {
                throw BenchError("the process gave other lines than it should")
            }
            return measures
        } catch {
            return kinds.map { Measure($0, failure: "\(error)") }
        }
    }
}
