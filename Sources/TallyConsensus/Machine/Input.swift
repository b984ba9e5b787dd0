package import TallyPrimitives

extension Ibft {
    /// What happens to the machine. Every input is safe at any time: what is out of date is ignored.
    package enum Input: Hashable, Sendable {
        /// First input, once: answers with what is sent again after a restart.
        case start
        /// A message of somebody, checked by ``Authenticator``.
        case message(Authenticated)
        /// A timer that was scheduled went off.
        case timer(Timer)
        /// There is work that no block under way holds (IBFT-R18). Said when it arises, and again
        /// after a decision if any is left.
        case work
        /// The block that was asked for. It is valid, and of the height and parent asked for.
        case built(ProposedBlock)
        /// There is no work for the block that was asked for; not an answer where it is mandatory.
        case nothingToBuild(Height)
        /// The verdict on a block, to a ``ValidationRequest``.
        case validated(ValidationRequest, Verdict)
        /// Everything asked to be persisted up to here is durable (IBFT-R9).
        case persisted(PersistToken)
        /// A block that was requested by its digest, made by a ``BlockReader``.
        case body(ProposedBlock)
        /// A decided block was executed, which fixes Set(height + 2) (IBFT-R13).
        case applied(Height, setAfterNext: ValidatorSet)
        /// A peer says that this height is final at its end: a hint, not a proof. Hints that come
        /// without a name share their room.
        case peerHead(Height, from: Address? = nil)
    }

    package enum Verdict: Hashable, Sendable {
        case valid
        case invalid
    }

    /// Timers are named by what they are for: one that is out of date does nothing (IBFT-R10).
    package enum Timer: Hashable, Sendable {
        /// The round takes too long.
        case round(Height, Round)
        /// Nothing was proposed since the last block.
        case heartbeat(Height)
        /// Own votes of the height may have been lost.
        case retransmission(Height)
        /// Nobody answered where the heads are.
        case headQuery
    }
}
