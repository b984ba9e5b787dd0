/// A number of base units, the only type of money: 0 to 2^128 − 1.
///
/// Every operation is checked. There are no operators: an overflow is a case to be handled.
public struct Amount: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let units: UInt128

    public static let zero = Amount(0)
    public static let max = Amount(.max)

    public init(_ units: UInt128) { self.units = units }

    /// Decimal text without sign, space or leading zero; `nil` for anything else.
    public init?(decimal text: some StringProtocol) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text == "0" || text.first != "0", let units = UInt128(text)
        else { return nil }
        self.units = units
    }

    /// The sum; `nil` above 2^128 − 1.
    public func adding(_ other: Amount) -> Amount? {
        let (sum, overflow) = units.addingReportingOverflow(other.units)
        return overflow ? nil : Amount(sum)
    }

    /// The difference; `nil` below 0.
    public func subtracting(_ other: Amount) -> Amount? {
        let (difference, overflow) = units.subtractingReportingOverflow(other.units)
        return overflow ? nil : Amount(difference)
    }

    /// The product; `nil` above 2^128 − 1.
    public func multiplied(by factor: UInt64) -> Amount? {
        let (product, overflow) = units.multipliedReportingOverflow(by: UInt128(factor))
        return overflow ? nil : Amount(product)
    }

    /// The sum of all; `nil` above 2^128 − 1.
    public static func sum(_ amounts: some Sequence<Amount>) -> Amount? {
        var total = Amount.zero
        for amount in amounts {
            guard let next = total.adding(amount) else { return nil }
            total = next
        }
        return total
    }

    public var isZero: Bool { units == 0 }
    public var description: String { String(units) }
    public static func < (a: Amount, b: Amount) -> Bool { a.units < b.units }
}
