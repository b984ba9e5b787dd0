import Foundation
import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyRPC
@testable import TallySharding

/// A ledger of two shards that stands still, with an economy and the objects that a test puts there.
struct StillLedger: Sendable {
    let ledger: MethodLedger
    let genesis: Genesis

    /// Day 3, and day 10.
    static let opening = BeaconTime(milliseconds: 3 * 86_400_000 + 5)
    static let now = BeaconTime(milliseconds: 10 * 86_400_000 + 77)
    static let seed = BeaconSeed(number: 9, value: Hash32(words: (9, 9, 9, 9)))
    static let layout = ShardLayout(shardCount: 2)

    /// The reserved address of each document.
    static let doors: [String: Address] = [
        "cross-shard": ReservedAddress.crossShard, "epochs": ReservedAddress.treasury,
        "job": ReservedAddress.jobs, "node": ReservedAddress.nodes,
        "proof": ReservedAddress.proofs, "trade": ReservedAddress.trades,
        "validator": ReservedAddress.validators,
    ]

    /// An object and where it lies.
    struct Planted: Sendable {
        let owner: Address?
        let key: ObjectKey
        let object: StateObject

        /// On the shard of an account, or on the beacon.
        init(_ owner: Address?, _ key: ObjectKey, _ object: StateObject) {
            self.owner = owner
            self.key = key
            self.object = object
        }
    }

    /// An account; those from 128 on are on shard 1.
    static func account(_ number: UInt8) -> Address {
        Address(words: (UInt64(number) << 56 | 0xab, 7, 9))
    }

    // MARK: Asking

    /// What a view answers to words, by the names and types of the published document.
    func view(_ document: String, _ name: String, _ words: [Hash32]) async throws -> [String:
        String]
    {
        let entry = try #require(
            try PublishedABI.entries(document).first { $0.isView && $0.name == name })
        let answer = try await ledger.ask(
            "eth_call", try Self.call(document, entry.signature, words))
        return try ABIAnswer.values(
            try #require(answer.hexBytes), try #require(entry.outputs))
    }

    /// The same, compared with what it should be.
    func expect(
        _ document: String, _ name: String, _ words: [Hash32], gives expected: [String: String],
        at place: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await view(document, name, words)
        #expect(answer == expected, "\(name)", sourceLocation: place)
    }

    func failure(
        _ document: String, _ signature: String, _ words: [Hash32], cut: Int = 0
    ) async throws -> JSON {
        try await ledger.failure("eth_call", try Self.call(document, signature, words, cut: cut))
    }

    private static func call(
        _ document: String, _ signature: String, _ words: [Hash32], cut: Int = 0
    ) throws -> JSON {
        let data = Selector(signature).bytes + words.flatMap(\.bytes)
        let door = try #require(doors[document])
        return [
            "to": .string(door.description), "data": .string(Hex.encode(Array(data.dropLast(cut)))),
        ]
    }
}

/// Runs `body` over a state with those objects.
func withObjects(
    economy: EconomyParameters? = .emc, _ objects: [StillLedger.Planted],
    _ body: (StillLedger) async throws -> Void
) async throws {
    let directory = NSTemporaryDirectory() + "tally-still-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let key = try PrivateKey(SHA256.hash(.object, Array("still".utf8)))
    let layout = try #require(StillLedger.layout)
    var parameters = NetworkParameters(chainID: MethodLedger.chainID, layout: layout)
    parameters.economy = economy
    let genesis = try Genesis(
        parameters: parameters, time: StillLedger.opening,
        accounts: [Genesis.Opening(address: key.address, balance: Amount(1 << 70))],
        validators: [key.address])
    let clock = ManualClock(MethodLedger.start)
    let (engine, _) = try Engine.open(
        EngineConfiguration(
            directory: directory, genesis: genesis, validator: key,
            journalSalt: JournalSalt(high: 1, low: 2)),
        clock: clock, notify: { _ in })
    let publisher = HeadPublisher(try engine.publisher.current.planted(objects))
    let ledger = MethodLedger(
        engine: engine,
        dispatcher: LedgerDispatcher(
            publisher: publisher, intake: engine.intake, shards: engine.shards,
            genesis: genesis, clientVersion: "tallystick/test", clock: clock),
        clock: clock, keys: [[key]])
    try await body(StillLedger(ledger: ledger, genesis: genesis))
    engine.stop()
}

extension LedgerSnapshot {
    /// The snapshot with these objects, a week after the genesis.
    fileprivate func planted(_ objects: [StillLedger.Planted]) throws -> LedgerSnapshot {
        var changes: [[StateChange]] = Array(repeating: [], count: endpoints.count)
        for object in objects {
            let home = object.owner.map { EndpointID(layout.home(of: $0)) } ?? layout.beacon
            changes[Int(home.index)].append(StateChange(object.key, object.object))
        }
        let changed = try zip(endpoints, changes).map { endpoint, changes in
            EndpointSnapshot(
                header: endpoint.header,
                tree: try endpoint.tree.updating(changes.inPathOrder(), endpoint.view),
                view: endpoint.view, history: endpoint.history)
        }
        var head = header
        head.time = StillLedger.now
        var randomness = HeaderRandomness(genesis: genesis.hash)
        randomness.seed = StillLedger.seed
        return LedgerSnapshot(
            genesis: genesis, genesisHeader: genesisHeader,
            beacon: try BeaconCore(
                genesis, head: head, heads: view.heads, randomness: randomness,
                schedule: ValidatorSchedule(genesis)),
            endpoints: changed, beaconHistory: beaconHistory)
    }
}
