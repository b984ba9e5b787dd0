import Foundation
package import TallyClient

extension JSON {
    /// A measured number with six significant digits: no clock here tells more.
    /// - Parameter value: finite.
    package static func figure(_ value: Double) -> JSON {
        precondition(value.isFinite, "a figure that was not measured")
        let text = String(format: "%.6g", value)
        // An exponent without a point is a number too, but not one that every reader expects.
        if text.contains("e") { return .number(String(format: "%.0f", value)) }
        return Int64(text).map { JSON($0) } ?? .number(text)
    }

    package var figure: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let text): Double(text)
        case .null, .bool, .string, .array, .object: nil
        }
    }
}
