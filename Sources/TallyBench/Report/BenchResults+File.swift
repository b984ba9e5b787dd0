import Foundation

extension BenchResults {
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [10]
    }

    /// - Throws: `.schema` for another format, another version, or a damaged file.
    package init(_ bytes: [UInt8], file: String) throws(LoadError) {
        struct Head: Codable {
            let schema: String
            let version: Int
        }
        let data = Data(bytes)
        guard let head = try? JSONDecoder().decode(Head.self, from: data),
            head.schema == Self.schemaName
        else { throw .schema("\(file) is no results file of `tally bench run`") }
        guard head.version == Self.schemaVersion else {
            throw .schema(
                "\(file) has version \(head.version), this program reads \(Self.schemaVersion)")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch { throw .schema("\(file) is damaged: \(error)") }
    }

    /// A line for each second of each repetition.
    package var csv: String {
        let names = repetitions.first?.seconds.first?.processes.map(\.name) ?? []
        var header =
            "repetition,second,offered,accepted,final,settled,failed,backlog,p50_ms,p99_ms"
        for name in names {
            header += ",\(name)_cpu_s,\(name)_written_bytes,\(name)_rss_bytes,\(name)_mapped_bytes"
        }
        var lines = [header]
        for (number, repetition) in repetitions.enumerated() {
            for second in repetition.seconds {
                var cells = [
                    "\(number + 1)", "\(second.second)", "\(second.offered)",
                    "\(second.accepted)", "\(second.final)", "\(second.settled)",
                    "\(second.failed)", "\(second.backlog)", second.p50.map { "\($0)" } ?? "",
                    second.p99.map { "\($0)" } ?? "",
                ]
                for use in second.processes {
                    cells += [
                        "\(use.cpuSeconds)", "\(use.bytesWritten)", "\(use.residentBytes)",
                        "\(use.mappedBytes)",
                    ]
                }
                lines.append(cells.joined(separator: ","))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
