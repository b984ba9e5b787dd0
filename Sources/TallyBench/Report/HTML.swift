import Foundation

/// Text for pages that anybody may have put anything into.
package enum HTML {
    package static func escaped(_ text: String) -> String {
        var out = ""
        out.reserveCapacity(text.utf8.count)
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.append(character)
            }
        }
        return out
    }

    /// With three significant digits or more, and thin spaces between thousands.
    package static func number(_ value: Double) -> String {
        let magnitude = abs(value)
        if magnitude > 0, magnitude < 10, magnitude != magnitude.rounded() {
            return String(format: "%.2f", value)
        }
        if magnitude < 100, magnitude != magnitude.rounded() {
            return String(format: "%.1f", value)
        }
        let digits = String(format: "%.0f", magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "\u{202f}" }
            text.append(digit)
        }
        return (value < 0 ? "−" : "") + text
    }

    /// Every cell is escaped; numbers stand to the right.
    static func table(_ header: [String], _ rows: [[String]]) -> String {
        let head = header.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
        let body = rows.map { row in
            let cells = row.enumerated().map { index, cell in
                index == 0
                    ? "<th scope=\"row\">\(escaped(cell))</th>" : "<td>\(escaped(cell))</td>"
            }
            return "<tr>" + cells.joined() + "</tr>"
        }
        return "<table><thead><tr>\(head)</tr></thead><tbody>\(body.joined(separator: "\n"))"
            + "</tbody></table>"
    }
}
