import ArgumentParser
import BenchSupport
import Foundation
import Synchronization
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyJournal
import TallyNetwork
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Frames between two nodes of this process over loopback, and four validators that agree.
struct TransportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transport",
        abstract: "Messages over mutual TLS, and agreement of four validators over it.")

    @Option(help: "Frames of each measurement.")
    var frames = 200_000
    @Option(help: "Bytes of a frame's payload.")
    var bytes = 200
    @Option(help: "Transfers that four validators make final, one after another; 0 for none.")
    var transfers = 500

    func run() async throws {
        let pair = try await LinkPair.make()
        let payload = [UInt8](repeating: 7, count: bytes)
        for window in [64, 1_024] {
            let (cpu, wall) = try await pair.stream(payload, count: frames, window: window)
            show("\(window) a flush", cpu: cpu, wall: wall, count: frames)
        }
        let single = max(1, frames / 20)
        var trips = try await pair.trips(payload, count: single)
        show("flushed each", cpu: trips.cpu, wall: trips.wall, count: 2 * single)
        trips.seconds.sort()
        print("one way: p50 \(half(trips.seconds, 50)), p99 \(half(trips.seconds, 99))")
        await pair.stop()
        if transfers > 0 { try await AgreeingValidators.measure(transfers) }
    }

    private func show(_ name: String, cpu: Double, wall: Double, count: Int) {
        print(
            "\(bytes) B, \(name): \(Int(Double(count) / cpu)) a CPU-second, "
                + micros(cpu / Double(count)) + " of CPU and " + micros(wall / Double(count))
                + " each, both sides together")
    }

    private func half(_ seconds: [Double], _ percent: Int) -> String {
        micros(seconds[min(seconds.count - 1, seconds.count * percent / 100)] / 2)
    }
}

private func micros(_ seconds: Double) -> String {
    String(format: "%.2f µs", seconds * 1e6)
}

/// Two transports that know each other, and the links between them.
private struct LinkPair: Sendable {
    let transports: [PeerTransport]
    let links: [PeerLink]

    static func make() async throws -> LinkPair {
        let keys = try (0..<2).map { try TransportWorkload.key("node \($0)") }
        let chain = ChainIdentity(genesis: .zero, chainID: 1)
        var transports: [PeerTransport] = []
        for (index, key) in keys.enumerated() {
            var configuration = TransportConfiguration(
                identity: try TransportIdentity(pem: TransportIdentity.makePEM()),
                signer: KeySigner(key), chain: chain,
                list: PeerList(validators: keys.map(\.address)), seed: UInt64(index))
            // What is measured is the transport, not what it allows a peer.
            configuration.limits.frames = .init(perSecond: 1 << 40, burst: 1 << 40)
            configuration.limits.bytes = .init(perSecond: 1 << 40, burst: 1 << 40)
            if index > 0 { configuration.places[keys[0].address] = transports[0].place }
            transports.append(
                try await PeerTransport.bind(configuration, clock: SystemClock()) { _ in })
        }
        var links: [PeerLink] = []
        for transport in transports { transport.start() }
        for transport in transports {
            for await link in transport.established {
                links.append(link)
                break
            }
        }
        return LinkPair(transports: transports, links: links)
    }

    func stop() async {
        for transport in transports { await transport.stop() }
    }

    /// Sends windows of frames, each when the one before has arrived.
    func stream(
        _ payload: [UInt8], count: Int, window: Int
    ) async throws -> (cpu: Double, wall: Double) {
        let frame = PeerFrame.vote(payload).bytes
        let (cpu, wall) = (Clocks.process, Clocks.wall)
        var sent = 0
        var arrived = 0
        while arrived < count {
            // Two windows are under way, so that both sides have something to do.
            while sent < count, sent - arrived < 2 * window {
                for _ in 0..<window { links[0].send(frame, .votes) }
                sent += window
            }
            guard let frames = await links[1].received() else {
                throw BenchError("the connection was lost")
            }
            arrived += frames.count
        }
        while arrived < sent, let frames = await links[1].received() { arrived += frames.count }
        return (Clocks.process - cpu, Clocks.wall - wall)
    }

    /// Sends one frame there and one back, again and again.
    func trips(
        _ payload: [UInt8], count: Int
    ) async throws -> (cpu: Double, wall: Double, seconds: [Double]) {
        let frame = PeerFrame.vote(payload).bytes
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<count {
                    guard await links[1].received() != nil else { return }
                    links[1].send(frame, .votes)
                }
            }
            var seconds: [Double] = []
            let (cpu, wall) = (Clocks.process, Clocks.wall)
            for _ in 0..<count {
                let start = Clocks.wall
                links[0].send(frame, .votes)
                guard await links[0].received() != nil else {
                    throw BenchError("the connection was lost")
                }
                seconds.append(Clocks.wall - start)
            }
            let result = (Clocks.process - cpu, Clocks.wall - wall, seconds)
            try await group.waitForAll()
            return (cpu: result.0, wall: result.1, seconds: result.2)
        }
    }
}

