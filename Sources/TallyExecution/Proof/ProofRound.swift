package import TallyPrimitives
package import TallyState

/// The rounds of one node: the one at hand, and how the one before it ended (ROUND-1). It lies on the
/// node's shard and holds no money.
package struct ProofRound: Hashable, Sendable {
    package let node: Address
    /// Of the round at hand, or of the last while none is.
    package var number: UInt64
    package var state: RoundState
    /// Number of the due entry that takes the next step: there is one at any time.
    package var entry: UInt64
    /// How the round before ended; `nil` at first.
    package var last: RoundOutcome?

    package static func objectKey(of node: Address) -> ObjectKey {
        ObjectKey(.round, key: node.bytes)
    }

    /// What the node answers in this round.
    package func challenge(_ opening: RoundOpening, task: ProofTask) -> ProofChallenge {
        ProofChallenge(task: task, seed: opening.seed, node: node, round: number)
    }
}

/// Life cycle of a round (ROUND-3). Attested, void and missed are ends: they lead to `idle`.
package enum RoundState: Hashable, Sendable {
    /// No round is at hand; the next begins then.
    case idle(next: BeaconTime)
    /// The node is bound, and the seed of the challenge not known yet.
    case bound(drawFrom: UInt64)
    /// The challenge is known.
    case open(RoundOpening)
    /// The node's answer is fixed. What of it is drawn is not known yet.
    case committed(RoundOpening, RoundCommitment)
    /// What is to be opened is known, and who attests the time.
    case drawn(RoundOpening, RoundCommitment, RoundDraw)
    /// The answer was opened and is right. The time is attested until the deadline.
    case revealed(RoundOpening, RoundCommitment, RoundDraw, deadline: BeaconTime)

    /// Of the challenge of this round.
    package var opening: RoundOpening? {
        switch self {
        case .idle, .bound: nil
        case .open(let opening), .committed(let opening, _), .drawn(let opening, _, _),
            .revealed(let opening, _, _, _):
            opening
        }
    }
}

/// The challenge of a round.
package struct RoundOpening: Hashable, Sendable {
    package let seed: Hash32
    package let at: BeaconTime
    /// Before it the commitment must be in.
    package let deadline: BeaconTime
}

/// What a node bound itself to.
package struct RoundCommitment: Hashable, Sendable {
    package let root: Hash32
    package let at: BeaconTime
    /// Number of the first seed that may draw (SEED-5).
    package let drawFrom: UInt64
}

/// What the second seed drew.
package struct RoundDraw: Hashable, Sendable {
    package let seed: Hash32
    /// Before it the opening must be in.
    package let deadline: BeaconTime
    /// Ascending by address.
    package var attesters: [RoundAttester]

    /// Attestations without which the round has no time: more than half of the drawn.
    package var quorum: Int { attesters.count / 2 + 1 }

    /// What was attested, in the order of the attesters.
    package var times: [UInt64] { attesters.compactMap(\.milliseconds) }
}

/// A validator that was drawn to attest the time of a round.
package struct RoundAttester: Hashable, Sendable {
    package let address: Address
    /// What it attested; never 0.
    package var milliseconds: UInt64?
}

/// How a round ended.
package enum RoundOutcome: Hashable, Sendable {
    case attested(milliseconds: UInt64, ComputePower)
    /// Answered, but too few attested the time.
    case void
    case missed
}
