import TallyPrimitives

/// What votes of one kind add up to, by round and digest, so that no rule has to count them.
struct VoteTally: Sendable {
    private struct Choice: Hashable {
        let round: Round
        let digest: Hash32
    }

    private var powers: [Choice: UInt64] = [:]
    /// At most one digest of a round can have a quorum.
    private var quorums: [Round: Hash32] = [:]

    /// Counts a member's only vote of a round (IBFT-R7).
    mutating func add(_ round: Round, _ digest: Hash32, _ power: UInt64, quorum: UInt64) {
        let sum = powers[Choice(round: round, digest: digest), default: 0] + power
        powers[Choice(round: round, digest: digest)] = sum
        if sum >= quorum { quorums[round] = digest }
    }

    /// The highest round above `floor` in which a digest has a quorum.
    func highestQuorum(above floor: Round?) -> (round: Round, digest: Hash32)? {
        guard let highest = quorums.max(by: { $0.key < $1.key }),
            floor.map({ highest.key > $0 }) ?? true
        else { return nil }
        return (highest.key, highest.value)
    }

    /// Forgets rounds that are no longer kept.
    mutating func keep(where isKept: (Round) -> Bool) {
        powers = powers.filter { isKept($0.key.round) }
        quorums = quorums.filter { isKept($0.key) }
    }
}
