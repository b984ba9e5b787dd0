import Dispatch
import Synchronization
import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyPrimitives
import TallyRPC
import TallySharding

/// A ledger of two shards behind the server of the product, on a port of this machine: inputs come
/// as those of clients do.
enum ServedLedger {
    private static let served = Mutex<Int?>(nil)

    /// Time that passes where somebody waits for it: timeouts of calls are over at once.
    private struct ImpatientClock: NodeClock {
        func now() -> BeaconTime { BeaconTime(milliseconds: 10_000) }
        func sleep(milliseconds: UInt64) async throws { try Task.checkCancellation() }
    }

    static func key(_ number: Int) throws -> PrivateKey {
        try PrivateKey(SHA256.hash(.object, Array("served \(number)".utf8)))
    }

    /// Opens the ledger and listens, once a process, whose end is theirs.
    static func prepare() async throws {
        guard served.withLock({ $0 }) == nil else { return }
        let directory = ScratchFolder.path + "/ledger"
        guard let layout = ShardLayout(shardCount: 2) else { preconditionFailure("two shards") }
        var parameters = NetworkParameters(chainID: 1337, layout: layout)
        parameters.heartbeatMilliseconds = 1_000_000_000
        let keys = try (0..<4).map(key)
        let genesis = try Genesis(
            parameters: parameters, time: BeaconTime(milliseconds: 1_000),
            accounts: keys.map {
                Genesis.Opening(address: $0.address, balance: Amount(1_000_000_000_000_000_000))
            }, validators: [keys[0].address])
        let (engine, _) = try Engine.open(
            EngineConfiguration(
                directory: directory, genesis: genesis, validator: keys[0],
                journalSalt: JournalSalt(high: 1, low: 2)), clock: SystemClock(),
            notify: { _ in })
        let dispatcher = LedgerDispatcher(
            publisher: engine.publisher, intake: engine.intake, shards: engine.shards,
            genesis: genesis, clientVersion: "tallystick/fuzz", accounts: [keys[0].address],
            clock: ImpatientClock())
        let server = try await RPCServer.bind(port: 0, dispatcher: dispatcher)
        Task.detached { try await engine.run() }
        Task.detached { await server.run() }
        // What is open stays open without its name.
        served.withLock { $0 = server.address.port }
    }

    private static func connect() throws(Violation) -> ClientSocket {
        guard let port = served.withLock({ $0 }) else {
            preconditionFailure("a target is prepared before it runs")
        }
        return try ClientSocket(port: port)
    }

    private static let callers = Mutex<ClientSocket?>(nil)

    // MARK: Calls

    /// FUZZ-10
    static func checkCall(_ bytes: [UInt8]) throws(Violation) {
        let socket = callers.withLock { kept in
            defer { kept = nil }
            return kept
        }
        let caller: ClientSocket
        if let socket { caller = socket } else { caller = try connect() }
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: \(bytes.count)\r\n\r\n"
        try caller.send(Array(head.utf8) + bytes)
        let (status, body) = try caller.response()
        callers.withLock { $0 = caller }
        let request = try? JSON.parse(bytes, limits: JSONLimits(depth: 32, values: 65_536))
        guard status != 204 else {
            return try check(
                isSilent(request), "FUZZ-10: a call is not answered")
        }
        try check(status == 200, "FUZZ-10: the status \(status)")
        try checkAnswer(body, to: request)
    }

    /// Whether there is nothing to answer.
    private static func isSilent(_ request: JSON?) -> Bool {
        switch request {
        case .array(let calls)?: !calls.isEmpty && calls.allSatisfy(isNotification)
        case let call?: isNotification(call)
        case nil: false
        }
    }

    private static func isNotification(_ call: JSON) -> Bool {
        call.objectValue != nil && call["id"] == nil
    }

