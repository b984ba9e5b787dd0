import Foundation
import TallyBench
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyStore

/// Ledgers that are started for a run and removed after it.
enum BenchTargets {
    /// A new directory below the temporary one, removed however `body` ends.
    static func withDirectory<Result>(
        _ body: (String) async throws -> Result
    ) async throws -> Result {
        let path =
            FileManager.default.temporaryDirectory.path + "/tally-bench-" + UUID().uuidString
        try Directories.create(path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }

    /// One validator in a process of its own.
    static func withDev<Result>(
        shards: Int, _ body: (BenchTarget) async throws -> Result
    ) async throws -> Result {
        try await withDirectory { directory in
            let node = try await DemoNode.start(directory: directory + "/ledger", shards: shards)
            var target = BenchTarget(
                kind: "dev", names: ["dev"], endpoints: [node.rpc], keys: node.accounts.map(\.key))
            let pid = node.process
            target.watched = { [WatchedProcess(name: "dev", pid: pid)] }
            do {
                let result = try await body(target)
                _ = await node.stop()
                return result
            } catch {
                _ = await node.stop()
                throw error
            }
        }
    }

    /// Validators in a process each.
    static func withLocalnet<Result>(
        validators: Int, shards: Int, killEvery: Double?, seed: UInt64,
        _ body: (BenchTarget) async throws -> Result
    ) async throws -> Result {
        try await withDirectory { directory in
            var size = Localnet.Size()
            size.validators = validators
            size.shards = shards
            var localnet = try Localnet.create(in: directory + "/net", size)
            let path = localnet.path
            do {
                try await localnet.startAll(within: 120)
                let running = RunningLocalnet(localnet)
                let state = localnet.state
                var target = BenchTarget(
                    kind: "localnet", names: state.nodes.map(\.id),
                    endpoints: state.nodes.map(\.rpc),
                    keys: try localnet.network.accounts.map(\.key))
                target.watched = { await running.processes }
                target.heal = { try await running.startMissing() }
                if let killEvery {
                    target.killEvery = killEvery
                    target.disturb = { note in
                        try await running.killRandomly(every: killEvery, seed: seed, note)
                    }
                }
                let result = try await body(target)
                try await end(path)
                return result
            } catch {
                // The first failure is the one to tell.
                try? await end(path)
                throw error
            }
        }
    }

    /// Ends every node; also one that was started while the task was being cancelled, which only the
    /// file knows.
    private static func end(_ path: String) async throws {
        var localnet = try Localnet(of: path)
        do {
            try await localnet.stopAll()
        } catch LocalnetError.stillRunning {
            try await localnet.killAll()
        }
    }
}

/// A localnet whose nodes come and go.
actor RunningLocalnet {
    private var localnet: Localnet
    /// How long a killed node may take to be back.
    private static let startSeconds: Int64 = 60

    init(_ localnet: Localnet) { self.localnet = localnet }

    var processes: [WatchedProcess] {
        localnet.state.nodes.map { WatchedProcess(name: $0.id, pid: $0.pid) }
    }

    /// Kills one node after the other, each drawn by the seed, and starts it again at once.
    func killRandomly(
        every seconds: Double, seed: UInt64, _ note: @Sendable (String) -> Void
    ) async throws {
        var random = SeededGenerator(seed: seed)
        while true {
            try await Task.sleep(for: .seconds(seconds))
            let index = Int.random(in: localnet.state.nodes.indices, using: &random)
            let id = localnet.state.nodes[index].id
            var changed = localnet
            let pid = try await changed.kill(index)
            localnet = changed
            note("kill -9 of \(id), process \(pid)")
            let begin = ContinuousClock.now
            try await changed.start(index, within: Self.startSeconds)
            localnet = changed
            let taken = (ContinuousClock.now - begin) / .milliseconds(1)
            note(
                "\(id) answers again after \(Int(taken)) ms, process "
                    + "\(localnet.state.nodes[index].pid ?? 0)")
        }
    }

    /// Starts who does not run, and waits until everybody answers: one may just have been started.
    func startMissing() async throws {
        var changed = try Localnet(of: localnet.path)
        for index in changed.state.nodes.indices where !changed.state.nodes[index].isRunning {
            try await changed.start(index, within: Self.startSeconds)
        }
        localnet = changed
        let deadline = ContinuousClock.now + .seconds(Self.startSeconds)
        while await changed.answers().contains(where: { $0 == nil }) {
            guard ContinuousClock.now < deadline else {
                let node = changed.state.nodes[0]
                throw LocalnetError.notReady(
                    id: node.id, seconds: Self.startSeconds, log: changed.log(of: node))
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
