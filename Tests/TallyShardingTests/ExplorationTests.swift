import Foundation
import TallyPrimitives
import TallySimulation
import Testing

@testable import TallySharding

/// All that an adversarial proposer can do to two shards: which of them it anchors beyond those that
/// RCPT-3 forces on it, and what each of them sends, until no new state is found. The rules checked
/// are the invariants Bound, Slots, Queue and Consumes of the receipt model, and that from every
/// state reached, doing only what must be done settles everything.
///
/// One kind of request has no transaction yet: one that leaves a due entry at its receiver.
/// `TALLY_EXPLORE_WINDOW=3` searches a larger window: twice the states, all there are for any.
@Suite struct ExplorationTests {
    struct Setting: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let blockWeight: Weight
        let moves: [Move]
        /// Whether a stream of 2W receipts can be reached.
        let reachesBound: Bool
    }

    @Test(arguments: [
        // A quota of four credits or five bounces: the smallest block that carries two legs.
        Setting(
            testDescription: "valid network", blockWeight: 44_000, moves: Move.allCases,
            reachesBound: true),
        // A quota of two credits, below what a genesis allows: streams are consumed in parts.
        Setting(
            testDescription: "small quota", blockWeight: 29_000,
            moves: [.absent, .empty, .ok, .ask, .plan], reachesBound: false),
    ])
    func everyStateKeepsTheBoundsAndSettles(_ setting: Setting) throws {
        let environment = ProcessInfo.processInfo.environment["TALLY_EXPLORE_WINDOW"]
        let window = environment.flatMap { Int($0) } ?? 2
        let fixture = try WorldFixture(
            window: window, plans: 2, blockWeight: setting.blockWeight)
        var search = Search(try World(fixture), moves: setting.moves)
        try search.run()
        print(
            "\(setting.testDescription), window \(window): \(search.seen.count) states, "
                + "\(search.edges) heights, depth \(search.depth), "
                + "longest stream \(search.longestStream)")
        #expect(search.seen.count > 400)
        #expect(search.compared > 4)
        if setting.reachesBound, window == 2 { #expect(search.longestStream == 2 * window) }
    }
}

/// Breadth first over the abstraction of the cores.
private struct Search {
    let moves: [Move]
    private(set) var seen: Set<String>
    private(set) var edges = 0
    private(set) var depth = 0
    private(set) var longestStream = 0
    /// States found a second time whose successors were compared with those of the first.
    private(set) var compared = 0
    private var frontier: [World]
    /// Keys of the successors of every state expanded so far.
    private var successors: [String: Set<String>] = [:]
    /// Keys from which draining was seen to settle.
    private var settling: Set<String> = []

    init(_ start: World, moves: [Move]) {
        self.moves = moves
        seen = [start.key]
        frontier = [start]
    }

    mutating func run() throws {
        while !frontier.isEmpty {
            try #require(seen.count < 100_000, "a bound is broken: the search does not end")
            let level = frontier
            frontier = []
            depth += 1
            for world in level { try expand(world) }
        }
    }

    private mutating func expand(_ world: World) throws {
        let reached = try next(world)
        edges += reached.count
        successors[world.key] = Set(reached.map(\.key))
        for next in reached {
            guard seen.insert(next.key).inserted else {
                try compare(next)
                continue
            }
            next.checkBounds()
            longestStream = max(longestStream, next.longestStream)
            try checkSettles(next)
            frontier.append(next)
        }
    }

    /// Every world that one height can lead to.
    private func next(_ world: World) throws -> [World] {
        let mandatory = world.mandatory
        var choices: [[Candidate?]] = []
        for shard in 0..<World.shards {
            var options: [Candidate?] = mandatory.contains(shard) ? [] : [nil]
            for move in moves {
                guard let candidate = try world.candidate(move, shard) else { continue }
                if move == .empty { checkConsumes(world, shard, candidate) }
                options.append(candidate)
            }
            choices.append(options)
        }
        var worlds: [World] = []
        for first in choices[0] {
            for second in choices[1] {
                var next = world
                try next.decide([first, second, nil])
                worlds.append(next)
            }
        }
        return worlds
    }

    /// The key leaves nothing out that matters: a state reached in another way goes on alike.
    private mutating func compare(_ world: World) throws {
        guard let known = successors[world.key], edges.isMultiple(of: 29) else { return }
        compared += 1
        let keys = Set(try next(world).map(\.key))
        #expect(keys == known, "the key of \(world.key) hides something")
    }

    /// Consuming is never blocked (RCPT-7).
    private func checkConsumes(_ world: World, _ shard: Int, _ candidate: Candidate) {
        let waits = world.cores[shard].inbound[1 - shard].count > 0
        #expect((candidate.consumed[1 - shard] > 0) == waits, "Consumes \(world.key)")
    }

    private mutating func checkSettles(_ start: World) throws {
        var world = start
        var path: [String] = []
        while !settling.contains(world.key) {
            path.append(world.key)
            guard path.count < 64 else {
                Issue.record("never settles: \(start.key)")
                return
            }
            if world.mandatory.isEmpty {
                #expect(world.isSettled, "stuck at \(world.key), from \(start.key)")
                break
            }
            try world.drainStep()
        }
        settling.formUnion(path)
    }
}
