import TallyCrypto
import TallyPrimitives
import TallySharding
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution
@testable import TallyRPC

private let owner = StillLedger.account(1)
private let other = StillLedger.account(200)
private let id = ObjectID(owner: owner, number: 3)
private let second = ObjectID(owner: other, number: 4)
private let place = ReceiptReference(source: EndpointID(0), destination: EndpointID(1), index: 5)
private let root = Hash32(words: (6, 7, 8, 9))
private let most = Amount.max

private func time(_ milliseconds: UInt64) -> BeaconTime { BeaconTime(milliseconds: milliseconds) }

/// Whoever has the documents reads the logs of every event (VIEW-35).
@Suite struct PublishedLogTests {
    private static let nodes: [NodeEvent] = [
        .registered(owner, key: root, spec: .zero), .updated(owner, key: .zero, spec: root),
        .retired(owner), .staked(owner, value: most, termDays: .max, until: time(.max)),
        .unstaked(owner, value: most), .active(owner, ComputePower(tenThousandths: 14_451)),
        .offline(owner), .penalised(owner, value: Amount(2), period: 3),
        .rewardsClaimed(owner, value: most), .rated(owner, job: id, isGood: true),
        .rated(owner, job: second, isGood: false),
    ]

    private static let proofs: [ProofEvent] = [
        .opened(owner, round: 1, seed: root, deadline: time(2)),
        .submitted(owner, root: root, .hash),
        .drawn(owner, round: .max, seed: root, deadline: time(3)),
        .revealed(owner, round: 1, deadline: time(4)),
        .attested(owner, by: other, round: 1, milliseconds: 5),
        .skipped(owner, by: other, round: 1, .wrongRound),
        .measured(owner, round: 1, milliseconds: 6, ComputePower(tenThousandths: 7)),
        .missed(owner, round: 1), .void(owner, round: 2),
    ]

    private static let jobs: [JobEvent] =
        [
            .created(kind: 3, escrow: most), .bidPlaced(second, price: Amount(6)),
            .bidClosed(second, .withdrawn), .assigned(price: Amount(7)), .delivered(root),
            .sampled(seed: 8), .disputed, .arbiterDrawn, .verdictCommitted,
            .verdictRevealed(root), .decided(.slashed, result: root),
            .decided(.noMajority, result: nil), .taskRevealed(isPassed: true),
            .taskRevealed(isPassed: false), .paid(Amount(9)), .funded(Amount(10)),
            .paused(debt: Amount(11)), .resumed(escrow: Amount(12)),
            .closed(.outOfFunds, paid: Amount(13), refunded: Amount(14)),
        ].map { JobEvent(order: id, actor: other, fact: $0) }

    private static let trades: [TradeEvent] = [
        .listed(
            Offer(
                id: id, resource: .storage, specification: root, pricePerUnit: most, units: 2,
                until: time(3))),
        .repriced(id, pricePerUnit: Amount(4)), .closed(id, .expired, units: 5),
        .taken(id, trade: second, units: 6, left: 7),
        .executed(trade: id, seller: other, price: Amount(8), fee: Amount(9)),
        .owed(trade: id, buyerReward: Amount(10), providerReward: Amount(11), epoch: 12),
        .rewarded(trade: id, to: other, Amount(13)),
    ]

    private static let stakes: [ValidatorEvent] = [
        .stakePlaced(id, .router, value: most, termDays: 1, until: time(2)),
        .stakeRenewed(id, termDays: 3, until: time(4)), .stakeReleased(id, value: Amount(5)),
        .heartbeat(id, at: time(6)),
        .rolePenalised(id, amount: Amount(7), from: time(8), to: time(9)),
        .stakeForfeited(id, .outage, value: Amount(10)),
        .impeachmentVoted(id, by: other, votes: 11, others: 12),
        .validatorsElected(epoch: 13, hash: root, count: 14), .rewardsClaimed(id, value: most),
    ]

    private static let share = EpochShare(
        epoch: 1, nodes: Amount(2), trades: Amount(3), owed: Amount(4))

    private static let epochs: [EpochEvent] = [
        .closed(epoch: 1, weight: RewardWeight(units: .max), claims: Amount(2), sent: nil),
        .reported(place, epoch: 3, weight: RewardWeight(units: 4), claims: Amount(5)),
        .minted(epoch: 6, nodes: Amount(7), trades: Amount(8), treasury: Amount(9)),
        .shared(share, to: EndpointID(2), sent: nil),
        .arrived(
            place, epoch: 10, nodes: Amount(11), trades: Amount(12),
            index: UInt256(high: 13, low: 14)),
    ]

    private static let payouts: [PayoutEvent] = [
        .sent(place, object: id, .refund, to: other, value: most),
        .paid(place, object: id, .bond, to: other, value: Amount(1), isEscrowed: true),
        .paid(nil, object: id, .stake, to: other, value: Amount(2), isEscrowed: false),
    ]

    /// By the document that publishes them.
    private static let events: [(document: String, events: [ComputeEvent])] = [
        ("cross-shard", payouts.map(ComputeEvent.payout)),
        ("epochs", epochs.map(ComputeEvent.epoch)),
        ("job", jobs.map(ComputeEvent.job)), ("node", nodes.map(ComputeEvent.node)),
        ("proof", proofs.map(ComputeEvent.proof)), ("trade", trades.map(ComputeEvent.trade)),
        ("validator", stakes.map(ComputeEvent.validator)),
    ]

