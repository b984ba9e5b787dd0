import Foundation
import Synchronization
import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyRPC

/// Time that a test moves: whoever waits, waits for that.
final class ManualClock: NodeClock {
    private struct State {
        var now: UInt64
        /// Time moved since the engine last looked at it.
        var hasMoved = false
        var isClosed = false
        var nextID = 0
        var sleepers: [Int: (end: UInt64, isTick: Bool, wake: CheckedContinuation<Void, Never>)] =
            [:]
        var observers: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ milliseconds: UInt64) { state = Mutex(State(now: milliseconds)) }

    func now() -> BeaconTime { BeaconTime(milliseconds: state.withLock { $0.now }) }

    func set(_ time: UInt64) {
        let woken = state.withLock { state in
            state.now = time
            let woken = state.sleepers.filter { $0.value.isTick || $0.value.end <= time }
            state.hasMoved = !woken.values.contains(where: \.isTick)
            for id in woken.keys { state.sleepers[id] = nil }
            return woken.values.map(\.wake)
        }
        for sleeper in woken { sleeper.resume() }
    }

    /// From now on nobody waits.
    func close() {
        let woken = state.withLock { state in
            state.isClosed = true
            defer { state.sleepers = [:] }
            return state.sleepers.values.map(\.wake)
        }
        for sleeper in woken { sleeper.resume() }
    }

    /// Returns once a method waits for its timeout.
    func waiterArrived() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                let isThere = state.sleepers.values.contains { !$0.isTick }
                if !isThere { state.observers.append(continuation) }
                return isThere
            }
            if isThere { continuation.resume() }
        }
    }

    func sleep(milliseconds: UInt64) async throws {
        // The engine looks at the clock every few milliseconds; methods wait longer.
        let isTick = milliseconds <= 100
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let observers: [CheckedContinuation<Void, Never>]? = state.withLock { state in
                    if state.isClosed || Task.isCancelled { return nil }
                    if isTick, state.hasMoved {
                        state.hasMoved = false
                        return nil
                    }
                    state.sleepers[id] = (state.now + milliseconds, isTick, continuation)
                    guard !isTick else { return [] }
                    defer { state.observers = [] }
                    return state.observers
                }
                guard let observers else { return continuation.resume() }
                for observer in observers { observer.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.wake.resume()
        }
        try Task.checkCancellation()
    }
}

/// A running ledger behind its methods. Every account is called by its shard and number.
struct MethodLedger: Sendable {
    let engine: Engine
    let dispatcher: LedgerDispatcher
    let clock: ManualClock
    let keys: [[PrivateKey]]

    static let chainID: ChainID = 1337
    static let opening: UInt128 = 1_000_000_000_000_000_000
    static let start: UInt64 = 10_000
    static let price = Amount(2_000_000_000)

    func address(_ shard: Int, _ number: Int = 0) -> Address { keys[shard][number].address }

    // MARK: Asking

    /// The whole answer, by the way that the server takes.
    func answer(_ message: JSON) async throws -> JSON {
        let body = Array(message.description.utf8)
        let parsed = body.withUnsafeBytes { RPCMessage($0, limits: RPCLimits()) }
        var writer = JSONWriter()
        let response: HTTPResponse
        if let now = RPCReply.atOnce(parsed, by: dispatcher, into: &writer) {
            response = now
        } else {
            response = await RPCReply.later(parsed, by: dispatcher, limits: RPCLimits())
        }
        return try response.body.withUnsafeBytes {
            (bytes) throws(JSONError) in try JSON.parse(bytes)
        }
    }

    static func call(_ method: String, _ params: JSON, id: Int = 1) -> JSON {
        ["jsonrpc": "2.0", "id": JSON(id), "method": .string(method), "params": params]
    }

    func ask(_ method: String, _ params: JSON...) async throws -> JSON {
        let answer = try await answer(Self.call(method, .array(params)))
        return try #require(answer["result"], "\(answer)")
    }

