import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyPrimitives
import TallySharding

/// A PROPOSAL with the outline of its block in place of the body (NET-28).
struct OutlinedProposal: Sendable {
    /// The items before the body, as they are encoded.
    private let front: [UInt8]
    let outline: BlockOutline

    /// The bytes that are sent.
    static func wire(_ proposal: Proposal, _ outline: BlockOutline) -> [UInt8] {
        let block = ProposedBlock(
            height: proposal.height, parent: proposal.block.parent, digest: proposal.block.digest,
            timestamp: proposal.block.timestamp, body: outline.encoded)
        return Message.proposal(
            Proposal(proposal.signed, justification: proposal.justification, block: block)
        ).wire
    }

    /// Reads the outline; all else is left to whoever authenticates the whole PROPOSAL.
    init(wire bytes: [UInt8]) throws(RLPError) {
        (front, outline) = try RLPDecoder.list(bytes) { (list) throws(RLPError) in
            var ahead = list
            let kind: MessageKind = try ahead.nextCase()
            guard kind == .proposal else { throw .unknownValue(UInt64(kind.rawValue)) }
            var front: [UInt8] = []
            while true {
                var rest = list
                let item = try rest.nextEncoded()
                if rest.isAtEnd { break }
                front += item
                list = rest
            }
            return (front, try BlockOutline(encoded: Array(try list.nextString())))
        }
    }

    /// The PROPOSAL with its body.
    fileprivate func wire(_ named: [SignedBytes]) -> [UInt8] {
        let body = outline.body(named)
        return RLPEncoder.list(capacity: front.count + body.count + 8) { out in
            out.append(encoded: front)
            out.append(body)
        }
    }
}

/// An outlined proposal on its way to be whole.
struct OutlineAssembly: Sendable {
    private let proposal: OutlinedProposal
    private let named: [Hash32]
    private var found: [SignedBytes?]

    init(_ proposal: OutlinedProposal, _ known: KnownTransactions) {
        self.proposal = proposal
        named = proposal.outline.named
        found = known.transactions(named).map { $0.map(SignedBytes.init) }
    }

    var digest: Hash32 { proposal.outline.digest }

    /// Positions in the block of what is neither here nor in the outline, ascending.
    var missing: [Int] {
        zip(proposal.outline.namedPositions, found).compactMap { $1 == nil ? $0 : nil }
    }

    /// Takes what was missing, in order.
    /// - Throws: `.wrongBody` unless these are the transactions that are named.
    mutating func fill(_ transactions: [SignedBytes]) throws(PeerRefusal) {
        let gaps = found.indices.filter { found[$0] == nil }
        guard gaps.count == transactions.count else { throw .wrongBody(digest) }
        for (gap, transaction) in zip(gaps, transactions) {
            guard Keccak256.hash(transaction.raw) == named[gap] else { throw .wrongBody(digest) }
            found[gap] = transaction
        }
    }

    /// The whole PROPOSAL.
    /// - Throws: `.malformed` when its body would be longer than bodies are.
    func wire(_ limits: NetworkLimits) throws(PeerRefusal) -> [UInt8] {
        let transactions = found.compactMap(\.self)
        precondition(transactions.count == named.count, "something is missing")
        let size = transactions.reduce(0) { $0 + $1.raw.count }
        guard size <= limits.bodyBytes else {
            throw .malformed(.outline, .tooLong(limit: limits.bodyBytes))
        }
        return proposal.wire(transactions)
    }
}

/// Outlines of one peer whose transactions were asked for.
///
/// What is asked for is answered once. An outline whose answer is late gives way to newer ones, and the
/// answer is no offence; the agreement brings the proposal again (IBFT-R11).
struct OpenOutlines: Sendable {
    /// Outlines that are kept, and requests that are remembered.
    static let kept = 2
    static let remembered = 16

    private var requests: [(digest: Hash32, assembly: OutlineAssembly?)] = []

    /// - Returns: whether to ask; not for what was asked for and is not answered yet.
    mutating func ask(for assembly: OutlineAssembly) -> Bool {
        guard !requests.contains(where: { $0.digest == assembly.digest }) else { return false }
        requests.append((assembly.digest, assembly))
        if requests.count > Self.kept { requests[requests.count - Self.kept - 1].assembly = nil }
        if requests.count > Self.remembered { requests.removeFirst() }
        return true
    }

    /// - Returns: what the answer completes, if it is still wanted.
    /// - Throws: `.unaskedBody`; `.wrongBody` for an answer that is not what was asked for.
    mutating func answered(
        _ digest: Hash32, _ transactions: [SignedBytes]
    ) throws(PeerRefusal) -> OutlineAssembly? {
        guard let index = requests.firstIndex(where: { $0.digest == digest }) else {
            throw .unaskedBody(digest)
        }
        guard var assembly = requests.remove(at: index).assembly, !transactions.isEmpty else {
            return nil
        }
        try assembly.fill(transactions)
        return assembly
    }
}
