package import TallyPrimitives

extension Ibft {
    /// What a machine is set to. Equal on all validators but for performance.
    package struct Configuration: Hashable, Sendable {
        package var chain: ChainIdentity
        /// Timer of round 0, T0 (IBFT-R10).
        package var firstTimeout: Duration
        /// Upper bound of all round timers.
        package var maximumTimeout: Duration
        /// A block is proposed at the latest after this silence (IBFT-R18).
        package var heartbeat: Duration
        /// Own votes of an open height are sent again after this (IBFT-R11).
        package var retransmission: Duration
        /// Whether the next block is proposed on top of one that is only committed to (IBFT-P1).
        package var isPipelined: Bool

        package init(
            chain: ChainIdentity, firstTimeout: Duration = .seconds(1),
            maximumTimeout: Duration = .seconds(16), heartbeat: Duration = .seconds(10),
            retransmission: Duration = .milliseconds(500), isPipelined: Bool = true
        ) {
            self.chain = chain
            self.firstTimeout = firstTimeout
            self.maximumTimeout = maximumTimeout
            self.heartbeat = heartbeat
            self.retransmission = retransmission
            self.isPipelined = isPipelined
        }

        /// T(r) = min(T0 · 2^r, Tmax) (IBFT-R10).
        package func timeout(_ round: Round) -> Duration {
            var timeout = firstTimeout
            var left = round.value
            while left > 0, timeout < maximumTimeout {
                timeout *= 2
                left -= 1
            }
            return min(timeout, maximumTimeout)
        }
    }

    /// The newest final block.
    package struct Head: Hashable, Sendable {
        package var height: Height
        package var digest: Hash32
        package var timestamp: BeaconTime

        package init(height: Height, digest: Hash32, timestamp: BeaconTime) {
            self.height = height
            self.digest = digest
            self.timestamp = timestamp
        }
    }

    /// What is known of earlier votes.
    package enum Memory: Hashable, Sendable {
        /// This validator never voted on this ledger, as far as its disk tells (IBFT-R9).
        case none
        /// The records of vote log and beacon log, in the order in which they were persisted. Those
        /// of final heights may be missing; with recent decisions among them, FINAL of another block
        /// of such a height is still a fork.
        case records([ConsensusRecord])
        /// The vote log is lost.
        case lost
    }

    /// Everything a machine begins with.
    package struct Start: Sendable {
        package var head: Head
        /// Those of the two heights above the head (IBFT-R13), and of recent ones.
        package var sets: ValidatorSets
        package var memory: Memory
        /// Random, of this start alone: what others are asked with, should votes turn out to be lost.
        package var nonce: Hash32

        package init(head: Head, sets: ValidatorSets, memory: Memory, nonce: Hash32) {
            self.head = head
            self.sets = sets
            self.memory = memory
            self.nonce = nonce
        }
    }
}
