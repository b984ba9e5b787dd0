import Foundation
package import TallyPrimitives

/// Draws indices so that the k-th is drawn in proportion to 1 ÷ k^s: some accounts are busy, most are
/// not.
package struct ZipfSampler: Sendable {
    /// Cumulative weights; empty for uniform draws.
    private let cumulative: [Double]
    private let count: Int

    /// - Parameters:
    ///   - count: above 0.
    ///   - exponent: 0 is uniform.
    package init(count: Int, exponent: Double) {
        precondition(count > 0 && exponent >= 0 && exponent.isFinite, "nothing to draw")
        self.count = count
        guard exponent > 0 else {
            cumulative = []
            return
        }
        var sum = 0.0
        cumulative = (1...count).map { rank in
            sum += pow(Double(rank), -exponent)
            return sum
        }
    }

    /// - Complexity: O(log count); O(1) when uniform.
    package func draw(_ random: inout SeededGenerator) -> Int {
        guard let total = cumulative.last else { return Int.random(in: 0..<count, using: &random) }
        let wanted = Double.random(in: 0..<total, using: &random)
        var (low, high) = (0, count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > wanted { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
