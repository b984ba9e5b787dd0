import TallyClient
import Testing

@testable import TallyRPC

@Suite(.timeLimit(.minutes(1))) struct StopTests {
    @Test func finishesWhatIsUnderWay() async throws {
        try await withServer { server, dispatcher in
            var busy = try await RawClient.connect(server.address.port)
            var idle = try await RawClient.connect(server.address.port)
            #expect(try await idle.call(HTTPTests.echo).status == 200)
            try await busy.post(HTTPTests.call("wait", id: 1))
            await dispatcher.gate.arrived()
            async let stopping: Void = server.stop(within: .seconds(30))
            #expect(await idle.isClosedSilently())
            dispatcher.gate.open()
            let response = try await busy.response()
            #expect(response.body.contains("waited"))
            #expect(response.headers["connection"] == "close")
            #expect(await busy.isClosedSilently())
            await stopping
            await #expect(throws: (any Error).self) {
                try await RawClient.connect(server.address.port)
            }
        }
    }

    @Test func waitsForAClientThatReadsSlowly() async throws {
        try await withServer { server, _ in
            var client = try await RawClient.connect(server.address.port, reads: false)
            try await client.post(HTTPTests.call("huge", id: 1, params: "[20000000]"))
            while server.bufferedBytes < 20_000_000 { await Task.yield() }
            // Longer than this test may take.
            async let stopping: Void = server.stop(within: .seconds(600))
            try await client.startReading()
            #expect(try await client.response().body.utf8.count > 20_000_000)
            #expect(await client.isClosedSilently())
            await stopping
        }
    }

    @Test func cutsOffWhatTakesTooLong() async throws {
        try await withServer { server, dispatcher in
            var client = try await RawClient.connect(server.address.port)
            try await client.post(HTTPTests.call("sleepUntilCancelled", id: 1))
            await dispatcher.gate.arrived()
            await server.stop(within: .milliseconds(20))
            #expect(await client.isClosedSilently())
        }
    }

    @Test func endsWithItsTask() async throws {
        let server = try await RPCServer.bind(port: 0, dispatcher: EchoDispatcher())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            var client = try await RawClient.connect(server.address.port)
            #expect(try await client.call(HTTPTests.echo).status == 200)
            group.cancelAll()
            #expect(await client.isClosedSilently())
            try await group.waitForAll()
        }
    }

    @Test func holdsNothingOnceItIsClosed() async throws {
        for _ in 0..<20 {
            let dispatcher = try await servedAndClosed()
            #expect(dispatcher.value == nil)
        }
    }

    private struct Weak {
        weak var value: EchoDispatcher?
    }

    private func servedAndClosed() async throws -> Weak {
        let dispatcher = EchoDispatcher()
        let server = try await RPCServer.bind(port: 0, dispatcher: dispatcher)
        async let running: Void = server.run()
        var client = try await RawClient.connect(server.address.port)
        #expect(try await client.call(HTTPTests.echo).status == 200)
        var socket = try await RawWebSocket.connect(server.address.port)
        _ = try await socket.call(HTTPTests.echo)
        await server.stop(within: .seconds(5))
        await running
        await server.close()
        return Weak(value: dispatcher)
    }

    @Test func namesAPortThatIsTaken() async throws {
        try await withServer { server, _ in
            let port = server.address.port
            await #expect(throws: RPCServerError.addressInUse(host: "127.0.0.1", port: port)) {
                try await RPCServer.bind(port: port, dispatcher: EchoDispatcher())
            }
        }
        await #expect(throws: RPCServerError.self) {
            try await RPCServer.bind(host: "192.0.2.1", port: 0, dispatcher: EchoDispatcher())
        }
    }
}