private enum TransportWorkload {
    static func key(_ name: String) throws -> PrivateKey {
        try PrivateKey(SHA256.hash(.object, Array(name.utf8)))
    }
}

/// Four validators of this process, each with its own ledger on disk and its own socket.
private struct AgreeingValidators {
    static func measure(_ count: Int) async throws {
        try await withDirectory { directory in
            let keys = try (0..<4).map { try TransportWorkload.key("validator \($0)") }
            let account = try TransportWorkload.key("account")
            guard let layout = ShardLayout(shardCount: 4) else { throw BenchError("no layout") }
            let genesis = try Genesis(
                parameters: NetworkParameters(chainID: 1337, layout: layout),
                time: SystemClock().now(),
                accounts: [
                    Genesis.Opening(
                        address: account.address, balance: Amount(1_000_000_000_000_000_000))
                ], validators: keys.map(\.address))
            try await run(count, genesis, keys, account, directory)
        }
    }

    private static func run(
        _ count: Int, _ genesis: Genesis, _ keys: [PrivateKey], _ account: PrivateKey,
        _ directory: String
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var places: [Address: PeerPlace] = [:]
            var validators: [(engine: Engine, network: PeerNetwork)] = []
            for (index, key) in keys.enumerated() {
                let (engine, network) = try await open(
                    index, genesis, key, places, directory: directory + "/\(index)")
                places[key.address] = network.transport.place
                validators.append((engine, network))
                group.addTask { try await network.run(engine) }
                group.addTask { try await engine.run() }
            }
            let engine = validators[0].engine
            // The first blocks are those of a network that finds itself.
            _ = try await finalise(10, from: 0, engine, account)
            let start = engine.publisher.current.height
            let (cpu, wall) = (Clocks.process, Clocks.wall)
            var seconds = try await finalise(count, from: 10, engine, account)
            let (cpuSeconds, wallSeconds) = (Clocks.process - cpu, Clocks.wall - wall)
            seconds.sort()
            let heights = engine.publisher.current.height.value - start.value
            func milliseconds(_ percent: Int) -> String {
                String(format: "%.2f ms", seconds[(seconds.count - 1) * percent / 100] * 1e3)
            }
            print(
                "four validators, one process: submit to final p50 \(milliseconds(50)), p90 "
                    + "\(milliseconds(90)), p99 \(milliseconds(99)), most \(milliseconds(100))")
            print(
                "\(heights) heights in " + String(format: "%.2f s", wallSeconds) + ", "
                    + String(format: "%.2f ms", cpuSeconds / Double(heights) * 1e3)
                    + " of CPU a height")
            for (engine, network) in validators {
                await network.stop()
                engine.stop()
            }
            try await group.waitForAll()
        }
    }

    private static func open(
        _ index: Int, _ genesis: Genesis, _ key: PrivateKey, _ places: [Address: PeerPlace],
        directory: String
    ) async throws -> (Engine, PeerNetwork) {
        let chain = ChainIdentity(genesis: genesis.hash, chainID: genesis.parameters.chainID)
        var configuration = TransportConfiguration(
            identity: try TransportIdentity(pem: TransportIdentity.makePEM()),
            signer: KeySigner(key), chain: chain, list: PeerList(validators: genesis.validators),
            seed: UInt64(index))
        configuration.places = places
        let transport = try await PeerTransport.bind(configuration, clock: SystemClock()) { _ in }
        let network = PeerNetwork(transport, chain: chain, clock: SystemClock())
        var engineConfiguration = EngineConfiguration(
            directory: directory, genesis: genesis, validator: key,
            journalSalt: JournalSalt(high: 1, low: UInt64(index)))
        engineConfiguration.network = network
        let engine = try Engine.open(engineConfiguration, clock: SystemClock()) { notice in
            if case .checkpointed = notice { return }
            progress("validator \(index): \(notice)")
        }.engine
        return (engine, network)
    }

    /// Transfers one after another: seconds from the offer to a readable block.
    private static func finalise(
        _ count: Int, from nonce: Nonce, _ engine: Engine, _ account: PrivateKey
    ) async throws -> [Double] {
        var seconds: [Double] = []
        for number in 0..<Nonce(count) {
            let raw = Envelope(
                chainID: 1337, nonce: nonce + number, weightLimit: 21_000,
                maxFee: Amount(2_000_000_000), maxPriorityFee: Amount(1),
                to: account.address, value: Amount(1)
            ).signed(by: account)
            let hash = Keccak256.hash(raw)
            let start = Clocks.wall
            for result in await engine.intake.submit([raw]) {
                if case .failure(let rejection) = result { throw BenchError("\(rejection)") }
            }
            var snapshot = engine.publisher.current
            while try snapshot.position(of: hash) == nil {
                guard let next = await engine.publisher.next(after: snapshot.height) else {
                    throw BenchError("the engine stopped")
                }
                snapshot = next
            }
            seconds.append(Clocks.wall - start)
        }
        return seconds
    }
}
