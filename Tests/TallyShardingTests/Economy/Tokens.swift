import TallyPrimitives
import Testing

/// Base units of a decimal number of tokens, such as "64800000" or "44.4889".
func tokens(
    _ text: String, decimals: Int = 8, _ location: SourceLocation = #_sourceLocation
) throws -> Amount {
    let parts = text.split(separator: ".", maxSplits: 1)
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    try #require(!parts.isEmpty && fraction.count <= decimals, sourceLocation: location)
    let digits = parts[0] + fraction + String(repeating: "0", count: decimals - fraction.count)
    return Amount(try #require(UInt128(digits), sourceLocation: location))
}
