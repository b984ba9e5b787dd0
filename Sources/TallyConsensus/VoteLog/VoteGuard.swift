package import TallyPrimitives

/// The last line before the disk: refuses to have anything signed that contradicts what was signed
/// before (IBFT-L1). To get here with such a vote is a bug of ours.
struct VoteGuard: Sendable {
    /// In the order in which a validator votes within a round.
    private enum Step: Int, Comparable {
        case roundChange
        case proposal
        case prepare
        case commit

        static func < (a: Step, b: Step) -> Bool { a.rawValue < b.rawValue }
    }

    private var final: Height
    private var last: [Height: (round: Round, step: Step)] = [:]

    init(final: Height) { self.final = final }

    mutating func admit(_ record: ConsensusRecord) {
        switch record {
        case .proposal(let signed, _): admit(signed.height, signed.round, .proposal)
        case .prepare(let prepare): admit(prepare.height, prepare.round, .prepare)
        case .commit(let commit, _): admit(commit.height, commit.round, .commit)
        case .roundChange(let change): admit(change.height, change.round, .roundChange)
        case .observing, .undecided, .decision: break
        }
    }

    private mutating func admit(_ height: Height, _ round: Round, _ step: Step) {
        precondition(height > final, "nothing is signed at a final height")
        precondition(height.value - final.value <= 2, "at most two heights are open")
        if let last = last[height] {
            precondition(
                (last.round, last.step) < (round, step), "round and step never go back")
        }
        last[height] = (round, step)
    }

    mutating func forget(through height: Height) {
        final = max(final, height)
        last = last.filter { $0.key > height }
    }
}

extension ConsensusRecord {
    /// `nil` for what is about no height.
    package var height: Height? {
        switch self {
        case .proposal(let signed, _): signed.height
        case .prepare(let prepare): prepare.height
        case .commit(let commit, _): commit.height
        case .roundChange(let change): change.height
        case .observing: nil
        case .undecided(let block): block.height
        case .decision(let certificate): certificate.height
        }
    }
}
