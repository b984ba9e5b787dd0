import TallyCrypto
import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

// What honest nodes and attesters do.

extension NodeWorld {
    static let key = Hash32(words: (1, 1, 1, 1))
    static let spec = Hash32(words: (2, 2, 2, 2))

    mutating func register(_ owner: Address) throws {
        #expect(try act(.register(key: Self.key, spec: Self.spec), by: owner) == nil)
    }

    /// Goes to where the node's challenge is known.
    mutating func open(_ owner: Address) throws -> RoundOpening {
        for _ in 0..<50 {
            switch try round(owner).state {
            case .open(let opening): return opening
            case .idle(let next): try go(to: next.milliseconds)
            case .bound: try step()
            case .committed, .drawn, .revealed: try step(60_000)
            }
        }
        throw Stuck()
    }

    /// Goes to where the draw is known.
    mutating func draw(_ owner: Address) throws -> RoundDraw {
        for _ in 0..<50 {
            switch try round(owner).state {
            case .drawn(_, _, let draw): return draw
            case .committed(let opening, _):
                try go(to: max(opening.deadline.milliseconds, time + 1_000))
            case .idle, .bound, .open, .revealed: throw Stuck()
            }
        }
        throw Stuck()
    }

    struct Stuck: Error {}

    func challenge(_ owner: Address) throws -> ProofChallenge {
        let round = try round(owner)
        let task = try #require(parameters.economy).rounds.task
        return round.challenge(try #require(round.state.opening), task: task)
    }

    /// Commits to the right answer of the challenge that is open.
    @discardableResult mutating func commit(_ owner: Address) throws -> ProofAnswer {
        let challenge = try challenge(owner)
        let answer = ProofAnswer.commit(answering: challenge)
        let failure = try act(
            .commit(round: challenge.round, root: answer.commitment.root), by: owner)
        #expect(failure == nil)
        return answer
    }

    /// The reveal that is asked for.
    func reveal(_ owner: Address, _ answer: ProofAnswer) throws -> ProofOperation {
        let challenge = try challenge(owner)
        guard case .drawn(_, _, let draw) = try round(owner).state else { throw Stuck() }
        let opening = answer.opening(
            challenge.draw(seed: draw.seed, of: answer.commitment))
        return .reveal(
            round: challenge.round, weight: challenge.task.weight, opening: opening.encoded)
    }

    /// Goes through a round up to its reveal.
    @discardableResult mutating func prove(_ owner: Address) throws -> RoundDraw {
        _ = try open(owner)
        let answer = try commit(owner)
        let draw = try draw(owner)
        #expect(try act(try reveal(owner, answer), by: owner) == nil)
        return draw
    }

    /// Lets so many of the drawn attest, and the attestations arrive.
    mutating func attest(
        _ owner: Address, _ times: [UInt64], by attesters: [RoundAttester]
    ) throws {
        let number = try round(owner).number
        for (attester, time) in zip(attesters, times) {
            let entry = ProofAttestation(node: owner, round: number, milliseconds: time)
            try submit(.proof(.attest([entry])), from: attester.address)
        }
        try settle()
    }

    /// Goes to the end of the round's attestations.
    mutating func finish(_ owner: Address) throws {
        guard case .revealed(_, _, let draw, let deadline) = try round(owner).state else {
            throw Stuck()
        }
        // The entry of the reveal's deadline comes first, and may be later than that.
        try go(to: max(deadline, draw.deadline).milliseconds)
    }

    /// A whole round that all attest.
    mutating func pass(_ owner: Address, milliseconds: UInt64 = 10_380) throws {
        let draw = try prove(owner)
        let times = Array(repeating: milliseconds, count: draw.attesters.count)
        try attest(owner, times, by: draw.attesters)
        try finish(owner)
    }

    /// Lets the round that is at hand, or the next, pass without an answer.
    mutating func miss(_ owner: Address) throws {
        let opening = try open(owner)
        try go(to: opening.deadline.milliseconds)
    }
}
