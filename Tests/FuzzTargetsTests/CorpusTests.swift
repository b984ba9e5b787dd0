import Dispatch
import Foundation
import FuzzTargets
import TallyPrimitives
import TallyTesting
import Testing

/// What `tools/fuzz` begins with: specimens, and every input that ever broke a rule.
enum Corpus {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Corpus")

    static func inputs(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder.appending(path: target.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            ($0, Array(try Data(contentsOf: folder.appending(path: $0))))
        }
    }
}

extension FuzzTarget {
    /// Runs an input on a thread of its own: a target may block, and the pool has few threads.
    fileprivate func result(of bytes: [UInt8]) async -> Result<Void, Violation> {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    returning: Result { () throws(Violation) in try run(bytes) })
            }
        }
    }
}

@Suite(.serialized) struct CorpusTests {
    @Test(arguments: FuzzTarget.allCases) func holdsForTheCorpus(_ target: FuzzTarget) async throws
    {
        try await target.prepare()
        let inputs = try Corpus.inputs(target)
        #expect(inputs.count >= 2, "a target has specimens")
        for (name, bytes) in inputs {
            if case .failure(let violation) = await target.result(of: bytes) {
                Issue.record("\(target.rawValue)/\(name): \(violation)")
            }
        }
    }

    /// libFuzzer's way in small, so that a broken rule shows before `tools/fuzz` runs.
    @Test(arguments: FuzzTarget.allCases)
    func holdsForMutationsOfTheCorpus(_ target: FuzzTarget) async throws {
        try await target.prepare()
        let inputs = try Corpus.inputs(target).map(\.bytes)
        let count = [.jsonRPC, .webSocket].contains(target) ? 60 : 250
        var mutated: [(seed: UInt64, bytes: [UInt8])] = []
        forEachSeed(base: 0x5eed_f000, count: count) { seed, generator in
            mutated.append((seed, Mutation.of(inputs, &generator)))
        }
        for (seed, bytes) in mutated {
            if case .failure(let violation) = await target.result(of: bytes) {
                Issue.record("\(target.rawValue), seed \(seed): \(violation): \(Hex.encode(bytes))")
            }
        }
    }

    /// A folder of no target would never be read.
    @Test func everyFolderIsOfATarget() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Corpus.folder.path)
        #expect(names.sorted() == FuzzTarget.allCases.map(\.rawValue).sorted())
    }

    @Test func everySpecimenIsInTheCorpus() throws {
        let rewrites = ProcessInfo.processInfo.environment["TALLY_REWRITE"] != nil
        for specimen in try Specimen.all() {
            let folder = Corpus.folder.appending(path: specimen.target.rawValue)
            let file = folder.appending(path: specimen.name)
            if rewrites {
                try FileManager.default.createDirectory(
                    at: folder, withIntermediateDirectories: true)
                try Data(specimen.bytes).write(to: file)
            }
            let found = try? Array(Data(contentsOf: file))
            #expect(found == specimen.bytes, "\(file.path); TALLY_REWRITE=1 writes it anew")
        }
    }

    @Test func everyTargetHasASpecimen() throws {
        let targets = Set(try Specimen.all().map(\.target))
        #expect(targets == Set(FuzzTarget.allCases))
    }
}

/// Small changes of inputs, as libFuzzer makes them.
enum Mutation {
    static func of(_ inputs: [[UInt8]], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = inputs.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes.insert(.random(in: 0...255, using: &generator), at: place)
            case 1 where place < bytes.count: bytes.remove(at: place)
            case 2 where place < bytes.count:
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 3 where place < bytes.count: bytes[place] = [0, 0x7f, 0x80, 0xff][place % 4]
            case 4: bytes.removeSubrange(place...)
            default:
                let other = inputs.randomElement(using: &generator) ?? []
                let start = Int.random(in: 0...other.count, using: &generator)
                bytes.insert(contentsOf: other[start...].prefix(64), at: place)
            }
        }
        return bytes
    }
}
