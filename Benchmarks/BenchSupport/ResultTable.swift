import Foundation

/// Measures as text for people.
package enum ResultTable {
    package static let columns = ["id", "measure", "value", "bound", "ratio", "goal", ""]

    /// Lines of a table with aligned columns, and a line for whatever failed.
    package static func text(_ measures: [Measure]) -> String {
        let rows = [columns] + measures.map(cells)
        let widths = columns.indices.map { column in
            rows.reduce(0) { max($0, $1[column].count) }
        }
        var lines = rows.map { row in
            zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
        for measure in measures {
            switch measure.state {
            case .measured: break
            case .failed(let reason): lines.append("\(measure.id) failed: \(reason)")
            case .absent(let reason): lines.append("\(measure.id) absent: \(reason)")
            }
            let details = measure.details.map { "\($0.name) \(number($0.value))" }
            guard !details.isEmpty else { continue }
            lines.append(
                "\(measure.id): bound is \(measure.boundName); "
                    + details.joined(separator: ", "))
        }
        return lines.joined(separator: "\n")
    }

    private static func cells(_ measure: Measure) -> [String] {
        let sign = measure.goal.direction == .atLeast ? "≥" : "≤"
        let times = measure.goal.judged == .ratio ? " × bound" : ""
        var goal = "\(sign) \(number(measure.goal.number))\(times)"
        if let design = measure.goal.design { goal += " (design \(number(design)))" }
        guard case .measured(let outcome) = measure.state else {
            return [
                measure.id, measure.name, "–", "–", "–", goal,
                measure.hasFailed ? "FAILED" : "ABSENT",
            ]
        }
        let spread = "\(number(outcome.least))–\(number(outcome.most))"
        let isRatio = measure.goal.judged == .ratio
        let hasSpread = outcome.repetitions > 1
        return [
            measure.id, measure.name,
            "\(number(outcome.value)) \(measure.unit)"
                + (hasSpread && !isRatio ? " (\(spread))" : ""),
            number(outcome.bound),
            number(outcome.ratio) + (hasSpread && isRatio ? " (\(spread))" : ""),
            goal, measure.isMet ? "met" : "not met",
        ]
    }

    /// With three significant digits or more, and commas between thousands.
    package static func number(_ value: Double) -> String {
        let magnitude = abs(value)
        if magnitude < 10 { return String(format: "%.2f", value) }
        if magnitude < 100 { return String(format: "%.1f", value) }
        let digits = String(format: "%.0f", magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + text
    }
}
