import FoundationEssentials
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTesting
import Testing

/// What a script that knows only the rules made of tasks (TASK-1 to TASK-8).
private struct TaskVectors: Decodable {
    struct Case: Decodable {
        let name: String
        let task: String
        let seed: String
        let node: String
        let round: UInt64
        let challenge: String
        let commitment: String
        let drawSeed: String
        let indices: [UInt64]
        let opening: String
    }

    let script: String
    let cases: [Case]

    static func all() throws -> TaskVectors { try Vectors.json("tasks/vectors.json") }
}

@Suite struct TaskVectorTests {
    @Test func vectorsCoverAllKinds() throws {
        let kinds = try TaskVectors.all().cases.map {
            try ProofTask(encoded: Hex.vector($0.task)).kind
        }
        #expect(kinds == [.chain, .chain, .chain, .chain, .matrix, .matrix, .hash, .hash])
    }

    @Test func vectorsAreThoseOfTheScript() throws {
        let script = try Data(contentsOf: Vectors.url("tasks/make-vectors.py"))
        #expect(
            try TaskVectors.all().script == SHA256.plain(Array(script)).description.dropFirst(2))
    }

    @Test func answersAreThoseOfTheScript() throws {
        for vector in try TaskVectors.all().cases {
            let task = try ProofTask(encoded: Hex.vector(vector.task))
            let seed = try #require(Hash32(hex: "0x" + vector.seed))
            let drawSeed = try #require(Hash32(hex: "0x" + vector.drawSeed))
            let node = try #require(Address(hex: "0x" + vector.node))
            let challenge = ProofChallenge(
                task: task, seed: seed, node: node, round: vector.round)
            #expect(challenge.id.description == "0x" + vector.challenge, "\(vector.name)")

            let answer = ProofAnswer.commit(answering: challenge)
            let commitment = answer.commitment
            #expect(commitment.root.description == "0x" + vector.commitment, "\(vector.name)")
            let draw = challenge.draw(seed: drawSeed, of: commitment)
            #expect(draw.indices == vector.indices, "\(vector.name)")
            let bytes = try Hex.vector(vector.opening)
            #expect(answer.opening(draw).encoded == bytes, "\(vector.name)")
            let opening = try ProofOpening(untrusted: bytes, for: task)
            try challenge.verify(opening, of: commitment, drawnBy: drawSeed)
        }
    }
}
