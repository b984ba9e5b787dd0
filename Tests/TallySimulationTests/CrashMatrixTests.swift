import FoundationEssentials
import TallyPrimitives
import TallySimulation
import TallyTesting
import Testing

/// Specs/reliability.md, REL-7: a node is cut off at every effect, and nothing that anybody saw is
/// lost.
@Suite struct CrashMatrixTests {
    /// All points; a seeded sample of them unless `TALLY_DEEP` is set.
    static let isDeep = ProcessInfo.processInfo.environment["TALLY_DEEP"] != nil

    @Test func survivesACrashAtEveryEffect() throws {
        let matrix = try CrashSetup.matrix(SimulatedNode.self)
        var tally = Tally()
        try forEachPoint(matrix, oneIn: 4, seed: 1) { point, loss, seed in
            tally.add(try matrix.crash(at: point, loss, seed: seed))
        }
        print("crash matrix: \(matrix.effects.count) effects, \(tally)")
        for effect in DiskEffect.allCases where effect != .truncate && effect != .discard {
            #expect((tally.points[effect] ?? 0) > 0, "nothing crashed at \(effect)")
        }
        #expect(tally.shardsAhead > 0 && tally.unacknowledged > 0 && tally.replayed > 0)
    }

    /// The second crash falls into the recovery from the first, or into the heights that follow.
    @Test func survivesASecondCrash() throws {
        let matrix = try CrashSetup.matrix(SimulatedNode.self)
        var tally = Tally()
        try forEachPoint(matrix, oneIn: 8, seed: 2) { point, loss, seed in
            var random = SeededGenerator(seed: seed)
            let again = CrashPoint(
                Int.random(in: 0..<6, using: &random),
                CrashMoment.allCases.randomElement(using: &random) ?? .before)
            tally.add(try matrix.crash(at: point, loss, seed: seed, again: again))
        }
        print("double crashes: \(tally)")
        #expect(tally.crashes > tally.runs * 3 / 2)
        for effect in DiskEffect.allCases where effect != .discard {
            #expect((tally.points[effect] ?? 0) > 0, "nothing crashed at \(effect)")
        }
    }

    // MARK: A full disk

    /// Space runs out at every effect and comes back after one to four failures: the node goes on by
    /// itself, to the same end (STORE-17).
    @Test func goesOnByItselfWhenThereIsSpaceAgain() throws {
        let matrix = try CrashSetup.matrix(SimulatedNode.self)
        var found: [DiskEffect: Int] = [:]
        for effect in matrix.effects.indices.dropLast(8) {
            for failures in [1, 2, 4] {
                do {
                    let shortages = try matrix.resume(
                        after: DiskShortage(at: effect, failures: failures))
                    found.merge(shortages, uniquingKeysWith: +)
                    #expect(shortages.values.reduce(0, +) == failures)
                } catch { Issue.record("full at effect \(effect), \(failures) times: \(error)") }
            }
        }
        print("full disk: found no space: \(Tally.text(found))")
        for effect in [DiskEffect.create, .write, .commitShard, .commitBeacon] {
            #expect((found[effect] ?? 0) > 0, "there was space for every \(effect)")
        }
    }

    /// And the node dies in the shortage or soon after it.
    @Test func survivesACrashOnAFullDisk() throws {
        let matrix = try CrashSetup.matrix(SimulatedNode.self)
        var tally = Tally()
        var random = SeededGenerator(seed: 3)
        for effect in matrix.effects.indices.dropLast(20) {
            for delay in 0..<8 {
                for loss in SimulatedDisk.Loss.allCases {
                    let seed = random.next()
                    let moment = CrashMoment.allCases.randomElement(using: &random) ?? .before
                    let failures = Int.random(in: 1...4, using: &random)
                    guard Self.isDeep || Int.random(in: 0..<10, using: &random) == 0 else {
                        continue
                    }
                    let point = CrashPoint(effect + delay, moment)
                    do {
                        tally.add(
                            try matrix.crash(
                                at: point, loss, seed: seed,
                                shortage: DiskShortage(at: effect, failures: failures)))
                    } catch {
                        Issue.record(
                            "full at \(effect), \(failures) times, \(point), loss \(loss), seed \(seed): \(error)"
                        )
                    }
                }
            }
        }
        print("crashes on a full disk: \(tally)")
        for effect in [DiskEffect.create, .write, .discard, .truncate, .commitShard] {
            #expect((tally.points[effect] ?? 0) > 0, "nothing crashed at \(effect)")
        }
        #expect((tally.shortages[.create] ?? 0) > 0 && (tally.shortages[.write] ?? 0) > 0)
    }

