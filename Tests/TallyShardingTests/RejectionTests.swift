import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTransactions
import Testing

/// A height with one valid block over two shards, and what forgers make of it.
private struct Proposal {
    let ledger: TestLedger
    var header: BeaconHeader
    var anchors: [ShardHeader]
    var blocks: [ShardBlock]

    /// Shard 0 sends again, shard 1 consumes the credit of the height before.
    init() throws {
        let accounts = TestAccount.all(shards: 2)
        var ledger = try TestLedger()
        let operation = TransferOperation.single(to: accounts[2].address, value: Amount(500))
        try ledger.decide(ledger.signed(operation, by: accounts[0]))
        let beacon = ledger.driver.beacon
        var blocks: [ShardBlock] = []
        for index in 0..<2 {
            var source = OfferedTransactions(
                EndpointID(UInt16(index)),
                index == 0 ? [try ledger.signed(operation, by: accounts[0])] : [])
            let candidate = try ledger.core(index).build(
                beacon.view, beneficiary: TestLedger.proposer, from: &source, pages: MemoryPages())
            blocks.append(try #require(candidate?.record.block))
        }
        header = beacon.propose(blocks, now: ledger.now, proposer: TestLedger.proposer).header
        anchors = blocks.map(\.header)
        self.blocks = blocks
        self.ledger = ledger
    }

    func check() -> AnchorRejection? {
        ledger.driver.beacon.check(
            header, anchors, mandatory: ledger.driver.mandatory, elected: nil)
    }
}

/// Every `AnchorRejection`: what the beacon refuses from headers alone.
@Suite struct AnchorRejectionTests {
    struct Forgery: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let expected: AnchorRejection
        /// Whether the anchors' root is made to fit again.
        var seals = true
        let forge: @Sendable (inout BeaconHeader, inout [ShardHeader]) -> Void

        init(
            _ name: String, _ expected: AnchorRejection, seals: Bool = true,
            _ forge: @escaping @Sendable (inout BeaconHeader, inout [ShardHeader]) -> Void
        ) {
            testDescription = name
            self.expected = expected
            self.seals = seals
            self.forge = forge
        }

        /// Changes shard 0's stream to shard 1.
        static func out(
            _ name: String, _ expected: AnchorRejection,
            _ change: @escaping @Sendable (OutEntry) -> OutEntry
        ) -> Forgery {
            Forgery(name, expected) { _, anchors in
                let item = anchors[0].out[0]
                anchors[0].out[0] = PeerEntry(peer: item.peer, entry: change(item.entry))
            }
        }

        /// Changes shard 1's cursor on the stream from shard 0.
        static func `in`(
            _ name: String, _ expected: AnchorRejection,
            _ change: @escaping @Sendable (InEntry) -> InEntry
        ) -> Forgery {
            Forgery(name, expected) { _, anchors in
                let item = anchors[1].in[0]
                anchors[1].in[0] = PeerEntry(peer: item.peer, entry: change(item.entry))
            }
        }
    }

    private static let one = Amount(1)

