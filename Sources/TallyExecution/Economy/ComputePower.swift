package import TallyPrimitives

/// Computing power E in ten-thousandths: 14,451 is 1.4451 E (ECON-1, ECON-3).
package struct ComputePower: Hashable, Comparable, Sendable {
    package let tenThousandths: UInt64

    /// Ten-thousandths in one E.
    package static let scale: UInt64 = 10_000
    package static let zero = ComputePower(tenThousandths: 0)

    package init(tenThousandths: UInt64) { self.tenThousandths = tenThousandths }

    /// The power that a proof of computing shows: reference time / proof time, half-up to four
    /// decimals (ECON-3; S1:304).
    /// - Throws: `.zeroProofTime`; `.overflow` from 2^64 ten-thousandths.
    package init(
        referenceMilliseconds: UInt64, proofMilliseconds: UInt64
    ) throws(EconomyError) {
        guard proofMilliseconds > 0 else { throw .zeroProofTime }
        let time = UInt128(proofMilliseconds)
        let doubled = 2 * UInt128(referenceMilliseconds) * UInt128(Self.scale)
        guard let power = UInt64(exactly: (doubled + time) / (2 * time)) else { throw .overflow }
        tenThousandths = power
    }

    package static func < (a: ComputePower, b: ComputePower) -> Bool {
        a.tenThousandths < b.tenThousandths
    }
}

/// How much power a stake stands for: `power` for each `stake` of base units (ECON-4).
package struct PowerRate: Hashable, Sendable {
    package var power: ComputePower
    package var stake: Amount

    package init(power: ComputePower, stake: Amount) {
        self.power = power
        self.stake = stake
    }

    /// The power of a stake, floored to ten-thousandths (ECON-4; S1:317, S1:321).
    /// - Throws: `.zeroRate`; `.overflow` from 2^64 ten-thousandths.
    package func power(of amount: Amount) throws(EconomyError) -> ComputePower {
        guard !stake.isZero else { throw .zeroRate }
        guard let scaled = amount.scaled(by: UInt128(power.tenThousandths), over: stake.units),
            let power = UInt64(exactly: scaled.units)
        else { throw .overflow }
        return ComputePower(tenThousandths: power)
    }

    /// The stake for a power, floored to base units: the other direction (ECON-7; S1:431).
    /// - Throws: `.zeroRate`; `.overflow` from 2^128 base units.
    package func stake(for other: ComputePower) throws(EconomyError) -> Amount {
        guard power > .zero else { throw .zeroRate }
        let numerator = UInt128(other.tenThousandths)
        guard let amount = stake.scaled(by: numerator, over: UInt128(power.tenThousandths))
        else { throw .overflow }
        return amount
    }
}

/// The time that attesters agree on (ECON-5).
package enum AttestedTime {
    /// The least time that more than half of the attesters saw as an upper bound. Of an even number,
    /// it is the later of the two in the middle: a tie gives no power away.
    /// - Throws: `.noAttestation`.
    /// - Complexity: O(n log n).
    package static func median(ofMilliseconds times: [UInt64]) throws(EconomyError) -> UInt64 {
        guard !times.isEmpty else { throw .noAttestation }
        return times.sorted()[times.count / 2]
    }
}
