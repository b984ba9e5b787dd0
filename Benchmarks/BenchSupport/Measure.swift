import TallyBench

/// What a measure should reach.
package struct Goal: Hashable, Sendable {
    /// The figure that is compared with the goal.
    package enum Judged: String, Sendable {
        case value
        /// Value divided by bound.
        case ratio
    }

    package enum Direction: String, Sendable {
        case atLeast
        case atMost
    }

    package let judged: Judged
    package let direction: Direction
    package let number: Double
    /// A farther goal, if there is one; reported, not judged.
    package let design: Double?

    package init(_ judged: Judged, _ direction: Direction, _ number: Double, design: Double? = nil)
    {
        self.judged = judged
        self.direction = direction
        self.number = number
        self.design = design
    }

    package func isMet(by figure: Double) -> Bool {
        switch direction {
        case .atLeast: figure >= number
        case .atMost: figure <= number
        }
    }
}

/// One repetition: a figure and its bound, measured one after the other.
package struct Pair: Hashable, Sendable {
    package let value: Double
    package let bound: Double

    package init(_ value: Double, bound: Double) {
        self.value = value
        self.bound = bound
    }
}

/// What a measured figure was: never more than was measured.
package struct Outcome: Hashable, Sendable {
    package let value: Double
    package let bound: Double
    /// Median of the repetitions' ratios, which need not be the ratio of the medians.
    package let ratio: Double
    /// Of the judged figure.
    package let least: Double
    package let most: Double
    package let repetitions: Int
}

/// One line of the table: measured, or failed with a reason.
package struct Measure: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case measured(Outcome)
        case failed(String)
        /// What it would be compared with is not on this machine, and why.
        case absent(String)
    }

    package let id: String
    package let name: String
    /// Of value and bound.
    package let unit: String
    package let boundName: String
    package let goal: Goal
    package let state: State
    /// Further figures, by name with unit, in order.
    package let details: [Detail]

    package struct Detail: Hashable, Sendable {
        package let name: String
        package let value: Double

        package init(_ name: String, _ value: Double) {
            self.name = name
            self.value = value
        }
    }

    init(
        id: String, name: String, unit: String, boundName: String, goal: Goal, state: State,
        details: [Detail]
    ) {
        self.id = id
        self.name = name
        self.unit = unit
        self.boundName = boundName
        self.goal = goal
        self.state = state
        self.details = details
    }

    /// - Parameter pairs: at least one, all finite, no bound zero.
    package init(
        _ kind: MeasureKind, _ pairs: [Pair], details: [Detail] = []
    ) {
        let ratios = Samples(pairs.map { $0.value / $0.bound })
        let values = Samples(pairs.map(\.value))
        let judged = kind.goal.judged == .value ? values : ratios
        self.init(
            id: kind.id, name: kind.name, unit: kind.unit, boundName: kind.boundName,
            goal: kind.goal,
            state: .measured(
                Outcome(
                    value: values.median, bound: Samples(pairs.map(\.bound)).median,
                    ratio: ratios.median, least: judged.least, most: judged.most,
                    repetitions: pairs.count)), details: details)
    }

    package init(_ kind: MeasureKind, failure: String) { self.init(kind, state: .failed(failure)) }

    package init(_ kind: MeasureKind, absence: String) { self.init(kind, state: .absent(absence)) }

    private init(_ kind: MeasureKind, state: State) {
        self.init(
            id: kind.id, name: kind.name, unit: kind.unit, boundName: kind.boundName,
            goal: kind.goal, state: state, details: [])
    }

    package var isMet: Bool {
        guard case .measured(let outcome) = state else { return false }
        return goal.isMet(by: goal.judged == .value ? outcome.value : outcome.ratio)
    }

    package var hasFailed: Bool {
        if case .failed = state { true } else { false }
    }
}

/// What a measure is, before it is measured.
package struct MeasureKind: Hashable, Sendable {
    package let id: String
    package let name: String
    package let unit: String
    package let boundName: String
    package let goal: Goal

    package init(id: String, name: String, unit: String, boundName: String, goal: Goal) {
        self.id = id
        self.name = name
        self.unit = unit
        self.boundName = boundName
        self.goal = goal
    }
}
