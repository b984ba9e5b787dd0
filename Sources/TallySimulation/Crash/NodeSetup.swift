package import TallyConsensus
package import TallyExecution
package import TallyJournal
package import TallyPrimitives
package import TallySharding
package import TallyState

/// What a simulated node is started with, each time.
package struct NodeSetup: Sendable {
    package var genesis: Genesis
    package var proposer: Address
    package var checkpoints: CheckpointPolicy
    package var limits: JournalLimits
    package var salt = JournalSalt(high: 0x5461_6c6c_7953_616c, low: 1)
    /// Decides when the parts of a checkpoint are written, between the effects of later heights.
    package var paceSeed: UInt64 = 1

    package init(
        genesis: Genesis, proposer: Address, checkpoints: CheckpointPolicy, limits: JournalLimits
    ) {
        self.genesis = genesis
        self.proposer = proposer
        self.checkpoints = checkpoints
        self.limits = limits
    }
}

/// Why a node stopped, or did not start.
package enum SimulatedNodeFailure: Error, Equatable, Sendable {
    case crashed
    case storage(JournalStorageError)
    case log(JournalError)
    case refused(JournalRefusal)
    case logRecord(Height, BlockDecodingError)
    case logs(LogRecoveryError)
    case restore(RestoreError)
    case state(StateError)
    case execution(EndpointID, ExecutionError)
    case anchor(AnchorRejection)
    /// A row of a page store is missing or does not decode.
    case corruptRow(EndpointID)
}

/// What a node does when there is no space for an effect on its log.
package enum FullDiskAnswer: Hashable, Sendable {
    /// As it should: nothing else until there is (STORE-17).
    case waits
    /// As if it had been done.
    case goesOn
}

/// One thing that a node does, in the order that `Durability` asks for.
package enum NodeStep: Hashable, Sendable {
    case journal(JournalEffect)
    /// The record is durable: the block is final.
    case decided(Height, digest: Hash32, PersistToken)
    /// Take the block over into the state in memory.
    case apply
    /// Let readers see it.
    case publish(Height)
    /// Note the state of every endpoint, to be written meanwhile.
    case takeCheckpoint(Height)
    /// Commit an endpoint's part of the checkpoint under way. No height asks for it: parts are
    /// written between the steps.
    case write(EndpointID)
}
