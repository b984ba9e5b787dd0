import Foundation

/// Two results side by side (BENCH-30).
package struct Comparison: Sendable {
    package enum Verdict: String, Sendable {
        case better, same, worse
    }

    package struct Line: Hashable, Sendable {
        package let figure: Figure
        package let before: BenchResults.Spread
        package let after: BenchResults.Spread
        /// Part by which the median changed; above 0 is more.
        package let change: Double
        package let verdict: Verdict
    }

    /// Part by which a median must be worse before it is called so.
    package static let defaultThreshold = 0.1

    package let threshold: Double
    package let lines: [Line]

    package var regressions: [Line] { lines.filter { $0.verdict == .worse } }

    /// - Parameter threshold: 0 or more.
    /// - Throws: `.incomparable` when the two did not measure the same thing, or nothing valid.
    package init(
        _ before: BenchResults, _ after: BenchResults, threshold: Double = defaultThreshold
    ) throws(LoadError) {
        try Self.check(before, after)
        self.threshold = threshold
        lines = Figure.allCases.compactMap { figure in
            guard let old = before.summary[figure.rawValue],
                let new = after.summary[figure.rawValue]
            else { return nil }
            return Line(figure, old, new, threshold)
        }
    }

    private static func check(
        _ before: BenchResults, _ after: BenchResults
    ) throws(LoadError) {
        let facts: [(String, Bool)] = [
            ("the kind of target", before.target.kind == after.target.kind),
            ("the number of nodes", before.target.nodes.count == after.target.nodes.count),
            ("the number of shards", before.target.shards == after.target.shards),
            ("the load", before.load.mode == after.load.mode),
            ("the workload", before.workload == after.workload),
        ]
        if let other = facts.first(where: { !$0.1 }) {
            throw .incomparable("\(other.0) differs")
        }
        for (name, results) in [("first", before), ("second", after)] where results.summary.isEmpty
        {
            throw .incomparable("the \(name) one has no valid repetition")
        }
    }
}

extension Comparison.Line {
    /// BENCH-31: a change counts when the median moved by more than the threshold, and no repetition of
    /// one side reaches into the range of the other.
    init(
        _ figure: Figure, _ before: BenchResults.Spread, _ after: BenchResults.Spread,
        _ threshold: Double
    ) {
        self.figure = figure
        self.before = before
        self.after = after
        change =
            before.median == 0
            ? (after.median == 0 ? 0 : 1) : (after.median - before.median) / before.median
        let isMore = after.least > before.most
        let isLess = after.most < before.least
        let isWorse = figure.isBetterHigh ? isLess : isMore
        if abs(change) <= threshold || !(isMore || isLess) {
            verdict = .same
        } else {
            verdict = isWorse ? .worse : .better
        }
    }
}