    func failure(_ method: String, _ params: JSON...) async throws -> JSON {
        try #require(try await answer(Self.call(method, .array(params)))["error"])
    }

    // MARK: Sending

    func raw(
        _ shard: Int, _ number: Int = 0, nonce: Nonce, to: Address, value: UInt128,
        weight: Weight = 21_000, data: [UInt8] = [], type: EnvelopeType = .dynamicFee
    ) -> [UInt8] {
        Envelope(
            type: type, chainID: Self.chainID, nonce: nonce, weightLimit: weight,
            maxFee: Self.price, maxPriorityFee: type == .dynamicFee ? Amount(1) : Self.price,
            to: to, value: Amount(value), data: data
        ).signed(by: keys[shard][number])
    }

    func raw(
        _ shard: Int, _ number: Int = 0, nonce: Nonce, _ operation: TransferOperation
    ) throws -> [UInt8] {
        let target = try #require(operation.target)
        let data = operation.callData
        return raw(
            shard, number, nonce: nonce, to: target.to, value: target.value.units,
            weight: operation.weight + Weights.callData(data), data: data)
    }

    func send(_ raw: [UInt8]) async throws -> JSON {
        try await ask("eth_sendRawTransaction", .string(Hex.encode(raw)))
    }

    /// Sends and waits for the end of every leg.
    func settle(_ raw: [UInt8]) async throws -> (hash: JSON, status: JSON) {
        let hash = try await send(raw)
        return (hash, try await status(hash, "settled"))
    }

    func status(_ hash: JSON, _ stage: String) async throws -> JSON {
        let status = try await ask("shard_getTransactionStatus", hash, .string(stage))
        #expect(status["timedOut"] == false, "\(status)")
        return status
    }

    func balance(_ address: Address) async throws -> UInt128 {
        let json = try await ask("eth_getBalance", .string(address.description), "latest")
        return try #require(json.quantity(UInt128.self))
    }
}

/// Runs a ledger in a temporary directory with three accounts on every shard.
func withLedger(
    shards: Int = 2, _ body: @Sendable @escaping (MethodLedger) async throws -> Void
) async throws {
    let directory = NSTemporaryDirectory() + "tally-methods-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let layout = try #require(ShardLayout(shardCount: shards))
    var keys: [[PrivateKey]] = Array(repeating: [], count: shards)
    var number: UInt64 = 0
    while keys.contains(where: { $0.count < 3 }) {
        number += 1
        let key = try PrivateKey(SHA256.hash(.object, Array("methods \(number)".utf8)))
        let home = Int(layout.home(of: key.address).value)
        if keys[home].count < 3 { keys[home].append(key) }
    }
    var parameters = NetworkParameters(chainID: MethodLedger.chainID, layout: layout)
    parameters.heartbeatMilliseconds = 1_000_000_000
    let genesis = try Genesis(
        parameters: parameters, time: BeaconTime(milliseconds: 1_000),
        accounts: keys.joined().map {
            Genesis.Opening(address: $0.address, balance: Amount(MethodLedger.opening))
        }, validators: [keys[0][0].address])
    let clock = ManualClock(MethodLedger.start)
    let (engine, _) = try Engine.open(
        EngineConfiguration(
            directory: directory, genesis: genesis, validator: keys[0][0],
            journalSalt: JournalSalt(high: 1, low: 2)),
        clock: clock, notify: { _ in })
    let ledger = MethodLedger(
        engine: engine,
        dispatcher: LedgerDispatcher(
            publisher: engine.publisher, intake: engine.intake, shards: engine.shards,
            genesis: genesis, clientVersion: "tallystick/test", accounts: [keys[0][0].address],
            clock: clock),
        clock: clock, keys: keys)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await engine.run() }
        group.addTask {
            defer {
                engine.stop()
                clock.close()
            }
            try await body(ledger)
        }
        try await group.waitForAll()
    }
}

extension JSON {
    init(_ address: Address) { self = .string(address.description) }

    /// What a quantity says.
    var units: UInt128? { quantity(UInt128.self) }
}
