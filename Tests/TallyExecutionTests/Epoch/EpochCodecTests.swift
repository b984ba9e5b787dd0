import TallyPrimitives
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution

/// Encodings of what the epochs queue and tell, and the published signatures.
@Suite struct EpochCodecTests {
    private static let share = EpochShare(
        epoch: 7, nodes: Amount(300), trades: Amount(2), owed: Amount(5))
    private static let reference = ReceiptReference(
        source: EndpointID(1), destination: EndpointID(4), index: 9)

    private static let events: [EpochEvent] = [
        .closed(epoch: 7, weight: RewardWeight(units: 6), claims: Amount(5), sent: reference),
        .closed(epoch: 7, weight: .zero, claims: .zero, sent: nil),
        .reported(reference, epoch: 7, weight: RewardWeight(units: 6), claims: Amount(5)),
        .minted(epoch: 7, nodes: Amount(10), trades: Amount(2), treasury: Amount(1)),
        .shared(share, to: EndpointID(1), sent: reference),
        .shared(share, to: EndpointID(1), sent: nil),
        .arrived(
            reference, epoch: 7, nodes: Amount(300), trades: Amount(2),
            index: UInt256(high: 1, low: 2)),
        .arrived(nil, epoch: 7, nodes: .zero, trades: .zero, index: .zero),
    ]

    @Test(arguments: events)
    func eventsDecode(_ event: EpochEvent) throws {
        #expect(try EpochEvent(encoded: event.encoded) == event)
        #expect(throws: RLPError.self) { try EpochEvent(encoded: event.encoded + [0]) }
    }

    @Test func consumptionIsTold() {
        #expect(Self.events[2].consumedReceipt == Self.reference)
        #expect(Self.events[6].consumedReceipt == Self.reference)
        #expect(Self.events[0].consumedReceipt == nil)
        #expect(Self.events[4].consumedReceipt == nil)
    }

    @Test func entriesDecode() throws {
        let entries: [EpochDue] = [
            .close(epoch: 7), .mint(epoch: 7), .share(Self.share, to: EndpointID(3)),
        ]
        for due in entries { #expect(try EpochDue(encoded: due.encoded) == due) }
        #expect(EpochDue.close(epoch: 7).encoded == [0xc2, 0x01, 0x07])
        #expect(EpochDue.mint(epoch: 7).encoded == [0xc2, 0x02, 0x07])
        #expect(entries[2].encoded == [0xc9, 0x03, 0xc6, 0x07, 0x82, 0x01, 0x2c, 0x02, 0x05, 0x03])
        #expect(throws: RLPError.unknownValue(4)) { try EpochDue(encoded: [0xc2, 0x04, 0x07]) }
    }

    @Test func messagesAreThoseOfTheRule() throws {
        let report = EpochMessage.report(
            EpochReport(
                epoch: 7, endpoint: EndpointID(1), weight: RewardWeight(units: 6),
                claims: Amount(5)))
        #expect(report.payload.bytes == [0xc4, 0x01, 0x07, 0x06, 0x05])
        #expect(try EpochMessage(report.payload, from: EndpointID(1)) == report)
        let share = EpochMessage.share(Self.share)
        #expect(
            share.payload.bytes == [0xc8, 0x02, 0xc6, 0x07, 0x82, 0x01, 0x2c, 0x02, 0x05])
        #expect(try EpochMessage(share.payload, from: EndpointID(4)) == share)
    }

    @Test func publishedEventsAreThoseOfTheCode() throws {
        let entries = try PublishedABI.entries("epochs").filter(\.isEvent)
        let published = Set(
            entries.map { entry in
                entry.name
                    + entry.inputs.map {
                        "\($0.name):\($0.type):\($0.indexed == true)"
                    }.joined()
            })
        let coded = Set(
            Self.events.map { event in
                let record = event.record
                return record.name
                    + record.fields.map { "\($0.name):\($0.value.type):\($0.isIndexed)" }.joined()
            })
        #expect(published == coded)
        #expect(entries.count == coded.count)
        #expect(Self.events.allSatisfy { $0.record.door == ReservedAddress.treasury })
    }

    @Test func indexIsShownInFull() {
        let word = UInt256(high: 1, low: 2 << 64).word
        #expect(word == Hash32(words: (0, 1, 2, 0)))
    }
}
