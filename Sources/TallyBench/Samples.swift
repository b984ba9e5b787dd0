/// Figures of the same thing, measured several times.
package struct Samples: Hashable, Sendable {
    package let values: [Double]

    /// - Parameter values: at least one, all finite.
    package init(_ values: [Double]) {
        precondition(!values.isEmpty && values.allSatisfy(\.isFinite), "nothing was measured")
        self.values = values
    }

    /// The middle one; of an even number, the mean of the two in the middle.
    package var median: Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        guard sorted.count.isMultiple(of: 2) else { return sorted[middle] }
        return (sorted[middle - 1] + sorted[middle]) / 2
    }

    package var least: Double { values.reduce(values[0], min) }
    package var most: Double { values.reduce(values[0], max) }
}
