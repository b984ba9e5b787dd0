import Synchronization
import TallyClient

@testable import TallyRPC

/// Methods for tests of the transport.
final class EchoDispatcher: RPCDispatcher {
    /// The number of calls of each batch that came.
    let batches = Mutex<[Int]>([])
    /// Notifications that came.
    let notifications = Mutex<[String]>([])
    let gate = Gate()

    func respondAtOnce(
        to call: RPCCall, into result: inout JSONWriter
    ) throws(RPCFailure) -> Bool {
        note(call)
        switch call.method {
        case "echoAtOnce": result.value(call.params)
        case "failAtOnce":
            result.string("taken back")
            throw .invalidParams("at once")
        case "undecided":
            result.string("taken back")
            return false
        case "nothing": break
        default: return false
        }
        return true
    }

    func respond(to call: RPCCall, into result: inout JSONWriter) async throws(RPCFailure) {
        switch call.method {
        case "echo", "undecided": result.value(call.params)
        case "fail":
            result.beginArray()
            result.string("taken back")
            throw RPCFailure(-32_000, "nonce too low", data: ["retryable": false])
        case "big":
            let count = call.params[0]?.int64Value ?? 0
            result.array { result in
                for _ in 0..<count where !result.isFull { result.string("0123456789abcde") }
            }
        case "huge":
            result.string(String(repeating: "x", count: Int(call.params[0]?.int64Value ?? 0)))
        case "wait":
            await gate.pass()
            result.string("waited")
        case "sleepUntilCancelled":
            gate.enter()
            // Ends only when the task is cancelled.
            let (never, source) = AsyncStream<Void>.makeStream()
            for await _ in never {}
            source.finish()
            result.bool(Task.isCancelled)
        default: throw .methodNotFound(call.method)
        }
    }

    func respond(to batch: inout RPCBatch) async {
        let count = batch.calls.count
        batches.withLock { $0.append(count) }
        for index in batch.calls.indices where batch.calls[index].method != "forgotten" {
            await answer(index, of: &batch)
        }
    }

    func push(for call: RPCCall) throws(RPCFailure) -> RPCPush? {
        let first = call.params[0]
        switch call.method {
        case "stop": return .unsubscribe(first?.stringValue ?? "")
        case "refuse": throw .invalidParams("not today")
        case "count":
            // As many numbers as asked for, as fast as they are taken, each after some padding.
            let end = first?.int64Value ?? 0
            let padding = Array(
                repeating: UInt8(ascii: " "), count: Int(call.params[1]?.int64Value ?? 0))
            return .subscribe(
                RPCSubscription(method: "counted") { notifier in
                    var next = 0
                    while next < end {
                        await notifier.room()
                        if Task.isCancelled { return .stopped }
                        notifier.push(padding + String(next).utf8)
                        next += 1
                    }
                    await self.gate.pass()
                    return .stopped
                })
        case "flood":
            // Does not look whether there is room, until the window is full.
            let text = Array("\"\(String(repeating: "x", count: 10_000))\"".utf8)
            return .subscribe(
                RPCSubscription(method: "flooded") { notifier in
                    while notifier.hasRoom { notifier.push(text) }
                    return .lagging
                })
        default: return nil
        }
    }

    private func note(_ call: RPCCall) {
        if call.isNotification { notifications.withLock { $0.append(call.method) } }
    }
}

/// A method waits here until a test opens the gate; the test waits until one has come.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrivals = 0
        var passing: [CheckedContinuation<Void, Never>] = []
        var observers: [(Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func enter() {
        let reached = state.withLock { state in
            state.arrivals += 1
            let arrivals = state.arrivals
            let reached = state.observers.filter { $0.0 <= arrivals }
            state.observers.removeAll { $0.0 <= arrivals }
            return reached
        }
        for (_, observer) in reached { observer.resume() }
    }

    func pass() async {
        enter()
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.passing.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func arrived(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.arrivals < count { state.observers.append((count, continuation)) }
                return state.arrivals >= count
            }
            if isReached { continuation.resume() }
        }
    }

    var arrivals: Int { state.withLock { $0.arrivals } }

    func open() {
        let passing = state.withLock { state in
            state.isOpen = true
            defer { state.passing = [] }
            return state.passing
        }
        for continuation in passing { continuation.resume() }
    }
}

/// Runs `body` with a server on a free port, and stops the server.
func withServer(
    limits: RPCLimits = RPCLimits(), access: RPCAccess = RPCAccess(),
    pages: @escaping RPCPageSource = { _ in nil },
    _ body: (RPCServer<EchoDispatcher>, EchoDispatcher) async throws -> Void
) async throws {
    let dispatcher = EchoDispatcher()
    let server = try await RPCServer.bind(
        port: 0, dispatcher: dispatcher, limits: limits, access: access, pages: pages)
    async let running: Void = server.run()
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(server, dispatcher))
    } catch {
        result = .failure(error)
    }
    dispatcher.gate.open()
    await server.stop(within: .seconds(5))
    await running
    try result.get()
}
