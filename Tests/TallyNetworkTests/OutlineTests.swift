import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyNetwork

/// NET-28, without sockets.
@Suite struct OutlineTests {
    private let key: PrivateKey
    private let transactions: [Transaction]
    private let block: BeaconBlock
    private let proposal: Proposal

    init() throws {
        key = try Fixtures.key("sender")
        let to = try Fixtures.key("receiver").address
        let sender = key
        transactions = try (0..<6 as Range<Nonce>).map { nonce in
            try Transaction(
                raw: Envelope(
                    chainID: 1337, nonce: nonce, weightLimit: 21_000, maxFee: Amount(2_000_000_000),
                    maxPriorityFee: Amount(1), to: to, value: Amount(1)
                ).signed(by: sender), verifiedSender: sender.address)
        }
        let fixture = try OutlineFixture(transactions)
        block = fixture.block
        proposal = fixture.proposal
    }

    private func known(_ indices: [Int]) -> KnownTransactions {
        let known = KnownTransactions()
        known.remember(indices.map { transactions[$0] })
        return known
    }

    private func outlined(_ named: Set<Int>) throws -> OutlinedProposal {
        try OutlinedProposal(
            wire: OutlinedProposal.wire(
                proposal,
                BlockOutline(block, isNamed: transactions.indices.map(named.contains))))
    }

    private var whole: [UInt8] { Message.proposal(proposal).wire }

    /// Whatever is named and whatever is known: the bytes are those of the PROPOSAL.
    @Test func bringsBackEveryByte() throws {
        for mask in 0..<64 {
            let named = Set((0..<6).filter { mask >> $0 & 1 == 1 })
            for knownMask in [0, 21, 42, 63] {
                let had = (0..<6).filter { knownMask >> $0 & 1 == 1 }
                let known = known(had)
                var assembly = OutlineAssembly(try outlined(named), known)
                let missing = named.subtracting(had).sorted()
                #expect(assembly.missing == missing)
                try assembly.fill(missing.map { SignedBytes(transactions[$0]) })
                #expect(try assembly.wire(NetworkLimits()) == whole)
            }
        }
    }

    @Test func namesWhatAWholeTransactionTakes() throws {
        let all = OutlinedProposal.wire(
            proposal, BlockOutline(block, isNamed: Array(repeating: true, count: 6)))
        #expect(whole.count - all.count > 6 * 90)
        let two = [transactions[0].hash, transactions[3].hash]
        #expect(try outlined([0, 3]).outline.named == two)
    }

    /// Two shards: positions count through the block.
    @Test func countsPositionsThroughTheBlock() throws {
        let outline = try outlined([1, 2, 5]).outline
        #expect(outline.parts.count == 2)
        #expect(outline.namedPositions == [1, 2, 5])
        #expect(outline.digest == block.header.hash)
    }

    @Test func takesOnlyWhatWasAskedFor() throws {
        func filled(_ indices: [Int]) throws -> PeerRefusal? {
            var assembly = OutlineAssembly(try outlined([0, 1, 2]), known([1]))
            do throws(PeerRefusal) {
                try assembly.fill(indices.map { SignedBytes(transactions[$0]) })
                return nil
            } catch { return error }
        }
        #expect(try filled([0, 2]) == nil)
        #expect(try filled([2, 0]) == .wrongBody(block.header.hash))
        #expect(try filled([0, 5]) == .wrongBody(block.header.hash))
        #expect(try filled([0]) == .wrongBody(block.header.hash))
        #expect(try filled([0, 1, 2]) == .wrongBody(block.header.hash))
    }

