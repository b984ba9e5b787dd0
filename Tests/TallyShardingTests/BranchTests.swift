import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTransactions
import Testing

/// SHARD-8: overlays by parent and digest.
@Suite struct BranchTests {
    private let accounts = TestAccount.all(shards: 2)

    /// One endpoint's candidates of a height with `count` transfers by the first account.
    private func candidate(
        _ state: ShardCore, _ view: AnchoredView, _ ledger: TestLedger, nonces: Range<UInt64>
    ) throws -> Candidate? {
        let transactions = try nonces.map { nonce in
            try ledger.factory.signed(
                .single(to: accounts[2].address, value: Amount(3)), by: accounts[0].key,
                nonce: nonce)
        }
        var source = OfferedTransactions(0, transactions)
        return try state.build(
            view, beneficiary: TestLedger.proposer, from: &source, pages: MemoryPages())
    }

    /// A block is built on another before that is decided, and stands if it is.
    @Test func buildsAheadOfTheDecision() throws {
        let ledger = try TestLedger()
        var books = BeaconBranches(ledger.driver.beacon)
        let genesis = books.core.headHash
        var branches = EndpointBranches(ledger.core(0), head: genesis)
        let view = try #require(books.view(after: genesis))
        let first = try #require(try candidate(branches.core, view, ledger, nonces: 0..<2))
        let other = try #require(try candidate(branches.core, view, ledger, nonces: 0..<1))
        var secrets: RevealSecrets? = RevealSecrets(simulating: TestLedger.proposer)
        func propose(_ candidate: Candidate, on parent: Hash32) throws -> BeaconBlock {
            try #require(
                try books.propose(
                    [candidate.record.block], on: parent, now: ledger.now,
                    proposer: TestLedger.proposer, secrets: &secrets, mandatory: [], elected: nil))
        }
        let (one, two) = (try propose(first, on: genesis), try propose(other, on: genesis))
        let (a, b) = (one.header.hash, two.header.hash)
        for (digest, candidate) in [(a, first), (b, other)] {
            branches.keep(candidate, of: digest, on: genesis)
        }
        #expect(branches.state(after: a) == nil && books.view(after: a) == nil)
        books.extend(one.header, one.anchors.map(\.header))
        try branches.extend(a, height: Height(1), deliveries: [])

        let ahead = try #require(branches.state(after: a))
        let next = try #require(books.view(after: a))
        #expect(next.height == Height(2) && next.beacon == a)
        let built = try #require(try candidate(ahead, next, ledger, nonces: 2..<3))
        let child = try propose(built, on: a)
        // The final state is as it was.
        #expect(branches.core.appliedHeight == .genesis && books.core.headHash == genesis)
        #expect(
            books.check(child, mandatory: [], elected: nil) != nil,
            "checked on the final head alone")

        branches.keep(built, of: child.header.hash, on: a)
        var lost = (books, branches)
        books.decide(one.header, one.anchors.map(\.header))
        try branches.advance(to: Height(1), deciding: a, deliveries: [])
        #expect(books.core.headHash == a && branches.core.headerHash == first.record.hash)
        #expect(branches.candidate(of: b) == nil)
        #expect(branches.candidate(of: child.header.hash) != nil)
        #expect(books.check(child, mandatory: [], elected: nil) == nil)

        // The same from the block that lost: nothing of the child is left.
        lost.0.decide(two.header, two.anchors.map(\.header))
        try lost.1.advance(to: Height(1), deciding: b, deliveries: [])
        #expect(lost.1.core.headerHash == other.record.hash)
        #expect(lost.1.candidate(of: child.header.hash) == nil)
        #expect(lost.0.view(after: a) == nil && lost.1.state(after: a) == nil)
    }

    /// SHARD-8: who builds is a validator, and earns for itself.
    @Test func judgesTheBuilder() throws {
        let ledger = try TestLedger()
        let books = BeaconBranches(ledger.driver.beacon)
        let candidate = try #require(
            try candidate(ledger.core(0), books.core.view, ledger, nonces: 0..<1))
        let block = books.core.propose(
            [candidate.record.block], now: ledger.now, proposer: accounts[1].address)
        #expect(
            books.check(block, mandatory: [], elected: nil) == .foreignProposer(accounts[1].address)
        )
        var header = candidate.header
        header.beneficiary = accounts[1].address
        let thief = books.core.propose(
            [ShardBlock(header: header, transactions: candidate.record.transactions)],
            now: ledger.now, proposer: TestLedger.proposer)
        #expect(
            books.check(thief, mandatory: [], elected: nil)
                == .headerContext(0, field: "beneficiary"))
    }
}
