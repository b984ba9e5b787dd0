package import TallyEngine

/// Metrics as Prometheus reads them, text format 0.0.4 (OPS-21). Families and samples stand in the
/// order in which they are written.
package struct Exposition: Sendable {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    package typealias Labels = KeyValuePairs<String, String>

    package private(set) var text = ""

    package init() { text.reserveCapacity(16 << 10) }

    package mutating func family(
        _ name: String, _ kind: Kind, _ help: String, _ samples: (inout Family) -> Void
    ) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n"
        text += "# TYPE \(name) \(kind.rawValue)\n"
        var family = Family(name: name, text: text)
        // The one copy of the text is the family's meanwhile.
        text = ""
        samples(&family)
        text = family.text
    }

    /// A family of one sample without labels.
    package mutating func value(
        _ name: String, _ kind: Kind, _ value: some BinaryInteger, _ help: String
    ) {
        family(name, kind, help) { $0.sample(value) }
    }

    package mutating func value(_ name: String, _ kind: Kind, _ value: Double, _ help: String) {
        family(name, kind, help) { $0.sample(value) }
    }

    package mutating func histogram(
        _ name: String, _ reading: Histogram.Reading, _ help: String
    ) {
        family(name, .histogram, help) { $0.histogram(reading) }
    }

    /// The samples of one family.
    package struct Family {
        fileprivate let name: String
        fileprivate var text: String

        package mutating func sample(_ value: some BinaryInteger, _ labels: Labels = [:]) {
            line("", labels, String(value))
        }

        package mutating func sample(_ value: Double, _ labels: Labels = [:]) {
            line("", labels, Exposition.number(value))
        }

        package mutating func histogram(_ reading: Histogram.Reading, _ labels: Labels = [:]) {
            for (bound, count) in zip(Histogram.bounds, reading.cumulative) {
                let end = Exposition.number(Double(bound) / 1e9)
                line("_bucket", labels, String(count), bound: end)
            }
            let count = String(reading.cumulative.last ?? 0)
            line("_bucket", labels, count, bound: "+Inf")
            line("_sum", labels, Exposition.number(Double(reading.sumNanoseconds) / 1e9))
            line("_count", labels, count)
        }

        private mutating func line(
            _ suffix: String, _ labels: Labels, _ value: String, bound: String? = nil
        ) {
            text += name
            text += suffix
            var pairs = labels.map { "\($0.key)=\"\(Exposition.escaped($0.value, quotes: true))\"" }
            if let bound { pairs.append("le=\"\(bound)\"") }
            if !pairs.isEmpty { text += "{\(pairs.joined(separator: ","))}" }
            text += " \(value)\n"
        }
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // A whole number needs no fraction.
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
