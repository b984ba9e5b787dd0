import Foundation
import Glibc
import TallyClient
import TallyNode
import TallyPrimitives
import TallySharding
import Testing

@testable import TallyCLI

/// What needs no process of a node. `start` handles signals, so that it runs in a process of its own.
@Suite struct LocalnetVerbTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A localnet that was made and never started, one node of which has a process.
    private func made(_ process: ProcessMark? = nil) throws -> Localnet {
        var size = Localnet.Size()
        (size.validators, size.observers, size.shards) = (1, 1, 1)
        var localnet = try Localnet.create(in: scratch["net"], size)
        localnet.state.nodes[0].process = process
        try localnet.save()
        return localnet
    }

    private func localnet(_ arguments: String...) async -> Outcome {
        await tally(["localnet"] + arguments + ["--dir", scratch["net"], "--json"])
    }

    @Test(arguments: [
        ["status"], ["stop"], ["reset"], ["kill-node", "1"], ["start-node", "1"],
    ])
    func looksForNoLocalnetByMakingOne(_ verb: [String]) async {
        let outcome = await tally(["localnet"] + verb + ["--dir", scratch["net"], "--json"])
        #expect(outcome.code == 1)
        #expect(outcome.errorCode == "noLocalnet")
        #expect(!FileManager.default.fileExists(atPath: scratch["net"]))
    }

    @Test func touchesNoForeignDirectory() async throws {
        let file = try scratch.write("mine", to: "diary")
        for verb in ["start", "reset"] {
            let outcome = try await TallyProgram.run(
                ["localnet", verb, "--dir", scratch.path, "--json"])
            #expect(outcome.errorCode == (verb == "start" ? "foreignDirectory" : "noLocalnet"))
        }
        #expect(try Files.read(file) == Array("mine".utf8))
    }

    /// The number is that of these tests, the start is another process's.
    @Test func signalsNobodyWhoGotTheNumberOfANode() async throws {
        let own = try #require(ProcessMark(of: getpid()))
        #expect(own.isRunning)
        for stranger in [
            ProcessMark(pid: own.pid, startTicks: own.startTicks - 1, boot: own.boot),
            ProcessMark(pid: own.pid, startTicks: own.startTicks, boot: "another run"),
        ] {
            #expect(!stranger.isRunning)
            #expect(!stranger.send(SIGKILL))
            try? FileManager.default.removeItem(atPath: scratch["net"])
            _ = try made(stranger)
            #expect(await localnet("kill-node", "1").errorCode == "notRunning")
            #expect(try await localnet("stop").json == ["stopped": []])
            let node = try await localnet("status").json["nodes"]?[0]
            #expect(node?["running"] == false)
            #expect(node?["pid"] == .null)
        }
        #expect(await localnet("reset").code == 0)
    }

    @Test func aProcessThatEndedIsNotRunning() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/true")
        try process.run()
        process.waitUntilExit()
        #expect(ProcessMark(of: process.processIdentifier) == nil)
        #expect(ProcessMark(of: 0) == nil)
        #expect(ProcessMark(of: -1) == nil)
    }

    /// The first thread's end is not that of the process, whose locks others still hold.
    @Test(arguments: [
        ("R", 1, false), ("D", 4, false), ("Z", 1, true), ("Z", 2, false), ("X", 0, true),
    ])
    func aProcessEndsWithItsLastThread(state: String, threads: Int, hasEnded: Bool) throws {
        let line =
            "77 (a (b) c) \(state) 1 77 77 0 -1 4194304 5 0 0 0 3 2 0 0 20 0 \(threads) 0 4711 9 9"
        let stat = try #require(ProcessMark.Stat(line.utf8))
        #expect(stat.startTicks == 4_711)
        #expect(stat.hasEnded == hasEnded)
        #expect(ProcessMark.Stat("77 (cut off) R 1 77".utf8) == nil)
    }

    @Test func continuesOnlyWhatIsAsWanted() async throws {
        _ = try made()
        for flags in [["--validators", "3"], ["--shards", "2"], ["--observers", "0"]] {
            let outcome = try await TallyProgram.run(
                ["localnet", "start", "--dir", scratch["net"], "--json"] + flags)
            #expect(outcome.errorCode == "differs")
        }
        #expect(await localnet("kill-node", "7").errorCode == "unknownNode")
    }

    @Test func tellsTheUnfinishedFromTheMade() async throws {
        var localnet = try made()
        localnet.state.isFinished = false
        try localnet.save()
        let start = try await TallyProgram.run(
            ["localnet", "start", "--dir", scratch["net"], "--json"])
        #expect(start.errorCode == "unfinished")
        #expect(await self.localnet("start-node", "1").errorCode == "unfinished")
        #expect(await self.localnet("reset").code == 0)
        #expect(!FileManager.default.fileExists(atPath: scratch["net"]))
    }

    @Test func nodesAreCompleteDirectories() throws {
        let localnet = try made()
        #expect(try Files.mode(of: localnet.passwordFile) == 0o600)
        for node in localnet.state.nodes {
            let path = localnet.directory(of: node)
            let settings = try NodeConfiguration.resolved(
                flags: [.dataDirectory: path], environment: [:])
            func value(_ setting: Setting) -> String? {
                settings.first { $0.setting == setting }?.value
            }
            #expect(value(.rpcPort) == "\(node.rpcPort)")
            #expect(value(.peerListen) == "127.0.0.1:\(node.peerPort)")
            let other = try #require(localnet.state.nodes.first { $0 != node })
            #expect(value(.peerPlaces) == "\(other.address)@127.0.0.1:\(other.peerPort)")
            #expect(value(.peerRole) == node.role.rawValue)
            #expect(value(.peerObservers) == "\(localnet.state.nodes[1].address)")
            #expect(try DataDirectory.genesis(path).genesis.hash == localnet.state.genesisHash)
        }
        #expect(try Localnet(of: scratch["net"]).state == localnet.state)
    }

    @Test func readsBackWhatItWrites() throws {
        let state = LocalnetState(
            genesisHash: .zero, shards: 3, isFinished: true,
            nodes: [
                LocalnetNode(
                    id: "node-1", role: .validator, address: .zero, rpcPort: 1, peerPort: 65_535,
                    process: ProcessMark(pid: 7, startTicks: .max, boot: "b")),
                LocalnetNode(
                    id: "node-2", role: .observer, address: .zero, rpcPort: 2, peerPort: 3,
                    process: nil),
            ])
        #expect(try LocalnetState(Array(state.json.description.utf8), file: "f") == state)
        #expect(try state.index(of: "node-2") == 1)
        #expect(try state.index(of: "1") == 0)
    }

    /// Ids become paths that `reset` removes.
    @Test(arguments: [
        ("\"node-1\"", "\"../home\""), ("\"node-1\"", "\"node-2\""), ("\"pid\":7", "\"pid\":-7"),
        ("\"version\":1", "\"version\":2"), ("\"version\":1,", ""), ("\"rpcPort\":1", "\"x\":1"),
        ("{", ""), ("true", "1"),
    ])
    func refusesADamagedFile(_ old: String, _ new: String) throws {
        let state = LocalnetState(
            genesisHash: .zero, shards: 3, isFinished: true,
            nodes: [
                LocalnetNode(
                    id: "node-1", role: .validator, address: .zero, rpcPort: 1, peerPort: 2,
                    process: ProcessMark(pid: 7, startTicks: 8, boot: "b"))
            ])
        let text = state.json.description
        let range = try #require(text.range(of: old))
        let damaged = text.replacingCharacters(in: range, with: new)
        #expect {
            _ = try LocalnetState(Array(damaged.utf8), file: "f")
        } throws: { error in
            switch error as? LocalnetError {
            case .damaged(file: "f", _), .unknownVersion(file: "f", found: 2): true
            default: false
            }
        }
    }

    @Test func portsAreFreeAndNotThoseOfOutgoingConnections() throws {
        let ports = try FreePorts.find(40)
        #expect(Set(ports).count == 40)
        #expect(ports.allSatisfy { $0 >= 10_000 })
        let range = String(
            decoding: try Files.read("/proc/sys/net/ipv4/ip_local_port_range", limit: 100),
            as: UTF8.self)
        let low = try #require(
            range.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) })
        if low > 11_000 { #expect(ports.allSatisfy { $0 < low }) }
        #expect(throws: LocalnetError.noFreePorts(wanted: 60_000)) {
            try FreePorts.find(60_000)
        }
    }
}
