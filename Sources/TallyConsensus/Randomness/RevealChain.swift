internal import TallyCrypto
package import TallyPrimitives

/// A validator's hash chain: it announces the end in a header (SEED-1) and reveals one preimage in
/// each fresh block it builds (IBFT-R19).
package struct RevealChain: Hashable, Sendable {
    /// What is committed to: the step that was revealed last, at first the end of the chain.
    package private(set) var commitment: Hash32

    package init(commitment: Hash32) { self.commitment = commitment }

    /// One step towards the end of the chain.
    package static func step(_ value: Hash32) -> Hash32 {
        SHA256.hash(.randomnessReveal) { $0.update(value) }
    }

    /// The value `steps` steps after `secret`: with all of them, the commitment.
    /// - Complexity: O(steps)
    package static func value(secret: Hash32, steps: Int) -> Hash32 {
        var value = secret
        for _ in 0..<steps { value = step(value) }
        return value
    }

    /// Takes the next reveal.
    /// - Returns: `false`, and nothing changes, unless it is the preimage of the commitment.
    package mutating func reveal(_ value: Hash32) -> Bool {
        guard Self.step(value) == commitment else { return false }
        commitment = value
        return true
    }
}

/// The beacon's randomness. The last revealer sees the next value first, and can withhold its block:
/// it chooses between two values, at the price of a block.
package struct RandomnessMix: Hashable, Sendable {
    package private(set) var value: Hash32

    package init(_ value: Hash32) { self.value = value }

    /// mix' = H(mix ‖ reveal), of fresh blocks only: one that is proposed again brings the reveal of
    /// its first builder (IBFT-R19).
    package mutating func absorb(_ reveal: Hash32) {
        let old = value
        value = SHA256.hash(.randomnessMix) {
            $0.update(old)
            $0.update(reveal)
        }
    }
}

/// Waits until more than F power of distinct builders revealed since an object was bound, so that
/// nobody knew the draw when it was (IBFT-R19). With one validator that one knows.
package struct PendingDraw: Hashable, Sendable {
    /// Ascending.
    package private(set) var builders: [Address] = []

    package init() {}

    /// A block with a reveal became final.
    package mutating func revealed(by builder: Address) {
        let place = builders.firstIndex { $0 >= builder } ?? builders.endIndex
        if place < builders.endIndex, builders[place] == builder { return }
        builders.insert(builder, at: place)
    }

    /// Whether one of the builders is honest.
    /// - Parameter set: that of the newest reveal.
    package func isReady(_ set: ValidatorSet) -> Bool { set.power(of: builders) > set.faulty }
}
