import Foundation
import Glibc
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyCLI

/// Nodes as processes of their own.
@Suite(.serialized) struct LocalnetProcessTests {
    /// A localnet whose starter stays; it ends with the value, however the test went.
    private final class Running {
        let scratch: Scratch
        let directory: String
        let process: Process
        private let input = Pipe()
        private let output = Pipe()
        private(set) var ready: JSON = .null

        init(_ arguments: [String]) async throws {
            scratch = try Scratch()
            directory = scratch["net"]
            process = try TallyProgram.process(
                ["localnet", "start", "--dir", directory, "--json", "--until-eof"] + arguments)
            process.standardInput = input
            process.standardOutput = output
            try process.run()
            let line = await TallyProgram.firstLine(output)
            ready = try JSON.parse(Array(line.utf8))
        }

        deinit {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }

        func tally(_ arguments: String...) async throws -> JSON {
            let outcome = try await TallyProgram.run(
                ["localnet"] + arguments + ["--dir", directory, "--json"])
            try #require(outcome.code == 0, "\(outcome.error)")
            return try outcome.json
        }

        var pids: [Int32] {
            (ready["nodes"]?.arrayValue ?? []).compactMap {
                $0["pid"]?.uint64Value.flatMap(Int32.init(exactly:))
            }
        }

        func clients() throws -> [LedgerClient] {
            try (ready["nodes"]?.arrayValue ?? []).map { node in
                try LedgerClient(
                    try #require(node["rpc"]?.stringValue), timeout: .seconds(60))
            }
        }

        func key(_ index: Int) throws -> PrivateKey {
            let secret: Hash32 = try #require(
                ready["accounts"]?[index]?["privateKey"]?.fixedBytes())
            return try PrivateKey(secret)
        }
    }

    /// Stops the nodes of a directory, however the test went.
    private final class Stopping {
        let directory: String

        init(_ directory: String) { self.directory = directory }

        deinit {
            guard FileManager.default.fileExists(atPath: directory + "/localnet.json"),
                let process = try? TallyProgram.process(["localnet", "stop", "--dir", directory])
            else { return }
            if (try? process.run()) != nil { process.waitUntilExit() }
        }
    }

    private func transfer(_ nonce: Nonce, from key: PrivateKey, to: Address) -> [UInt8] {
        Envelope(
            chainID: DevNetwork.chainID, nonce: nonce, weightLimit: 21_000,
            maxFee: Amount(2_000_000_000), maxPriorityFee: Amount(1), to: to, value: Amount(5)
        ).signed(by: key)
    }