    static func checkAnswer(_ body: [UInt8], to request: JSON?) throws(Violation) {
        guard let answer = try? JSON.parse(body) else {
            throw Violation("FUZZ-10: an answer that is no JSON")
        }
        if case .array(let answers) = answer {
            guard case .array(let calls)? = request else {
                throw Violation("FUZZ-10: many answers to one call")
            }
            try check(answers.count <= calls.count, "FUZZ-10: more answers than calls")
            var ids = calls.map { $0["id"] ?? .null } + [.null]
            for one in answers {
                try checkObject(one)
                guard let place = ids.firstIndex(of: one["id"] ?? .bool(true)) else {
                    // An id that is none is answered as null.
                    try check(one["id"] == .null, "FUZZ-10: an answer to no call")
                    continue
                }
                if ids[place] != .null { ids.remove(at: place) }
            }
        } else {
            try checkObject(answer)
            let id = answer["id"]
            try check(
                id == .null || id == request?["id"], "FUZZ-10: an answer under another id")
            if answer["error"] == nil {
                try check(id == request?["id"] ?? .null, "FUZZ-10: a result under another id")
            }
        }
    }

    private static func checkObject(_ answer: JSON) throws(Violation) {
        try check(answer["jsonrpc"] == "2.0", "FUZZ-10: another version")
        try check(answer["id"] != nil, "FUZZ-10: no id")
        try check(
            (answer["result"] == nil) != (answer["error"] == nil),
            "FUZZ-10: both a result and an error, or none")
        guard let error = answer["error"] else { return }
        try check(
            error["code"]?.int64Value != nil && error["message"]?.stringValue != nil,
            "FUZZ-10: an error without code or message")
        try check(
            error["code"]?.int64Value != -32_603, "FUZZ-10: an internal error: \(error)")
    }

    // MARK: WebSockets

    private static let handshake = Array(
        ("GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            + "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            .utf8)

    /// FUZZ-11. The input is what the client sends behind the request to switch, until it closes.
    static func checkWebSocket(_ bytes: [UInt8]) throws(Violation) {
        let socket = try connect()
        try socket.send(handshake)
        let (status, _) = try socket.response()
        try check(status == 101, "FUZZ-11: a good request to switch is refused")
        try socket.send(bytes)
        try checkFrames(try socket.rest())
    }

    /// What the server sends: whole, unmasked frames, texts of JSON, and nothing behind a close.
    private static func checkFrames(_ bytes: [UInt8]) throws(Violation) {
        var rest = bytes[...]
        var isClosed = false
        while let frame = try ServerFrame(&rest) {
            try check(!isClosed, "FUZZ-11: something follows the close frame")
            switch frame.opcode {
            case 1:
                guard let message = try? JSON.parse(frame.payload) else {
                    throw Violation("FUZZ-11: a text that is no JSON")
                }
                if message["method"] == nil, case .object = message { try checkObject(message) }
            case 8:
                isClosed = true
                try check(frame.payload.count != 1, "FUZZ-11: half a code of closing")
            case 10: try check(frame.payload.count <= 125, "FUZZ-11: a long pong")
            default: throw Violation("FUZZ-11: a frame of kind \(frame.opcode)")
            }
        }
    }
}

/// A frame as a server sends it.
private struct ServerFrame {
    let opcode: UInt8
    let payload: [UInt8]

    /// The next one; `nil` at the end, and for one that the end of the connection cut off.
    init?(_ rest: inout ArraySlice<UInt8>) throws(Violation) {
        let bytes = Array(rest)
        guard bytes.count >= 2 else { return nil }
        try check(bytes[0] & 0xf0 == 0x80, "FUZZ-11: a part, or an extension")
        try check(bytes[1] & 0x80 == 0, "FUZZ-11: a masked frame")
        var count = Int(bytes[1])
        var start = 2
        if count >= 126 {
            let width = count == 126 ? 2 : 8
            guard bytes.count >= 2 + width else { return nil }
            count = bytes[2..<2 + width].reduce(0) { $0 << 8 | Int($1) }
            start += width
        }
        guard bytes.count - start >= count else { return nil }
        opcode = bytes[0] & 0x0f
        payload = Array(bytes[start..<start + count])
        rest = rest.dropFirst(start + count)
    }
}
