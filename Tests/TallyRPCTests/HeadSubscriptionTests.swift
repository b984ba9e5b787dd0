import NIOPosix
import Synchronization
import TallyClient
import TallyEngine
import TallyExecution
import TallyPrimitives
import Testing

@testable import TallyRPC

/// `eth_subscribe` over a ledger and a socket.
@Suite(.timeLimit(.minutes(1))) struct HeadSubscriptionTests {
    private func withSocket(
        _ body: @Sendable @escaping (MethodLedger, inout RawWebSocket) async throws -> Void
    ) async throws {
        try await withLedger { ledger in
            let server = try await RPCServer.bind(port: 0, dispatcher: ledger.dispatcher)
            async let running: Void = server.run()
            do {
                var socket = try await RawWebSocket.connect(server.address.port)
                try await body(ledger, &socket)
            } catch { Issue.record(error) }
            await server.stop(within: .seconds(5))
            await running
        }
    }

    private static func call(_ method: String, _ params: JSON...) -> String {
        MethodLedger.call(method, .array(params)).description
    }

    private static func subscribe(_ socket: inout RawWebSocket) async throws -> JSON {
        let answer = try await socket.call(call("eth_subscribe", "newHeads"))
        return try #require(try JSON.parse(Array(answer.utf8))["result"])
    }

    @Test func announcesEveryHeadOnceAndInOrder() async throws {
        try await withSocket { ledger, socket in
            let id = try await Self.subscribe(&socket)
            let start = ledger.engine.publisher.current.height.value
            for nonce in 0..<5 {
                _ = try await ledger.settle(
                    ledger.raw(0, nonce: UInt64(nonce), to: ledger.address(1), value: 1))
            }
            let end = ledger.engine.publisher.current.height.value
            #expect(end >= start + 10)
            var parent: JSON?
            for height in start + 1...end {
                let message = try await socket.json()
                #expect(message["method"] == "eth_subscription")
                #expect(message["params"]?["subscription"] == id)
                let head = try #require(message["params"]?["result"])
                #expect(head["number"]?.units == UInt128(height))
                if let parent { #expect(head["parentHash"] == parent) }
                parent = head["hash"]
                // It can be read, and is the same.
                let block = try await ledger.ask("eth_getBlockByHash", try #require(head["hash"]))
                for member in try #require(head.objectValue).members {
                    #expect(block[member.key] == member.value, "\(member.key)")
                }
            }
            let answer = try await socket.call(Self.call("eth_unsubscribe", id))
            #expect(answer.contains("\"result\":true"))
            _ = try await ledger.settle(
                ledger.raw(0, nonce: 5, to: ledger.address(0, 1), value: 1))
            // Nothing was announced in between.
            #expect(try await socket.call(Self.call("net_version")).contains("1337"))
        }
    }

    @Test(
        arguments: [
            (["logs", [:]], -32_004), (["newPendingTransactions"], -32_004), (["syncing"], -32_004),
            (["weather"], -32_601), ([], -32_602), ([1], -32_602),
        ] as [(JSON, Int)])
    func otherKindsAreTypedErrors(_ params: JSON, _ code: Int) async throws {
        try await withSocket { _, socket in
            let call = MethodLedger.call("eth_subscribe", params).description
            let answer = try JSON.parse(Array(try await socket.call(call).utf8))
            #expect(answer["error"]?["code"] == JSON(code), "\(answer)")
        }
    }

    @Test func theNodesEndClosesWithAReason() async throws {
        try await withSocket { ledger, socket in
            _ = try await Self.subscribe(&socket)
            ledger.engine.publisher.close()
            let closing = try await socket.closing()
            #expect(closing.code == 1001)
        }
    }

    /// A client that takes nothing is told all that its window holds, then waited for until it is
    /// too far behind: nothing is skipped before that.
    @Test func aLaggingSubscriberIsDroppedAndNoneSkipped() async throws {
        try await withLedger { ledger in
            let window = NotificationWindow(limit: 4)
            let seen = Mutex<[UInt128]>([])
            let notifier = RPCNotifier(window: window, method: "eth_subscription", id: "0x1") {
                _, text in
                let json = try? JSON.parse(text)
                let number = json?["params"]?["result"]?["number"]?.units ?? 0
                seen.withLock { $0.append(number) }
            }
            let feed = HeadFeed(ledger.dispatcher, lag: 6).subscription
            let start = UInt128(ledger.engine.publisher.current.height.value)
            async let end = feed.run(notifier)
            for nonce in 0..<15 {
                _ = try await ledger.settle(
                    ledger.raw(0, nonce: UInt64(nonce), to: ledger.address(0, 1), value: 1))
                // Taken while few: the feed goes on where it was.
                if nonce == 2 {
                    while seen.withLock({ $0.count }) < 3 { await Task.yield() }
                    for _ in 0..<3 { window.taken() }
                }
            }
            #expect(await end == .lagging)
            #expect(seen.withLock { $0 } == (1...7).map { start + $0 })
        }
    }
}
