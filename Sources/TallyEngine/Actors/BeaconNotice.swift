package import TallyConsensus
package import TallyExecution
package import TallyPrimitives
package import TallySharding
package import TallyStore

/// What the beacon tells whoever watches the node.
package enum BeaconNotice: Sendable {
    case checkpointed(Height)
    /// Not written: the log keeps everything. Tried again if it was for want of space.
    case checkpointFailed(Height, StoreError)
    /// No new transactions are taken until there is space (STORE-17). Once a shortage.
    case spaceRanOut(SpaceShortage)
    /// What found no space is written, and transactions are taken again.
    case spaceIsBack
    /// The shard builds no blocks until it is looked at (RCPT-3).
    case quarantined(EndpointID, ExecutionError)
    /// A proposal that is not voted for.
    case refused(Height, digest: Hash32, BlockRefusal)
    /// A validator broke the rules, and here is the proof.
    case evidence(Evidence)
}

/// Why a proposed block is not valid here.
package enum BlockRefusal: Error, Equatable, Sendable {
    case undecodable(BlockDecodingError)
    case anchors(AnchorRejection)
    case block(EndpointID, BlockRejection)
    /// Further ahead of the clock than is allowed (IBFT-R15).
    case ahead(BeaconTime, now: BeaconTime)
    /// It cannot be executed here: the endpoint's own copy is damaged.
    case unexecutable(EndpointID, ExecutionError)
}
