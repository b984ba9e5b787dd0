package import TallyExecution
package import TallyPrimitives
package import TallyState

/// An endpoint's final state, and what undecided beacon blocks would make of it: overlays by
/// (parent, digest), of which a decision keeps one chain.
///
/// A block is built on the final head, or ahead of the decision on an undecided block that was
/// *extended*. It is checked on the final head alone. Only blocks of the two open heights are here,
/// and of these only those that somebody proposed and that were found valid.
package struct EndpointBranches: Sendable {
    private struct Overlay: Sendable {
        let parent: Hash32
        /// `nil` when the beacon block holds none of this endpoint.
        let candidate: Candidate?
        /// The state after the block, once it was extended.
        var state: ShardCore?
    }

    /// The final state.
    package private(set) var core: ShardCore
    /// Digest of the final head.
    private var head: Hash32
    /// By digest of the beacon block.
    private var overlays: [Hash32: Overlay] = [:]

    /// - Parameter head: digest of the beacon block that `core` is after.
    package init(_ core: ShardCore, head: Hash32) {
        self.core = core
        self.head = head
    }

    /// The state after a beacon block: the final one, or one that was extended.
    package func state(after digest: Hash32) -> ShardCore? {
        digest == head ? core : overlays[digest]?.state
    }

    /// What a kept beacon block holds of this endpoint.
    package func candidate(of digest: Hash32) -> Candidate? { overlays[digest]?.candidate }

    /// Keeps what a valid beacon block holds of this endpoint, or that it holds nothing.
    package mutating func keep(
        _ candidate: Candidate?, of digest: Hash32, on parent: Hash32
    ) {
        guard overlays[digest] == nil else { return }
        overlays[digest] = Overlay(parent: parent, candidate: candidate, state: nil)
    }

    /// Computes the state after a kept block on the final head, so that one can be built on it.
    /// - Parameter deliveries: what the block's others would send here.
    /// - Throws: `.invariant`, as `ShardCore.advance`.
    package mutating func extend(
        _ digest: Hash32, height: Height, deliveries: [Delivery]
    ) throws(ExecutionError) {
        guard let overlay = overlays[digest], overlay.state == nil else { return }
        precondition(overlay.parent == head, "only a block on the final head is extended")
        var state = core
        try state.advance(to: height, overlay.candidate, deliveries)
        overlays[digest]?.state = state
    }

    /// Passes a decided height: takes over the block that was decided and drops what lost.
    /// - Throws: `.invariant`, as `ShardCore.advance`; the endpoint is unusable then.
    package mutating func advance(
        to height: Height, deciding digest: Hash32, deliveries: [Delivery]
    ) throws(ExecutionError) {
        guard let decided = overlays[digest] else {
            preconditionFailure("a decided block is kept before")
        }
        // So that the final state is changed in place.
        overlays = overlays.filter { $0.value.parent == digest }
        if let state = decided.state {
            core = state
        } else {
            try core.advance(to: height, decided.candidate, deliveries)
        }
        head = digest
    }

    /// After the pages of `checkpointed` are durable: forgets what the store can give back.
    package mutating func flush(_ checkpointed: StateTree) {
        core.flush(checkpointed)
        for digest in overlays.keys { overlays[digest]?.state?.flush(checkpointed) }
    }
}
