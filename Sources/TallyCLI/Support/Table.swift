/// Columns of text, numbers to the right.
struct Table {
    private let rows: [[String]]

    init(_ header: [String], _ rows: [[String]]) { self.rows = [header] + rows }

    var text: String {
        let widths = rows[0].indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            zip(row, widths)
                .map { String(repeating: " ", count: $1 - $0.count) + $0 }
                .joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