    /// A node that takes a record for written though there was no space loses it.
    @Test func detectsARecordThatFoundNoSpace() throws {
        let matrix = try CrashSetup.matrix(IgnoresFullDisk.self)
        var found: [CrashViolation] = []
        for effect in matrix.effects.indices.dropLast(20) where matrix.effects[effect] == .write {
            do throws(CrashViolation) {
                _ = try matrix.crash(
                    at: CrashPoint(effect + 4, .before), .nothing, seed: 3,
                    shortage: DiskShortage(at: effect, failures: 1))
            } catch { found.append(error) }
        }
        print("control ignoresFullDisk: \(found.count) crashes found out")
        #expect(
            found.contains { if case .lost = $0 { true } else { false } }, "\(found.prefix(3))")
    }

    // MARK: Controls: a node that does things in a wrong order is found out.

    @Test(arguments: Carelessness.allCases)
    func detectsAWrongOrder(_ carelessness: Carelessness) throws {
        let (crashes, found) = try carelessness.violations()
        print("control \(carelessness): \(found.count) of \(crashes) crashes found out")
        #expect(found.contains(where: carelessness.isExpected), "\(found.prefix(3))")
    }

    private func forEachPoint(
        _ matrix: CrashMatrix<SimulatedNode>, oneIn sample: Int, seed: UInt64,
        _ body: (CrashPoint, SimulatedDisk.Loss, UInt64) throws -> Void
    ) throws {
        var random = SeededGenerator(seed: seed)
        for effect in matrix.effects.indices {
            for moment in CrashMoment.allCases {
                for loss in SimulatedDisk.Loss.allCases {
                    let seed = random.next()
                    guard Self.isDeep || Int.random(in: 0..<sample, using: &random) == 0 else {
                        continue
                    }
                    let point = CrashPoint(effect, moment)
                    do {
                        try body(point, loss, seed)
                    } catch {
                        Issue.record(
                            "\(matrix.effects[effect]), \(point), loss \(loss), seed \(seed): \(error)"
                        )
                    }
                }
            }
        }
    }
}

/// What a matrix went through.
private struct Tally: CustomStringConvertible {
    private(set) var runs = 0
    private(set) var crashes = 0
    private(set) var replayed = 0
    private(set) var shardsAhead = 0
    private(set) var unacknowledged = 0
    private(set) var points: [DiskEffect: Int] = [:]
    private(set) var shortages: [DiskEffect: Int] = [:]

    mutating func add<Node>(_ outcome: CrashMatrix<Node>.Outcome) {
        runs += 1
        crashes += outcome.effects.count
        replayed += outcome.replayedHeights
        if outcome.shardWasAhead { shardsAhead += 1 }
        if outcome.foundUnacknowledged { unacknowledged += 1 }
        for effect in outcome.effects { points[effect, default: 0] += 1 }
        shortages.merge(outcome.shortages, uniquingKeysWith: +)
    }

    static func text(_ counts: [DiskEffect: Int]) -> String {
        DiskEffect.allCases.compactMap { effect in
            counts[effect].map { "\(effect) \($0)" }
        }.joined(separator: ", ")
    }

    var description: String {
        "\(runs) runs, \(crashes) crashes (\(Self.text(points))); "
            + (shortages.isEmpty ? "" : "found no space: \(Self.text(shortages)); ")
            + "\(replayed) heights replayed, \(shardsAhead) times a shard was ahead of the beacon, "
            + "\(unacknowledged) times a height was there that nobody had seen; lost 0"
    }
}
