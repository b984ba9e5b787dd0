import TallyPrimitives

/// Which heights others say are final, and what came of asking for them (IBFT-R14).
///
/// A hint proves nothing. So each member has room for one, all others together for one more, and the
/// highest is forgotten when as many requests in a row as there are members brought no FINAL. Whoever
/// makes up heights causes a request an interval at most, and polling ends with the hint.
struct Hints: Sendable {
    /// Above the head, by member; under `nil` that of who is none.
    private var heights: [Address?: Height] = [:]
    /// The highest of them.
    private(set) var target: Height?

    /// The last height of the request under way.
    private var requested: Height?
    /// How many retransmissions until it has had its time.
    private var patience = 0
    private var isFruitful = false
    /// Requests in a row that brought nothing.
    private var fruitless = 0

    /// Whether a request is under way: until it has had its time, newer hints only raise the target.
    var isOpen: Bool { requested != nil }

    var count: Int { heights.count }

    mutating func add(_ height: Height, from peer: Address?) {
        heights[peer] = max(heights[peer] ?? height, height)
        target = max(target ?? height, height)
    }

    /// A request goes out.
    /// - Parameter isInstant: between two retransmissions, of which the next one comes too early.
    mutating func open(through last: Height, isInstant: Bool) {
        requested = last
        patience = isInstant ? 2 : 1
        isFruitful = false
    }

    /// A FINAL led to a decision.
    mutating func bringFinal() { isFruitful = true }

    /// It is time for retransmissions.
    /// - Parameter limit: requests in a row, from 1, after which nobody has what they ask for.
    mutating func tick(limit: Int) {
        guard requested != nil else { return }
        patience -= 1
        guard patience == 0 else { return }
        requested = nil
        fruitless = isFruitful ? 0 : fruitless + 1
        guard fruitless >= limit else { return }
        fruitless = 0
        heights = heights.filter { $0.value != target }
        target = heights.values.max()
    }

    /// The head moved: what it reached is no hint any more, nor has who left the set room of its own.
    mutating func pass(_ head: Height, _ set: ValidatorSet) {
        if let last = requested, last <= head { requested = nil }
        // A timer of the new height begins now.
        patience = min(patience, 1)
        guard target != nil else { return }
        heights = heights.filter { peer, height in
            height > head && peer.map { set.contains($0) } ?? true
        }
        target = heights.values.max()
        if target == nil { fruitless = 0 }
    }
}
