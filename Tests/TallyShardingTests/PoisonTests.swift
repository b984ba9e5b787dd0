import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTransactions
import Testing

/// Receipts that no honest shard sends: RCPT-5 says that nothing a stream brings stops its reader.
@Suite struct PoisonTests {
    private static let alice = TestAccount.all(shards: 2)[0].address
    private static let bob = TestAccount.all(shards: 2)[2].address
    private static let value = Amount(500)
    private static let fee = Amount(9_000 * TestLedger.baseFee)

    struct Poison: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let kind: UInt8
        var from = PoisonTests.alice
        var to = PoisonTests.bob
        var payload: [UInt8] = [0x80]
        /// `nil`: no answer; the value is in escrow.
        let answer: ExecutionFailure?
    }

    static let poisons = [
        Poison(testDescription: "unknown kind", kind: 200, answer: .unknownKind),
        Poison(testDescription: "kind 0", kind: 0, answer: .unknownKind),
        Poison(testDescription: "no payload", kind: 1, payload: [], answer: .malformed),
        Poison(testDescription: "zero byte", kind: 1, payload: [0], answer: .malformed),
        Poison(testDescription: "list", kind: 1, payload: [0xc0], answer: .malformed),
        Poison(testDescription: "trailing bytes", kind: 1, payload: [1, 2], answer: .malformed),
        Poison(
            testDescription: "largest payload", kind: 1,
            payload: Array(repeating: 0xff, count: Receipt.maximumByteCount), answer: .malformed),
        Poison(
            testDescription: "foreign recipient", kind: 1, to: PoisonTests.alice,
            answer: .malformed),
        Poison(
            testDescription: "reserved recipient", kind: 1, to: ReservedAddress.crossShard,
            answer: .malformed),
        Poison(testDescription: "late", kind: 1, payload: [1], answer: .deadlinePassed),
        Poison(
            testDescription: "sweep of a foreign vault", kind: 3, from: ReservedAddress.treasury,
            to: PoisonTests.alice, payload: [], answer: .malformed),
        Poison(
            testDescription: "sweep of the treasury to a shard", kind: 3,
            to: ReservedAddress.treasury, payload: [], answer: .malformed),
        Poison(testDescription: "bounce without reason", kind: 2, payload: [], answer: nil),
        Poison(
            testDescription: "bounce of reason 99", kind: 2, payload: [0xc2, 1, 99], answer: nil),
        Poison(
            testDescription: "bounce to a reserved address", kind: 2,
            to: ReservedAddress.treasury, payload: [0xc2, 1, 1], answer: nil),
        Poison(
            testDescription: "bounce to a foreign address", kind: 2, to: PoisonTests.alice,
            payload: [0xc2, 1, 1], answer: nil),
    ]

    // RCPT-5
    @Test(arguments: poisons)
    func aPoisonReceiptIsAnswered(_ poison: Poison) throws {
        let candidate = try consume([poison])
        let events = try #require(candidate.record.systemResult?.events)
        #expect(candidate.header.in.map(\.entry.cursor) == [1])
        let reference = ReceiptReference(source: 0, destination: 1, index: 0)
        if let reason = poison.answer {
            #expect(
                events == [
                    .bounced(
                        reference, answer: ReceiptReference(source: 1, destination: 0, index: 0),
                        to: poison.to, value: Self.value, reason)
                ])
            let answer = try #require(candidate.record.sent.first)
            #expect(answer.kind == ReceiptKind.bounce.rawValue)
            #expect(answer.value == Self.value)
            #expect(answer.to == poison.from)
        } else {
            #expect(
                events == [
                    .escrowed(reference, owner: poison.to, value: Self.value, .malformed)
                ])
            #expect(candidate.record.sent.isEmpty)
        }
        // The fee stays, whatever happened.
        let vault = try candidate.tree.object(
            ObjectKey(.vault, key: TestLedger.proposer.bytes), MemoryPages())
        #expect(vault?.value == Self.fee)
    }

    @Test func goodReceiptsBehindAPoisonAreCredited() throws {
        let good = Poison(testDescription: "good", kind: 1, answer: nil)
        let candidate = try consume(Self.poisons + [good])
        #expect(candidate.header.in.map(\.entry.cursor) == [UInt64(Self.poisons.count + 1)])
        #expect(
            candidate.record.systemResult?.events.last
                == .credited(
                    ReceiptReference(
                        source: 0, destination: 1, index: UInt64(Self.poisons.count)),
                    from: Self.alice, to: Self.bob, value: Self.value))
    }

    // RCPT-2: what is delivered must be what the anchored root commits to.
    @Test(arguments: [
        "content", "missing", "doubled", "order", "index",
    ])
    func refusesReceiptsThatTheRootDoesNotCommitTo(_ fault: String) throws {
        let ledger = try TestLedger()
        let sent = Self.receipts(Array(repeating: Self.poisons[0], count: 2))
        let entry = Self.entry(sent)
        var delivered = sent
        switch fault {
        case "content":
            delivered[0] = Self.receipts([Poison(testDescription: "", kind: 1, answer: nil)])[0]
        case "missing": delivered.removeLast()
        case "doubled": delivered.append(delivered[1])
        case "order": delivered.swapAt(0, 1)
        default: delivered.removeFirst()
        }
        var core = ledger.core(1)
        #expect(
            throws: ExecutionError.invariant(
                "receipts of endpoint 0 are not those its header commits to")
        ) {
            try core.advance(
                to: Height(1), nil, [Delivery(source: 0, entry: entry, receipts: delivered)])
        }
        try core.advance(to: Height(1), nil, [Delivery(source: 0, entry: entry, receipts: sent)])
        #expect(core.inbound[0].count == 2)
    }

    /// The id of a receipt is its place: equal contents are two receipts, and both are consumed.
    @Test func equalReceiptsAreTwo() throws {
        let good = Poison(testDescription: "good", kind: 1, answer: nil)
        let candidate = try consume([good, good])
        #expect(candidate.record.systemResult?.events.count == 2)
        let genesis = try TestLedger().driver.genesis
        let ids = Set(
            Self.receipts([good, good]).map {
                $0.reference.id(chain: genesis.hash, layout: genesis.parameters.layout)
            })
        #expect(ids.count == 2)
    }

    // MARK: Injection

    /// Lets a forged block of shard 0 anchor `poisons`, and shard 1 consume them.
    private func consume(_ poisons: [Poison]) throws -> Candidate {
        let ledger = try TestLedger()
        var beacon = ledger.driver.beacon
        let receipts = Self.receipts(poisons)
        let entry = Self.entry(receipts)
        var forged = ledger.core(0).header
        forged.parent = forged.hash
        forged.height = Height(1)
        forged.beaconRef = beacon.headHash
        forged.stateSum = try #require(forged.stateSum.subtracting(entry.value))
        forged.out = [PeerEntry(peer: 1, entry: entry)]
        let header = header(beacon, [forged])
        #expect(beacon.check(header, [forged], mandatory: [], elected: nil) == nil)
        beacon.commit(header, [forged])
        #expect(beacon.inFlight == entry.value)

        var core = ledger.core(1)
        try core.advance(
            to: Height(1), nil, [Delivery(source: 0, entry: entry, receipts: receipts)])
        #expect(core.isMandatory(beacon.view))
        var nothing = OfferedTransactions(1, [])
        let built = try core.build(
            beacon.view, beneficiary: TestLedger.proposer, from: &nothing, pages: MemoryPages())
        let candidate = try #require(built)
        // Conservation holds from the headers alone.
        let next = self.header(beacon, [candidate.header])
        #expect(beacon.check(next, [candidate.header], mandatory: [1], elected: nil) == nil)
        return candidate
    }

    private func header(_ beacon: BeaconCore, _ anchors: [ShardHeader]) -> BeaconHeader {
        BeaconHeader(
            chain: beacon.chain, height: beacon.head.height.next, parent: beacon.headHash,
            time: beacon.head.time, proposer: .zero, anchorsRoot: BeaconHeader.anchorsRoot(anchors),
            validators: beacon.head.validators, randomness: beacon.randomness.hash)
    }

    private static func receipts(_ poisons: [Poison]) -> [Receipt] {
        poisons.enumerated().map { index, poison in
            Receipt(
                reference: ReceiptReference(source: 0, destination: 1, index: UInt64(index)),
                kind: poison.kind, origin: .zero, parent: nil, from: poison.from, to: poison.to,
                value: value, fee: fee, payload: Payload(poison.payload))
        }
    }

    private static func entry(_ receipts: [Receipt]) -> OutEntry {
        let total = Amount.sum(receipts.flatMap { [$0.value, $0.fee] }) ?? .max
        return OutEntry(
            end: UInt64(receipts.count), value: total,
            root: MerkleRange(leaves: receipts.map(\.leaf)).root)
    }
}
