package import TallyPrimitives

/// How nodes prove their power: in rounds of a standard task (ECON-26).
package struct RoundRule: Hashable, Sendable {
    package var task: ProofTask
    /// From one round of a node to its next.
    package var everyMilliseconds: UInt64
    /// From the seed of a round until its commitment must be in.
    package var commitMilliseconds: UInt64
    /// From the second seed until the opening must be in.
    package var revealMilliseconds: UInt64
    /// From the opening until attestations must be in.
    package var attestMilliseconds: UInt64
    /// Validators drawn to attest the time; more than half of them must.
    package var attesters: UInt16

    package init(
        task: ProofTask, everyMilliseconds: UInt64, commitMilliseconds: UInt64,
        revealMilliseconds: UInt64, attestMilliseconds: UInt64, attesters: UInt16
    ) {
        self.task = task
        self.everyMilliseconds = everyMilliseconds
        self.commitMilliseconds = commitMilliseconds
        self.revealMilliseconds = revealMilliseconds
        self.attestMilliseconds = attestMilliseconds
        self.attesters = attesters
    }

    /// Attestations without which a round has no time.
    package var quorum: Int { Int(attesters) / 2 + 1 }

    /// Most validators drawn: their answers lie in one object.
    package static let maximumAttesters: UInt16 = 64
}

/// How jobs are checked and settled (ECON-27).
package struct JobRule: Hashable, Sendable {
    /// What a bidder deposits, of its price.
    package var bondBps: UInt16
    /// From a delivery, or the last of its checks, until it counts as accepted.
    package var disputeMilliseconds: UInt64
    /// From a sample or dispute until arbiters must have voted.
    package var arbitrationMilliseconds: UInt64
    /// Deliveries that are executed again.
    package var sampleBps: UInt16
    /// Of the bond, what a wrong result costs.
    package var slashBps: UInt16
    /// Validators drawn to decide on a sample or dispute.
    package var arbiters: UInt16

    package init(
        bondBps: UInt16, disputeMilliseconds: UInt64, arbitrationMilliseconds: UInt64,
        sampleBps: UInt16, slashBps: UInt16, arbiters: UInt16
    ) {
        self.bondBps = bondBps
        self.disputeMilliseconds = disputeMilliseconds
        self.arbitrationMilliseconds = arbitrationMilliseconds
        self.sampleBps = sampleBps
        self.slashBps = slashBps
        self.arbiters = arbiters
    }
}

extension RoundRule: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            task.encode(to: &out)
            out.append(everyMilliseconds)
            out.append(commitMilliseconds)
            out.append(revealMilliseconds)
            out.append(attestMilliseconds)
            out.append(attesters)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            task: try ProofTask(from: &list), everyMilliseconds: try list.nextInteger(),
            commitMilliseconds: try list.nextInteger(),
            revealMilliseconds: try list.nextInteger(),
            attestMilliseconds: try list.nextInteger(), attesters: try list.nextInteger())
        try list.finish()
    }
}

extension JobRule: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(bondBps)
            out.append(disputeMilliseconds)
            out.append(arbitrationMilliseconds)
            out.append(sampleBps)
            out.append(slashBps)
            out.append(arbiters)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            bondBps: try list.nextInteger(), disputeMilliseconds: try list.nextInteger(),
            arbitrationMilliseconds: try list.nextInteger(), sampleBps: try list.nextInteger(),
            slashBps: try list.nextInteger(), arbiters: try list.nextInteger())
        try list.finish()
    }
}
