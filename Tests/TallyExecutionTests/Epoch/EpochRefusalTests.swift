import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

/// EPOCH-8: receipts of kind *epoch* that nobody should have sent, or sent twice, have no effect.
@Suite struct EpochRefusalTests {
    private static let shards: UInt16 = 2
    private static let beacon = EndpointID(shards)

    /// A world in its second epoch with weight, and claims of 5 on shard 0.
    private static func world() throws -> EpochWorld {
        var world = try EpochWorld(shards: Int(shards))
        try world.setWeight(.whole(1), 0, 0)
        try world.passEpoch()
        try world.owe(Amount(5), 0)
        return world
    }

    private static func receipt(
        _ payload: Payload, from source: EndpointID, to destination: EndpointID,
        value: Amount = .zero, recipient: Address = ReservedAddress.treasury
    ) -> Receipt {
        Receipt(
            reference: ReceiptReference(source: source, destination: destination, index: 1_000),
            kind: ReceiptKind.epoch.rawValue, origin: .zero, parent: nil,
            from: ReservedAddress.treasury, to: recipient, value: value, fee: .zero,
            payload: payload)
    }

    private static func report(
        _ epoch: UInt64, from source: EndpointID = EndpointID(0)
    ) -> EpochMessage {
        .report(
            EpochReport(
                epoch: epoch, endpoint: source, weight: .whole(1_000), claims: Amount(1_000)))
    }

