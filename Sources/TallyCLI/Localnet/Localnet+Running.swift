import Foundation
import Glibc
import TallyClient
import TallyPrimitives

/// Processes of a localnet. Whoever starts or ends one holds the lock, and what happened is in the file
/// before anything else is done.
extension Localnet {
    /// How often processes and nodes are looked at.
    static let lookInterval: Duration = .milliseconds(50)
    /// A node stops within 5 s; one on a loaded machine is given more.
    static let stopSeconds: Int64 = 20

    // MARK: Starting

    /// Starts processes for all nodes and waits until each is ready.
    ///
    /// When one of them is not, all are stopped again.
    /// - Throws: `.running` when a node runs already, `.spawn`, `.ended`, `.notReady`.
    mutating func startAll(within seconds: Int64) async throws {
        for node in state.nodes {
            if let pid = node.pid { throw LocalnetError.running(id: node.id, pid: pid, path: path) }
        }
        let program = try DetachedProcess.thisProgram()
        do {
            for index in state.nodes.indices { try launch(index, program) }
            let deadline = ContinuousClock.now + .seconds(seconds)
            for index in state.nodes.indices {
                try await waitUntilReady(index, deadline, seconds)
            }
        } catch {
            // The first failure is the one to tell.
            _ = try? await stopAll()
            throw error is CancellationError ? LocalnetError.interrupted : error
        }
    }

    /// Starts one node and waits until it is ready.
    /// - Throws: `.running`, `.spawn`, `.ended`, `.notReady`.
    mutating func start(_ index: Int, within seconds: Int64) async throws {
        let node = state.nodes[index]
        if let pid = node.pid { throw LocalnetError.running(id: node.id, pid: pid, path: path) }
        try launch(index, try DetachedProcess.thisProgram())
        try await waitUntilReady(index, .now + .seconds(seconds), seconds)
    }

    private mutating func launch(_ index: Int, _ program: String) throws {
        let node = state.nodes[index]
        let variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("TALLY_") }
        do throws(DetachedProcess.Failure) {
            state.nodes[index].process = try DetachedProcess.start(
                program,
                ["start", "--data-dir", directory(of: node), "--password-file", passwordFile],
                environment: variables.map { "\($0.key)=\($0.value)" }.sorted(),
                log: log(of: node))
        } catch { throw LocalnetError.spawn(id: node.id, errno: error.reason) }
        try save()
    }

    /// Returns when a node of our ledger answers at the node's port (LOCAL-5).
    private func waitUntilReady(
        _ index: Int, _ deadline: ContinuousClock.Instant, _ seconds: Int64
    ) async throws {
        let node = state.nodes[index]
        while await answer(of: node)?.isOurs != true {
            guard node.isRunning else {
                throw LocalnetError.ended(
                    id: node.id, log: log(of: node), lastWords: lastWords(of: node))
            }
            guard ContinuousClock.now < deadline else {
                throw LocalnetError.notReady(id: node.id, seconds: seconds, log: log(of: node))
            }
            try await Task.sleep(for: Self.lookInterval)
        }
    }

    /// The last line of a node's log.
    private func lastWords(of node: LocalnetNode) -> String {
        guard let file = FileHandle(forReadingAtPath: log(of: node)) else { return "no log" }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size > 4_096 ? size - 4_096 : 0)
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).last.map(String.init)
        return line ?? "it said nothing"
    }

    // MARK: Ending

    /// Asks every node to stop, in their order, and waits until all have ended (LOCAL-8).
    /// - Returns: who ran.
    /// - Throws: `.stillRunning`.
    @discardableResult
    mutating func stopAll() async throws -> [String] {
        let ids = state.nodes.filter { $0.process?.send(SIGTERM) ?? false }.map(\.id)
        try await waitUntilEnded(Self.stopSeconds)
        return ids
    }

    /// Ends processes that do not stop.
    mutating func killAll() async throws {
        for node in state.nodes { node.process?.send(SIGKILL) }
        try await waitUntilEnded(Self.stopSeconds)
    }

    /// Ends a node as a power cut would (LOCAL-9).
    /// - Returns: the process that was.
    /// - Throws: `.notRunning`, `.stillRunning`.
    mutating func kill(_ index: Int) async throws -> Int32 {
        let node = state.nodes[index]
        guard let process = node.process, process.send(SIGKILL) else {
            throw LocalnetError.notRunning(id: node.id, path: path)
        }
        try await waitUntilEnded(Self.stopSeconds, only: index)
        return process.pid
    }

    private mutating func waitUntilEnded(_ seconds: Int64, only: Int? = nil) async throws {
        let waited = only.map { [$0] } ?? Array(state.nodes.indices)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            DetachedProcess.reap()
            for index in waited where !state.nodes[index].isRunning {
                state.nodes[index].process = nil
            }
            let left = waited.filter { state.nodes[$0].process != nil }
            if left.isEmpty || ContinuousClock.now >= deadline {
                try save()
                guard !left.isEmpty else { return }
                throw LocalnetError.stillRunning(
                    left.compactMap { index in
                        let node = state.nodes[index]
                        return node.process.map { .init(id: node.id, pid: $0.pid) }
                    }, seconds: seconds, path: path)
            }
            // Also where this task is cancelled: what was begun is finished.
            await Task.detached { try? await Task.sleep(for: Self.lookInterval) }.value
        }
    }

    // MARK: Looking

    /// What a node says of itself.
    struct Answer: Sendable {
        let isOurs: Bool
        let height: UInt64?
        /// Nodes that it is connected to.
        let peers: UInt64?
    }

    /// Those of all nodes, asked at once; `nil` for who does not run or answers for another ledger.
    func answers() async -> [Answer?] {
        await withTaskGroup(of: (Int, Answer?).self) { group in
            for (index, node) in state.nodes.enumerated() where node.isRunning {
                group.addTask { (index, await answer(of: node)) }
            }
            var answers: [Answer?] = state.nodes.map { _ in nil }
            for await (index, answer) in group where answer?.isOurs == true {
                answers[index] = answer
            }
            return answers
        }
    }

    /// `nil` when nobody answers.
    func answer(of node: LocalnetNode) async -> Answer? {
        guard let client = try? LedgerClient(node.rpc, timeout: .seconds(2)) else { return nil }
        defer { client.rpc.close() }
        guard let info = try? await client.call("node_info") else { return nil }
        return Answer(
            isOurs: info["genesisHash"]?.fixedBytes() == state.genesisHash,
            height: info["height"]?.quantity(), peers: info["peers"]?.uint64Value)
    }
}
