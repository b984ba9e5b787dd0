package import TallyConsensus
import TallyCrypto
import TallyExecution
package import TallyPrimitives
import TallyState
package import TallyTransactions

/// The header that finality is about. Its hash is the digest that validators sign: no round, no
/// seal is in it.
package struct BeaconHeader: Hashable, Sendable {
    package var chain: Hash32
    package var height: Height
    package var parent: Hash32
    package var time: BeaconTime
    package var proposer: Address
    /// Range root over the hashes of the anchored headers, by endpoint.
    package var anchorsRoot: Hash32
    /// Hash of Set(height + 2), which this block fixes (IBFT-R13).
    package var validators: Hash32
    /// The next preimage of the proposer's chain, or zeros (SEED-2).
    package var reveal: Hash32
    /// The end of the chain that the proposer goes on with, or zeros (SEED-1).
    package var announced: Hash32
    /// Hash of the randomness after this block (SEED-3).
    package var randomness: Hash32
    /// Set(height + 2), if it is another than Set(height + 1) (IBFT-R13).
    package var newValidators: ValidatorSet?

    package init(
        chain: Hash32, height: Height, parent: Hash32, time: BeaconTime, proposer: Address,
        anchorsRoot: Hash32, validators: Hash32, contribution: RevealContribution = .none,
        randomness: Hash32, newValidators: ValidatorSet? = nil
    ) {
        self.chain = chain
        self.height = height
        self.parent = parent
        self.time = time
        self.proposer = proposer
        self.anchorsRoot = anchorsRoot
        self.validators = validators
        reveal = contribution.reveal
        announced = contribution.announced
        self.randomness = randomness
        self.newValidators = newValidators
    }

    /// What it gives to the randomness.
    package var contribution: RevealContribution {
        RevealContribution(reveal: reveal, announced: announced)
    }

    package var hash: Hash32 { SHA256.hash(.beaconHeader, encoded) }

    package static func anchorsRoot(_ headers: some Sequence<ShardHeader>) -> Hash32 {
        var range = MerkleRange.empty
        for header in headers { range.append(header.hash) }
        return range.root
    }
}

/// A shard block: its header and what was signed. Inbox and due entries are functions of the state.
package struct ShardBlock: Sendable {
    package let header: ShardHeader
    package let transactions: [Transaction]

    package init(header: ShardHeader, transactions: [Transaction]) {
        self.header = header
        self.transactions = transactions
    }
}

/// A beacon block with the bodies of the shard blocks it anchors, in order of endpoints.
package struct BeaconBlock: Sendable {
    package let header: BeaconHeader
    package let anchors: [ShardBlock]

    package init(header: BeaconHeader, anchors: [ShardBlock]) {
        self.header = header
        self.anchors = anchors
    }

    package var transactionCount: Int { anchors.reduce(0) { $0 + $1.transactions.count } }
    package var transactionHashes: [Hash32] { anchors.flatMap { $0.transactions.map(\.hash) } }
}

extension BeaconHeader: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(chain)
            out.append(height)
            out.append(parent)
            out.append(time)
            out.append(proposer)
            out.append(anchorsRoot)
            out.append(validators)
            out.append(reveal)
            out.append(announced)
            out.append(randomness)
            out.list { out in newValidators?.encode(to: &out) }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            chain: try list.nextFixed(), height: try list.nextHeight(),
            parent: try list.nextFixed(), time: try list.nextTime(),
            proposer: try list.nextFixed(), anchorsRoot: try list.nextFixed(),
            validators: try list.nextFixed(),
            contribution: RevealContribution(
                reveal: try list.nextFixed(), announced: try list.nextFixed()),
            randomness: try list.nextFixed())
        var optional = try list.nextList()
        if !optional.isAtEnd { newValidators = try ValidatorSet(from: &optional) }
        try optional.finish()
        try list.finish()
    }
}
