import TallyPrimitives

/// A scenario with a name: the seed decides less, and a figure is measured (SIM-40 to SIM-42).
package enum Script: String, Hashable, Sendable, CaseIterable {
    /// Nothing goes wrong, and there is always work: how many message delays a block takes.
    case undisturbed
    /// Two halves for a minute: how many round timeouts until the next block.
    case partition
    /// Two of four break the rules, and the checkers do not know: must fail.
    case control

    /// How many validators it may have.
    var validators: ClosedRange<Int> {
        switch self {
        case .undisturbed: 4...SimulationOptions.mostValidators
        case .partition: 2...SimulationOptions.mostValidators
        case .control: 4...4
        }
    }
}

/// What of a scenario is given; the seed decides the rest.
package struct SimulationOptions: Hashable, Sendable {
    /// 1 ... 31.
    package var validators: Int?
    /// 1 ... 16.
    package var shards: Int?
    /// Heights that every run reaches at least, from 1.
    package var heights: Int?
    /// Each of these happens in every run. `nil`: any may, as the seed has it.
    package var faults: Set<FaultClass>?
    /// Goes without `faults`.
    package var script: Script?
    /// Whether the network has an economy; `nil` as the seed has it (SIM-45).
    package var economy: Bool?

    package init(
        validators: Int? = nil, shards: Int? = nil, heights: Int? = nil,
        faults: Set<FaultClass>? = nil, script: Script? = nil, economy: Bool? = nil
    ) {
        self.validators = validators
        self.shards = shards
        self.heights = heights
        self.faults = faults
        self.script = script
        self.economy = economy
    }

    package static let mostValidators = 31

    /// How many validators the scenario, or all the named faults, can do with.
    package var validatorRange: ClosedRange<Int> {
        let least = (faults ?? []).map(\.leastValidators).max() ?? 1
        return script?.validators ?? least...Self.mostValidators
    }

    /// Whether a class has to happen.
    func demands(_ faults: FaultClass) -> Bool { self.faults?.contains(faults) ?? false }

    /// The command that runs one seed with these options.
    package func command(seed: UInt64) -> String {
        var words = ["tally", "simulate", "--seed", "\(seed)"]
        if let validators { words += ["--validators", "\(validators)"] }
        if let shards { words += ["--shards", "\(shards)"] }
        if let heights { words += ["--heights", "\(heights)"] }
        if let script { words += ["--scenario", script.rawValue] }
        if let economy { words.append(economy ? "--economy" : "--no-economy") }
        if let faults {
            let names = FaultClass.allCases.filter(faults.contains).map(\.rawValue)
            words += ["--faults", names.isEmpty ? "none" : names.joined(separator: ",")]
        }
        return words.joined(separator: " ")
    }
}

extension FaultClass {
    /// The fewest validators among whom it can happen.
    package var leastValidators: Int {
        switch self {
        case .process, .storage, .clock: 1
        case .network, .sets: 2
        case .byzantine, .excess: 4
        }
    }
}

/// A share in a hundred.
struct Percent: Hashable, Sendable {
    var value: UInt64

    init(_ value: UInt64) { self.value = value }

    static let none = Percent(0)

    func happens(_ random: inout SeededGenerator) -> Bool {
        value > 0 && random.next() % 100 < value
    }
}

extension SeededGenerator {
    mutating func pick(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + next() % (range.upperBound - range.lowerBound + 1)
    }

    mutating func pick(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[pick(elements.count)] }

    mutating func shuffle<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for i in elements.indices.dropFirst().reversed() { elements.swapAt(i, pick(i + 1)) }
        return elements
    }
}