    /// Consumes a receipt on a copy of an endpoint, which must answer with a bounce and else be as it was.
    private static func expectBounce(
        _ receipt: Receipt, _ world: EpochWorld, _ reason: ExecutionFailure = .malformed,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let endpoint = Int(receipt.reference.destination.index)
        var executor = try world.executor(endpoint)
        executor.beginSystem()
        try executor.consume(receipt)
        let answers = executor.outbox.receipts.flatMap { $0 }
        try #require(answers.count == 1, sourceLocation: location)
        #expect(answers[0].kind == ReceiptKind.bounce.rawValue, sourceLocation: location)
        #expect(answers[0].value == receipt.value, sourceLocation: location)
        #expect(
            executor.systemResult(weight: 0)?.events == [
                .bounced(
                    receipt.reference, answer: answers[0].reference, to: receipt.to,
                    value: receipt.value, reason)
            ], sourceLocation: location)
        try executor.finish()
        #expect(
            try executor.updatedTree().root == world.trees[endpoint].root,
            sourceLocation: location)
    }

    @Test func reportsCountOnce() throws {
        var world = try Self.world()
        world.held = [1]
        try Self.goOn(&world)
        let epoch = world.epoch - 1
        // Shard 0 has reported and shard 1 has not.
        #expect(world.history.contains { $0.event.reported == epoch })
        #expect(!world.history.contains { $0.event.minted == epoch })
        try Self.expectBounce(
            Self.receipt(Self.report(epoch).payload, from: EndpointID(0), to: Self.beacon), world)
        world.held = []
        try world.settleDown()
        // After the mint, and of the epoch before, whose reports are forgotten.
        for past in [epoch, epoch - 1] {
            for source in [EndpointID(0), EndpointID(1)] {
                try Self.expectBounce(
                    Self.receipt(
                        Self.report(past, from: source).payload, from: source, to: Self.beacon),
                    world)
            }
        }
    }

    /// To the end of the epoch, and five heights on.
    private static func goOn(_ world: inout EpochWorld) throws {
        let end = world.parameters.end(ofEpoch: world.epoch)
        world.wait(end.milliseconds - world.time.milliseconds)
        for _ in 0..<5 { try world.step() }
    }

    @Test func reportsOfEpochsThatAreNotOverBounce() throws {
        let world = try Self.world()
        for epoch in [world.epoch, world.epoch + 1, .max] {
            try Self.expectBounce(
                Self.receipt(Self.report(epoch).payload, from: EndpointID(0), to: Self.beacon),
                world)
        }
    }

    @Test func reportsGoToTheBeaconWithoutValue() throws {
        var world = try Self.world()
        world.held = [0, 1]
        try Self.goOn(&world)
        let payload = Self.report(world.epoch - 1).payload
        try Self.expectBounce(
            Self.receipt(payload, from: EndpointID(0), to: Self.beacon, value: Amount(1)), world)
        try Self.expectBounce(
            Self.receipt(payload, from: EndpointID(0), to: EndpointID(1)), world)
        try Self.expectBounce(
            Self.receipt(
                payload, from: EndpointID(0), to: Self.beacon, recipient: EpochWorld.payee(0, 0)),
            world)
    }

    @Test func sharesComeFromTheBeaconOnceAndInOrder() throws {
        var world = try Self.world()
        world.held = [2]
        try Self.goOn(&world)
        let epoch = world.epoch - 1
        func share(_ epoch: UInt64, owed: UInt128 = 5, trades: UInt128 = 5) -> EpochShare {
            EpochShare(
                epoch: epoch, nodes: Amount(100), trades: Amount(trades), owed: Amount(owed))
        }
        func bounces(
            _ share: EpochShare, from source: EndpointID = Self.beacon, value: UInt128 = 105
        ) throws {
            try Self.expectBounce(
                Self.receipt(
                    EpochMessage.share(share).payload, from: source, to: EndpointID(0),
                    value: Amount(value)), world)
        }
        try bounces(share(epoch), from: EndpointID(1))
        try bounces(share(epoch), value: 104)
        try bounces(share(epoch - 1))
        try bounces(share(epoch + 1))
        try bounces(share(epoch, owed: 6))
        try bounces(share(epoch, trades: 6), value: 106)
        world.held = []
        try world.settleDown()
        #expect(try world.pool(0).next == epoch + 1)
        try bounces(share(epoch))
    }

    @Test func otherPayloadsBounce() throws {
        let world = try Self.world()
        let share = EpochMessage.share(
            EpochShare(epoch: 1, nodes: .zero, trades: .zero, owed: .zero))
        for payload in [
            Payload.empty, Payload([0xc0]), Payload([0xc1, 0x03]),
            Payload(share.payload.bytes + [0]),
        ] {
            try Self.expectBounce(
                Self.receipt(payload, from: Self.beacon, to: EndpointID(0)), world)
        }
    }

    @Test func networkWithoutEconomyKnowsNoEpochs() throws {
        let layout = try #require(ShardLayout(shardCount: 1))
        let context = BlockContext(
            chain: .zero, parameters: NetworkParameters(chainID: 1, layout: layout),
            endpoint: EndpointID(1), height: Height(1), time: BeaconTime(milliseconds: 5),
            baseFee: .zero, beneficiary: EpochWorld.payee(0, 0))
        var executor = try BlockExecutor(
            context: context, tree: .empty, pages: MemoryPages(), ends: [0, 0], expecting: 1)
        executor.beginSystem()
        try executor.consume(
            Self.receipt(Self.report(0).payload, from: EndpointID(0), to: EndpointID(1)))
        let answer = try #require(executor.outbox.receipts[0].first)
        #expect(answer.payload.bytes == [0xc4, 0x82, 0x03, 0xe8, 0x06])
    }

    @Test func shardsDoNotMint() throws {
        var executor = try Self.world().executor(0)
        #expect(throws: ExecutionError.invariant("a shard mints")) {
            try executor.mint(Amount(1))
        }
    }

    @Test func auditFindsWhatTheHeaderDidNotMint() throws {
        var world = try Self.world()
        try world.passEpoch()
        var executor = try world.executor(2)
        var book = try executor.emissionBook()
        book.trades = Amount(6)
        try executor.store(book)
        world.replace(2, with: try executor.updatedTree())
        #expect(
            throws: InvariantViolation.broken(.pool, what: "the header minted something else")
        ) { try world.audit(2) }
    }
}

extension EpochEvent {
    fileprivate var reported: UInt64? {
        guard case .reported(_, let epoch, _, _) = self else { return nil }
        return epoch
    }

    fileprivate var minted: UInt64? {
        guard case .minted(let epoch, _, _, _) = self else { return nil }
        return epoch
    }
}