    /// Where the transaction is final; every client must know it within a minute.
    private func finalHeight(_ hash: Hash32, _ clients: [LedgerClient]) async throws -> Height {
        var heights: Set<Height> = []
        for client in clients {
            let deadline = ContinuousClock.now + .seconds(60)
            var status = try await client.status(of: hash, waitUntil: .final)
            while status.state != "final", ContinuousClock.now < deadline {
                status = try await client.status(of: hash, waitUntil: .final)
            }
            try #require(status.state == "final", "within a minute")
            #expect(status.succeeded == true)
            heights.insert(try #require(status.height))
        }
        #expect(heights.count == 1, "one transaction, one block")
        return try #require(heights.first)
    }

    private func hashes(_ height: Height, _ clients: [LedgerClient]) async throws -> Set<JSON> {
        var hashes: Set<JSON> = []
        for client in clients {
            let block = try await client.call(
                "eth_getBlockByNumber", [.string(Hex.quantity(height.value)), false])
            hashes.insert(try #require(block["hash"]))
        }
        return hashes
    }

    @Test(.timeLimit(.minutes(3))) func goesOnWithoutAKilledNodeWhichCatchesUp() async throws {
        let net = try await Running(
            ["--validators", "4", "--shards", "2", "--observers", "1"])
        #expect(net.pids.count == 5)
        let clients = try net.clients()
        let (sender, receiver) = (try net.key(0), try net.key(3).address)
        let first = try await clients[0].send(raw: transfer(0, from: sender, to: receiver))
        let height = try await finalHeight(first, clients)
        #expect(try await hashes(height, clients).count == 1)

        let killed = try await net.tally("kill-node", "node-4")
        #expect(killed == ["id": "node-4", "pid": JSON(net.pids[3])])
        let left = try await net.tally("status")["nodes"]?.arrayValue ?? []
        #expect(left.map { $0["running"] } == [true, true, true, false, true])
        #expect(left[4]["role"] == "observer")
        #expect(left[3]["pid"] == .null)
        // Through the observer, which passes it on.
        let second = try await clients[4].send(raw: transfer(1, from: sender, to: receiver))
        _ = try await finalHeight(second, Array(clients.prefix(3) + clients.suffix(1)))

        let again = try await net.tally("start-node", "4")
        #expect(again["id"] == "node-4")
        #expect(again["rpc"] == net.ready["nodes"]?[3]?["rpc"], "the ports stay")
        let caughtUp = try await finalHeight(second, clients)
        #expect(try await hashes(caughtUp, clients).count == 1)
        for client in clients { client.rpc.close() }

        let stopped = try await net.tally("stop")
        #expect(stopped["stopped"]?.arrayValue?.count == 5)
        // The starter has nothing left to wait for.
        #expect(await TallyProgram.end(of: net.process) == 0)
        for pid in net.pids { #expect(ProcessMark(of: pid) == nil) }
    }

    @Test(.timeLimit(.minutes(2))) func detachedNodesOutliveTheirStarter() async throws {
        let scratch = try Scratch()
        let directory = scratch["net"]
        let stopping = Stopping(directory)
        defer { withExtendedLifetime(stopping) {} }
        func localnet(_ arguments: String...) async throws -> Outcome {
            try await TallyProgram.run(
                ["localnet"] + arguments + ["--dir", directory, "--json"])
        }
        let start = try await localnet("start", "--validators", "1", "--shards", "1", "--detach")
        let pid = Int32(try #require(try start.json["nodes"]?[0]?["pid"]?.int64Value))
        let mark = try #require(ProcessMark(of: pid))
        // A session of its own: no terminal reaches it.
        #expect(getsid(pid) == pid)
        #expect(try await localnet("start").errorCode == "running")
        #expect(try await localnet("start-node", "1").errorCode == "running")
        #expect(mark.isRunning)
        let status = try await localnet("status").json["nodes"]?[0]
        #expect(status?["running"] == true)
        #expect(status?["height"]?.uint64Value != nil)
        #expect(status?["peers"] == 0)
        #expect(try await localnet("stop").json == ["stopped": ["node-1"]])
        #expect(!mark.isRunning)
        #expect(try await localnet("stop").json == ["stopped": []])
        #expect(try await localnet("kill-node", "1").errorCode == "notRunning")
        // What the operator put there stays.
        try FileManager.default.createDirectory(
            atPath: directory + "/mine", withIntermediateDirectories: false)
        #expect(try await localnet("reset").code == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["mine"])
    }

    @Test(.timeLimit(.minutes(2))) func ctrlCStopsEveryNode() async throws {
        let net = try await Running(["--validators", "1", "--shards", "1"])
        #expect(net.pids.count == 1)
        kill(net.process.processIdentifier, SIGINT)
        #expect(await TallyProgram.end(of: net.process) == 0)
        for pid in net.pids { #expect(ProcessMark(of: pid) == nil) }
        let reset = try await net.tally("reset")
        #expect(reset["removed"] != nil)
        #expect(!FileManager.default.fileExists(atPath: net.directory))
    }

    @Test(.timeLimit(.minutes(2))) func tellsWhyANodeEndedAtOnce() async throws {
        let net = try await Running(["--validators", "1", "--shards", "1"])
        _ = try await net.tally("stop")
        let file = net.directory + "/node-1/config.toml"
        try Files.write(Array("[rpc]\nport = \"none\"\n".utf8), to: file)
        let outcome = try await TallyProgram.run(
            ["localnet", "start-node", "1", "--dir", net.directory, "--json"])
        #expect(outcome.errorCode == "ended")
        #expect(outcome.error.contains("'rpc.port'"))
    }
}
