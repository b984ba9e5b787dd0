import TallyPrimitives

/// What of a scenario is given; the seed decides the rest.
package struct SimulationOptions: Hashable, Sendable {
    /// 1 ... 31.
    package var validators: Int?
    /// 1 ... 16.
    package var shards: Int?
    /// Heights that every run reaches at least, from 1.
    package var heights: Int?
    package var faults: Set<FaultClass>

    package init(
        validators: Int? = nil, shards: Int? = nil, heights: Int? = nil,
        faults: Set<FaultClass> = Set(FaultClass.allCases)
    ) {
        self.validators = validators
        self.shards = shards
        self.heights = heights
        self.faults = faults
    }

    /// The command that runs one seed with these options.
    package func command(seed: UInt64) -> String {
        var words = ["tally", "simulate", "--seed", "\(seed)"]
        if let validators { words += ["--validators", "\(validators)"] }
        if let shards { words += ["--shards", "\(shards)"] }
        if let heights { words += ["--heights", "\(heights)"] }
        if faults != Set(FaultClass.allCases) {
            let names = FaultClass.allCases.filter(faults.contains).map(\.rawValue)
            words += ["--faults", names.isEmpty ? "none" : names.joined(separator: ",")]
        }
        return words.joined(separator: " ")
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