    @Test func refusesABodyThatIsTooLong() throws {
        let assembly = OutlineAssembly(try outlined([0, 1]), known([0, 1]))
        var limits = NetworkLimits()
        limits.bodyBytes = transactions[0].raw.count + transactions[1].raw.count
        #expect(throws: Never.self) { try assembly.wire(limits) }
        limits.bodyBytes -= 1
        #expect(throws: PeerRefusal.malformed(.outline, .tooLong(limit: limits.bodyBytes))) {
            try assembly.wire(limits)
        }
    }

    /// Each once; of those that wait, the newest two are kept.
    @Test func forgetsOldOutlinesWithoutBlame() throws {
        var open = OpenOutlines()
        let digests = try (1...4).map { index -> Hash32 in
            let fixture = try OutlineFixture(transactions, time: UInt64(index))
            let outline = BlockOutline(fixture.block, isNamed: Array(repeating: true, count: 6))
            let wire = OutlinedProposal.wire(fixture.proposal, outline)
            let assembly = OutlineAssembly(try OutlinedProposal(wire: wire), known([]))
            let isFirst = open.ask(for: assembly)
            let isSecond = open.ask(for: assembly)
            #expect(isFirst && !isSecond, "asked for once")
            return assembly.digest
        }
        let all = transactions.map(SignedBytes.init)
        let first = try open.answered(digests[0], all)
        #expect(first == nil, "gave way")
        let third = try open.answered(digests[2], all)
        #expect(third?.digest == digests[2])
        let fourth = try open.answered(digests[3], [])
        #expect(fourth == nil, "the block is gone")
        for digest in [digests[2], digests[3], .zero] {
            var copy = open
            #expect(throws: PeerRefusal.unaskedBody(digest)) {
                _ = try copy.answered(digest, all)
            }
        }
    }

    @Test func refusesWhatIsNoOutline() throws {
        let vote = Message.prepare(
            Prepare(
                PrepareStatement(height: Height(1), round: .zero, digest: .zero),
                sender: key.address, signature: Fixtures.signature)
        ).wire
        #expect(throws: RLPError.self) { _ = try OutlinedProposal(wire: vote) }
        #expect(throws: RLPError.self) { _ = try OutlinedProposal(wire: []) }
        #expect(throws: RLPError.self) { _ = try OutlinedProposal(wire: [0xc1, 0x01]) }
        let good = OutlinedProposal.wire(
            proposal, BlockOutline(block, isNamed: Array(repeating: true, count: 6)))
        for end in 0..<good.count {
            #expect(throws: RLPError.self) { _ = try OutlinedProposal(wire: Array(good[..<end])) }
        }
    }
}

/// A block of two shards, the first with two of the transactions, and its proposal. Only the form counts.
struct OutlineFixture {
    let block: BeaconBlock
    let proposal: Proposal

    init(_ transactions: [Transaction], height: Height = Height(1), time: UInt64 = 5) throws {
        let anchors = try [transactions.prefix(2), transactions.dropFirst(2)].enumerated().map {
            ShardBlock(
                header: try Self.header(UInt16($0.offset), height), transactions: Array($0.element))
        }
        let header = BeaconHeader(
            chain: Fixtures.chain.genesis, height: height, parent: .zero,
            time: BeaconTime(milliseconds: time), proposer: try Fixtures.key("sender").address,
            anchorsRoot: BeaconHeader.anchorsRoot(anchors.map(\.header)), validators: .zero,
            randomness: .zero)
        block = BeaconBlock(header: header, anchors: anchors)
        let statement = ProposalStatement(
            height: height, round: .zero, parent: .zero, digest: header.hash, justification: .zero)
        proposal = Proposal(
            Signed(statement, sender: header.proposer, signature: Fixtures.signature),
            justification: nil, block: block.proposed)
    }

    private static func header(_ shard: UInt16, _ height: Height) throws -> ShardHeader {
        try ShardHeader(
            encoded: RLPEncoder.list { out in
                out.append(Hash32.zero)
                out.append(UInt16(2))
                out.append(shard)
                out.append(height)
                out.append(Hash32.zero)
                out.append(Hash32.zero)
                out.append(UInt64(4))
                out.append(Address.zero)
                out.append(Amount(7))
                out.append(Hash32.zero)
                out.append(Amount(8))
                out.append(Hash32.zero)
                out.append(Hash32.zero)
                out.list { _ in }
                out.list { _ in }
                out.append(Amount.zero)
                out.append(Amount.zero)
                out.append(UInt64(42_000))
            })
    }
}
