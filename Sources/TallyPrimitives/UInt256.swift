/// An unsigned integer of 256 bits: what a product of two 128-bit numbers needs, and what sums of
/// fixed-point fractions are kept in. Every operation is checked; there are no operators.
package struct UInt256: Hashable, Comparable, Sendable {
    package let high: UInt128
    package let low: UInt128

    package static let zero = UInt256(0)
    package static let max = UInt256(high: .max, low: .max)

    package init(_ low: UInt128) { self.init(high: 0, low: low) }

    package init(high: UInt128, low: UInt128) {
        self.high = high
        self.low = low
    }

    /// The product, which always fits.
    package init(product a: UInt128, _ b: UInt128) {
        let product = a.multipliedFullWidth(by: b)
        self.init(high: product.high, low: product.low)
    }

    /// The value in 128 bits; `nil` from 2^128.
    package var narrowed: UInt128? { high == 0 ? low : nil }

    /// The sum; `nil` from 2^256.
    package func adding(_ other: UInt256) -> UInt256? {
        let (low, carry) = low.addingReportingOverflow(other.low)
        let (partial, overflow) = high.addingReportingOverflow(other.high)
        let (high, overflowOfCarry) = partial.addingReportingOverflow(carry ? 1 : 0)
        return overflow || overflowOfCarry ? nil : UInt256(high: high, low: low)
    }

    /// The difference; `nil` below 0.
    package func subtracting(_ other: UInt256) -> UInt256? {
        guard self >= other else { return nil }
        let (low, borrow) = low.subtractingReportingOverflow(other.low)
        return UInt256(high: high - other.high - (borrow ? 1 : 0), low: low)
    }

    /// The product; `nil` from 2^256.
    package func multiplied(by factor: UInt128) -> UInt256? {
        let (upper, overflow) = high.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        return UInt256(product: low, factor).adding(UInt256(high: upper, low: 0))
    }

    /// The floored quotient and what is left; `nil` for a divisor of 0.
    package func divided(by divisor: UInt128) -> (quotient: UInt256, remainder: UInt128)? {
        guard divisor != 0 else { return nil }
        let upper = high.quotientAndRemainder(dividingBy: divisor)
        let lower = divisor.dividingFullWidth((upper.remainder, low))
        return (UInt256(high: upper.quotient, low: lower.quotient), lower.remainder)
    }

    package static func < (a: UInt256, b: UInt256) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// An integer as its shortest big-endian string of at most 32 bytes (ENC-2).
extension UInt256: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        guard high != 0 else { return out.append(low) }
        var bytes: [UInt8] = []
        for half in [high, low] {
            withUnsafeBytes(of: half.bigEndian) { bytes.append(contentsOf: $0) }
        }
        out.append(bytes.drop { $0 == 0 })
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        let bytes = try input.nextString()
        guard bytes.first != 0 else { throw .nonCanonicalInteger }
        guard bytes.count <= 32 else { throw .integerTooLarge }
        func integer(_ bytes: ArraySlice<UInt8>) -> UInt128 {
            bytes.reduce(0) { $0 << 8 | UInt128($1) }
        }
        self.init(high: integer(bytes.dropLast(16)), low: integer(bytes.suffix(16)))
    }
}

extension Amount {
    /// ⌊amount · numerator / denominator⌋ of the exact product (ECON-2); `nil` above 2^128 − 1, and for a
    /// denominator of 0.
    package func scaled(by numerator: UInt128, over denominator: UInt128) -> Amount? {
        UInt256(product: units, numerator).divided(by: denominator)?.quotient.narrowed
            .map(Amount.init)
    }
}