    private func logs(of event: LedgerEvent) throws -> [EventLog] {
        let layout = try #require(StillLedger.layout)
        return EventLogs(chain: root, layout: layout, endpoint: EndpointID(1)).logs(of: event)
    }

    /// What a log says, by the one published event whose signature is its first topic.
    private func decode(
        _ log: EventLog, _ published: [PublishedABI.Entry]
    ) throws -> (name: String, values: [String: String]) {
        let named = published.filter { EventTopic.topic($0.signature) == log.topics.first }
        try #require(named.count == 1, "\(log)")
        let entry = named[0]
        #expect(entry.anonymous == false)
        let indexed = entry.inputs.filter { $0.indexed == true }
        try #require(log.topics.count == 1 + indexed.count, "\(entry.name)")
        var values = try ABIAnswer.values(log.data, entry.inputs.filter { $0.indexed != true })
        for (parameter, topic) in zip(indexed, log.topics.dropFirst()) {
            values[parameter.name] = try ABIAnswer.scalar(topic, parameter.type)
        }
        #expect(values.count == entry.inputs.count, "names are different")
        return (entry.name, values)
    }

    @Test func everyEventOfAFamilyIsReadByItsDocument() throws {
        let documents = try PublishedABI.documents()
        #expect(Self.events.map(\.document) == documents)
        for (document, events) in Self.events {
            let published = try PublishedABI.entries(document).filter(\.isEvent)
            var seen: Set<String> = []
            for event in events {
                let log = try #require(try logs(of: .compute(event)).first)
                #expect(log.address == StillLedger.doors[document])
                let (name, values) = try decode(log, published)
                seen.insert(name)
                let record = try #require(event.record)
                #expect(name == record.name)
                #expect(values.count == record.fields.count, "\(name)")
                for field in record.fields {
                    #expect(values[field.name] == text(field.value), "\(name).\(field.name)")
                }
            }
            let names = Set(published.map(\.name))
            if document != "cross-shard" { #expect(seen == names, "\(document)") }
        }
    }

    @Test func requestsOfFamiliesAreRead() throws {
        let layout = try #require(StillLedger.layout)
        let published = try PublishedABI.entries("cross-shard").filter(\.isEvent)
        let receipt = place.id(chain: root, layout: layout).description
        let requested = try #require(
            try logs(
                of: .compute(
                    .requested(place, from: owner, door: ReservedAddress.jobs, value: most))
            ).first)
        let (name, values) = try decode(requested, published)
        #expect(name == "ComputeRequested")
        #expect(
            Set(values.values) == [
                receipt, owner.description, ReservedAddress.jobs.description, "1",
                "\(most.units)",
            ])
        let handled = try #require(
            try logs(of: .compute(.handled(place, from: owner))).first)
        let (end, told) = try decode(handled, published)
        #expect(end == "ComputeHandled")
        #expect(Set(told.values) == [receipt, owner.description, "0"])
    }

    /// All of them are in one document, with what families share; but for EIP-7708's own log.
    @Test func everyOtherEventIsReadByTheDocumentOfTransfers() throws {
        let published = try PublishedABI.entries("cross-shard").filter(\.isEvent)
        let events: [LedgerEvent] =
            [
                .sent(place, from: owner, to: other, value: most),
                .credited(place, from: owner, to: other, value: Amount(1)),
                .bounced(place, answer: place, to: other, value: Amount(2), .creditsRefused),
                .refunded(
                    place, request: place, from: other, to: owner, value: Amount(3),
                    .deadlinePassed),
                .escrowed(nil, owner: owner, value: Amount(4), .job(.leaseOver)),
                .escrowClaimed(owner: owner, value: Amount(5)),
                .scheduled(entry: 6, from: owner, to: other, value: Amount(7), runAt: time(8)),
                .scheduleRan(entry: 9, from: owner, to: other, value: Amount(10), sent: place),
                .scheduleReturned(entry: 11, to: owner, value: Amount(12), .creditsRefused),
                .creditPolicySet(owner, .refuse),
                .swept(beneficiary: owner, value: Amount(13), sent: nil),
                .treasuryCredited(place, value: Amount(14)),
                .compute(.requested(place, from: owner, door: ReservedAddress.jobs, value: most)),
                .compute(.handled(place, from: owner)),
            ] + Self.payouts.map { .compute(.payout($0)) }
        var seen: Set<String> = []
        for log in try events.flatMap(logs) where log.address != ReservedAddress.nativeTransfers {
            seen.insert(try decode(log, published).name)
        }
        #expect(seen == Set(published.map(\.name)))
    }

    /// As the reader of the tests gives it.
    private func text(_ value: EventField.Value) -> String {
        switch value {
        case .bytes32(let value): value.description
        case .address(let value): value.description
        case .uint8(let value): "\(value)"
        case .uint16(let value): "\(value)"
        case .uint32(let value): "\(value)"
        case .uint64(let value): "\(value)"
        case .uint128(let value): "\(value)"
        case .uint256(let value): "\(value.units)"
        case .bool(let value): "\(value)"
        }
    }
}