    static let contexts: [Forgery] = [
        Forgery("chain", .wrongChain) { header, _ in header.chain = .zero },
        Forgery("height", .wrongHeight(expected: Height(2), actual: Height(3))) { header, _ in
            header.height = Height(3)
        },
        Forgery("parent", .wrongParent) { header, _ in header.parent = .zero },
        Forgery(
            "time",
            .timeRegression(
                parent: BeaconTime(milliseconds: 1_001_000),
                actual: BeaconTime(milliseconds: 1_000_999))
        ) { header, _ in header.time = BeaconTime(milliseconds: 1_000_999) },
        Forgery("root", .anchorsRootMismatch, seals: false) { header, _ in
            header.anchorsRoot = .zero
        },
        Forgery("order", .anchorOrder) { _, anchors in anchors.reverse() },
        Forgery("twice", .anchorOrder) { _, anchors in anchors.append(anchors[1]) },
        Forgery("no such endpoint", .anchorOrder) { _, anchors in anchors[1].endpoint = 3 },
        Forgery("chain of a shard", .headerContext(0, field: "chain")) { _, anchors in
            anchors[0].chain = .zero
        },
        Forgery("layout", .headerContext(0, field: "layout")) { _, anchors in
            anchors[0].shardCount = 3
        },
        Forgery("height of a shard", .headerContext(1, field: "height")) { _, anchors in
            anchors[1].height = Height(1)
        },
        Forgery("parent of a shard", .headerContext(0, field: "parent")) { _, anchors in
            anchors[0].parent = anchors[1].parent
        },
        Forgery("beaconRef", .headerContext(0, field: "beaconRef")) { _, anchors in
            anchors[0].beaconRef = .zero
        },
        Forgery("time of a shard", .headerContext(0, field: "time")) { _, anchors in
            anchors[0].time = BeaconTime(milliseconds: 1_001_001)
        },
        // RCPT-3
        Forgery("left out", .omitted(1)) { _, anchors in anchors.removeLast() },
        Forgery("nothing", .omitted(1)) { _, anchors in anchors = [] },
    ]

    static let streams: [Forgery] = [
        Forgery("out to itself", .malformedVector(0)) { _, anchors in
            anchors[0].out = [PeerEntry(peer: 0, entry: anchors[0].out[0].entry)]
        },
        Forgery("out to nobody", .malformedVector(0)) { _, anchors in
            anchors[0].out = [PeerEntry(peer: 3, entry: anchors[0].out[0].entry)]
        },
        Forgery("out twice", .malformedVector(0)) { _, anchors in
            anchors[0].out.append(anchors[0].out[0])
        },
        Forgery("in from itself", .malformedVector(1)) { _, anchors in
            anchors[1].in = [PeerEntry(peer: 1, entry: anchors[1].in[0].entry)]
        },
        Forgery("in descending", .malformedVector(1)) { _, anchors in
            anchors[1].in.insert(PeerEntry(peer: 2, entry: InEntry(cursor: 1, value: .zero)), at: 0)
        },
        .out("end stays", .streamRegression(0, peer: 1)) {
            OutEntry(end: $0.end - 1, value: $0.value, root: $0.root)
        },
        .out("sent value falls", .streamRegression(0, peer: 1)) {
            OutEntry(end: $0.end, value: one, root: $0.root)
        },
        .in("cursor stays", .streamRegression(1, peer: 0)) { InEntry(cursor: 0, value: $0.value) },
        // RCPT-1: the second receipt is sent by this very block.
        .in("too early", .unanchoredReceipt(1, source: 0)) { InEntry(cursor: 2, value: $0.value) },
        .in("too much", .streamValue(1, source: 0)) {
            InEntry(cursor: 1, value: $0.value.adding(one) ?? .max)
        },
        .in("too little at the end", .streamValue(1, source: 0)) {
            InEntry(cursor: 1, value: $0.value.subtracting(one) ?? .zero)
        },
    ]

    static let money: [Forgery] = [
        // RCPT-12
        Forgery("a shard mints", .foreignMint(0)) { _, anchors in
            anchors[0].minted = one
            anchors[0].stateSum = anchors[0].stateSum.adding(one) ?? .max
        },
        Forgery("burned falls", .supplyRegression(0)) { _, anchors in anchors[0].burned = .zero },
        Forgery("out of nothing", .conservation(0)) { _, anchors in
            anchors[0].stateSum = anchors[0].stateSum.adding(one) ?? .max
        },
        Forgery("into nothing", .conservation(1)) { _, anchors in
            anchors[1].stateSum = anchors[1].stateSum.subtracting(one) ?? .zero
        },
        .out("sent more than debited", .conservation(0)) {
            OutEntry(end: $0.end, value: $0.value.adding(one) ?? .max, root: $0.root)
        },
    ]

