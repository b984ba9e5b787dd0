package import TallyPrimitives

/// What happens to the agreement on one height.
package enum FinalityInput: Hashable, Sendable {
    /// There is something to propose, or the heartbeat is due (R18).
    case work
    /// The proposal that was asked for is built and checked.
    case built(digest: Hash32)
    /// There was nothing to propose after all.
    case nothingToBuild
    /// The block is durable, as asked (R9).
    case persisted(digest: Hash32)
}

/// What the agreement asks its surroundings to do, in order.
package enum FinalityEffect: Hashable, Sendable {
    /// Build a proposal for this height and round, and answer `built` or `nothingToBuild`.
    case build(height: Height, round: Round)
    /// Make the block durable and answer `persisted`; nothing of it may be seen before.
    case persist(height: Height, round: Round, digest: Hash32)
    /// The block is final: apply and publish it.
    case decide(height: Height, round: Round, digest: Hash32)
}

/// Agreement among validators on one block a height, without clock, disk or network: the place
/// where IBFT goes.
package protocol Finality: Sendable {
    /// The height that is open.
    var height: Height { get }
    mutating func handle(_ input: FinalityInput) -> [FinalityEffect]
}
