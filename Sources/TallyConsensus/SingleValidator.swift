package import TallyPrimitives

/// Agreement of one validator with itself: a block is final once it is durable. Every height takes
/// one round.
package struct SingleValidator: Finality {
    private enum Phase: Hashable, Sendable {
        case idle
        case building
        case persisting(digest: Hash32)
    }

    package private(set) var height: Height
    private var phase = Phase.idle
    /// Work arrived while a block was under way.
    private var hasMore = false

    /// - Parameter decided: the last height that is final.
    package init(decided: Height) { height = decided.next }

    package mutating func handle(_ input: FinalityInput) -> [FinalityEffect] {
        switch (phase, input) {
        case (.idle, .work): return build()
        case (.building, .work), (.persisting, .work):
            hasMore = true
            return []
        case (.building, .built(let digest)):
            phase = .persisting(digest: digest)
            return [.persist(height: height, round: .zero, digest: digest)]
        case (.building, .nothingToBuild):
            phase = .idle
            return continueIfNeeded()
        case (.persisting(let digest), .persisted(let durable)) where digest == durable:
            let decision = FinalityEffect.decide(height: height, round: .zero, digest: digest)
            height = height.next
            phase = .idle
            return [decision] + continueIfNeeded()
        case (.idle, .built), (.idle, .nothingToBuild), (.idle, .persisted),
            (.building, .persisted), (.persisting, .built), (.persisting, .nothingToBuild),
            (.persisting, .persisted):
            // An answer to a question that is no longer open.
            return []
        }
    }

    private mutating func build() -> [FinalityEffect] {
        phase = .building
        hasMore = false
        return [.build(height: height, round: .zero)]
    }

    private mutating func continueIfNeeded() -> [FinalityEffect] { hasMore ? build() : [] }
}