    @Test(arguments: contexts + streams + money)
    func refuses(_ forgery: Forgery) throws {
        var proposal = try Proposal()
        #expect(proposal.check() == nil)
        forgery.forge(&proposal.header, &proposal.anchors)
        if forgery.seals {
            proposal.header.anchorsRoot = BeaconHeader.anchorsRoot(proposal.anchors)
        }
        #expect(proposal.check() == forgery.expected)
    }

    /// The beacon may mint, but never so that all money exceeds its type.
    @Test func refusesASupplyBeyondTheType() throws {
        var proposal = try Proposal()
        let beacon = proposal.ledger.driver.beacon
        var forged = proposal.ledger.core(2).header
        forged.parent = forged.hash
        forged.height = beacon.head.height.next
        forged.beaconRef = beacon.headHash
        forged.time = beacon.head.time
        forged.minted = .max
        forged.stateSum = .max
        proposal.anchors.append(forged)
        proposal.header.anchorsRoot = BeaconHeader.anchorsRoot(proposal.anchors)
        #expect(proposal.check() == .supply)
    }

    // RCPT-3: a due entry that may run counts as work, like a receipt.
    @Test func refusesToLeaveOutARunnableEntry() throws {
        let accounts = TestAccount.all(shards: 2)
        var ledger = try TestLedger()
        let leg = TransferLeg(
            to: accounts[1].address, value: Amount(1), terms: .runAt(BeaconTime(milliseconds: 1)))
        try ledger.decide(ledger.signed(.batch([leg]), by: accounts[0]))
        let outcome = try ledger.driver.advance(HeightInput(now: ledger.now, omitted: [0]))
        guard case .rejected(.omitted(0)) = outcome else {
            Issue.record("decided")
            return
        }
        #expect(ledger.driver.beacon.head.height == Height(1))
        try ledger.decide()
    }
}

/// Every `BlockRejection`: what a validator refuses after executing the body.
@Suite struct BlockRejectionTests {
    private func check(
        _ index: Int, _ change: (inout ShardHeader) -> Void = { _ in },
        transactions: ([Transaction]) -> [Transaction] = { $0 }
    ) throws -> BlockRejection? {
        let proposal = try Proposal()
        var header = proposal.anchors[index]
        change(&header)
        let block = ShardBlock(
            header: header, transactions: transactions(proposal.blocks[index].transactions))
        switch try proposal.ledger.core(index).check(
            block, proposal.ledger.view, pages: MemoryPages())
        {
        case .success: return nil
        case .failure(let rejection): return rejection
        }
    }

    @Test func acceptsWhatWasBuilt() throws {
        #expect(try check(0) == nil)
        #expect(try check(1) == nil)
    }

    @Test func refusesAnotherParent() throws {
        #expect(try check(0) { $0.parent = .zero } == .unknownParent)
        #expect(try check(0) { $0.endpoint = 1 } == .unknownParent)
    }

    struct Change: Sendable {
        let field: String
        let apply: @Sendable (inout ShardHeader) -> Void
    }

    @Test(arguments: [
        Change(field: "chain") { $0.chain = .zero },
        Change(field: "layout") { $0.shardCount = 7 },
        Change(field: "height") { $0.height = Height(9) },
        Change(field: "beaconRef") { $0.beaconRef = .zero },
        Change(field: "time") { $0.time = BeaconTime(milliseconds: 1) },
        Change(field: "baseFee") { $0.baseFee = Amount(1) },
        Change(field: "stateRoot") { $0.stateRoot = .zero },
        Change(field: "stateSum") { $0.stateSum = .zero },
        Change(field: "txRoot") { $0.txRoot = .zero },
        Change(field: "resultRoot") { $0.resultRoot = .zero },
        Change(field: "out") { $0.out = [] },
        Change(field: "in") { $0.in = [PeerEntry(peer: 1, entry: InEntry.none)] },
        Change(field: "minted") { $0.minted = Amount(1) },
        Change(field: "burned") { $0.burned = .zero },
        Change(field: "weightUsed") { $0.weightUsed = 1 },
    ])
    func refusesAChangedField(_ change: Change) throws {
        #expect(try check(0, change.apply) == .headerMismatch(field: change.field))
    }

