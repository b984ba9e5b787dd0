import FoundationEssentials
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution

/// An entry of a published ABI document.
private struct Entry: Decodable {
    struct Parameter: Decodable {
        let name: String
        let type: String
        let indexed: Bool?
    }

    let type: String
    let name: String
    let inputs: [Parameter]
}

/// The events of the documents are those of the code: names, types, order and topics.
@Suite struct NodePublishedEventTests {
    private static let owner = machine(1)
    private static let now = BeaconTime(milliseconds: 1)

    private func check(_ document: String, _ records: [EventRecord]) throws {
        let data = try Data(contentsOf: Vectors.specification("abi/" + document))
        let events = try JSONDecoder().decode([Entry].self, from: data).filter {
            $0.type == "event"
        }
        #expect(events.map(\.name) == records.map(\.name))
        for (event, record) in zip(events, records) {
            #expect(event.inputs.map(\.name) == record.fields.map(\.name), "\(record.name)")
            #expect(
                event.inputs.map(\.type) == record.fields.map(\.value.type), "\(record.name)")
            #expect(
                event.inputs.map(\.indexed) == record.fields.map(\.isIndexed),
                "\(record.name)")
        }
    }

    @Test func nodeEventsAreTheDocuments() throws {
        let events: [NodeEvent] = [
            .registered(Self.owner, key: .zero, spec: .zero),
            .updated(Self.owner, key: .zero, spec: .zero), .retired(Self.owner),
            .staked(Self.owner, value: .zero, termDays: 1, until: Self.now),
            .unstaked(Self.owner, value: .zero), .active(Self.owner, .zero),
            .offline(Self.owner), .penalised(Self.owner, value: .zero, period: 1),
            .rewardsClaimed(Self.owner, value: .zero),
            .rated(Self.owner, job: .node(Self.owner), isGood: true),
        ]
        try check("node.json", events.map(\.record))
    }

    @Test func proofEventsAreTheDocuments() throws {
        let events: [ProofEvent] = [
            .opened(Self.owner, round: 1, seed: .zero, deadline: Self.now),
            .submitted(Self.owner, root: .zero, .chain),
            .drawn(Self.owner, round: 1, seed: .zero, deadline: Self.now),
            .revealed(Self.owner, round: 1, deadline: Self.now),
            .attested(Self.owner, by: Self.owner, round: 1, milliseconds: 1),
            .skipped(Self.owner, by: Self.owner, round: 1, .wrongRound),
            .measured(Self.owner, round: 1, milliseconds: 1, .zero),
            .missed(Self.owner, round: 1), .void(Self.owner, round: 1),
        ]
        try check("proof.json", events.map(\.record))
        #expect(
            events[1].record.signature == "ProofSubmitted(bytes32,address,bytes32,uint8)")
        #expect(
            events[0].record.signature == "ChallengeOpened(bytes32,uint64,bytes32,uint64)")
    }
}
