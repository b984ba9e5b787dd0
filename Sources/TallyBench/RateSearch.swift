/// Looks for the highest rate that a ledger holds: doubles until one is not held, then halves the
/// interval (BENCH-10).
package struct RateSearch: Hashable, Sendable {
    /// Highest rate that was held; 0 before one was.
    package private(set) var held = 0.0
    /// Lowest rate that was not.
    package private(set) var refused: Double?
    /// The next rate to try; `nil` when the interval is narrow enough.
    package private(set) var next: Double?
    private let precision: Double
    private let ceiling: Double

    /// - Parameters:
    ///   - start: first rate, above 0.
    ///   - precision: narrow enough is this part of the rate that was held.
    ///   - ceiling: no higher rate is tried.
    package init(start: Double, precision: Double = 0.1, ceiling: Double) {
        precondition(start > 0 && precision > 0, "a search that does not begin")
        next = min(start, ceiling)
        self.precision = precision
        self.ceiling = ceiling
    }

    /// Takes note of what the `next` rate gave.
    package mutating func note(isHeld: Bool) {
        guard let rate = next else { return }
        if isHeld { held = max(held, rate) } else { refused = min(refused ?? rate, rate) }
        guard let refused else {
            next = held >= ceiling ? nil : min(ceiling, rate * 2)
            return
        }
        if held == 0 {
            next = refused > 1 ? refused / 2 : nil
        } else {
            next = refused - held <= held * precision ? nil : (held + refused) / 2
        }
    }
}