    /// The builder is part of what is executed: fees go to its vault.
    @Test func refusesAnotherBeneficiary() throws {
        #expect(try check(1) { $0.beneficiary = .zero } == .headerMismatch(field: "stateRoot"))
    }

    /// A reserved address has no account that a sweep could pay (TX-4).
    @Test(arguments: [ReservedAddress.crossShard, ReservedAddress.treasury])
    func refusesAReservedBeneficiary(_ address: Address) throws {
        #expect(
            try check(1) { $0.beneficiary = address } == .headerMismatch(field: "beneficiary"))
    }

    // RCPT-3: the builder does not choose what is consumed.
    @Test func refusesABlockThatConsumesNothing() throws {
        #expect(try check(1) { $0.in = [] } == .headerMismatch(field: "in"))
    }

    @Test func refusesABodyOfOtherTransactions() throws {
        #expect(try check(0, transactions: { _ in [] }) == .headerMismatch(field: "txRoot"))
        #expect(
            try check(0, transactions: { $0 + $0 })
                == .transaction(index: 1, .nonceTooLow(expected: 2, actual: 1)))
    }

    // RCPT-7: a block that includes a transaction without credit is invalid.
    @Test func refusesATransactionWithoutCredit() throws {
        let accounts = TestAccount.all(shards: 2)
        var ledger = try TestLedger { $0.window = 1 }
        func transfer(_ later: UInt64) throws -> Transaction {
            try ledger.signed(
                .single(to: accounts[2].address, value: Amount(1)), by: accounts[0], later: later)
        }
        let transactions = [try transfer(0), try transfer(1)]
        var source = OfferedTransactions(0, transactions)
        let candidate = try ledger.core(0).build(
            ledger.view, beneficiary: .zero, from: &source, pages: MemoryPages())
        let header = try #require(candidate?.header)
        let result = try ledger.core(0).check(
            ShardBlock(header: header, transactions: transactions), ledger.view,
            pages: MemoryPages())
        guard case .failure(let rejection) = result else {
            Issue.record("accepted")
            return
        }
        #expect(rejection == .transaction(index: 1, .noCredit(destination: 1)))
        // The transaction that had credit can be decided alone.
        try ledger.decide(transactions[0])
    }

    @Test func refusesEveryIneligibleTransaction() throws {
        let accounts = TestAccount.all(shards: 2)
        var ledger = try TestLedger()
        let operation = TransferOperation.single(to: accounts[1].address, value: Amount(1))
        let ahead = try ledger.signed(operation, by: accounts[0], later: 3)
        #expect(
            try ledger.offer([ahead]).refused.map(\.reason)
                == [.nonceTooHigh(expected: 0, actual: 3)])
        var cheap = ledger.factory
        cheap.maxFee = Amount(TestLedger.baseFee - 1)
        let refused = try cheap.signed(operation, by: accounts[0].key, nonce: 0)
        #expect(
            try ledger.offer([refused]).refused.map(\.reason) == [
                .feeCapBelowBaseFee(cap: cheap.maxFee, baseFee: Amount(TestLedger.baseFee))
            ])
        let dear = TransferOperation.single(
            to: accounts[1].address, value: Amount(TestLedger.funds))
        let want = TestLedger.funds + 21_000 * ledger.factory.maxFee.units
        #expect(
            try ledger.offer([ledger.signed(dear, by: accounts[0])]).refused.map(\.reason)
                == [.insufficientFunds(have: Amount(TestLedger.funds), want: Amount(want))])
        let misplaced = try ledger.signed(operation, by: accounts[0])
        let outcome = try ledger.driver.advance(
            HeightInput(now: ledger.now, transactions: [[], [misplaced]]))
        #expect(
            outcome.decided?.refused.map(\.reason) == [.foreignSender(home: ShardID(0))])
    }
}
