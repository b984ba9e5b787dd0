import TallyConsensus
import TallyPrimitives

/// What the network as a whole was told: more than any one validator knows, so that who claims a
/// reason that not even this holds has none.
struct PublicWord {
    /// The highest round in which a member spoke, by height (IBFT-R10).
    private var shown: [UInt64: [Address: UInt32]] = [:]
    /// Parents of blocks that somebody proposed.
    private var parents: [Hash32: Hash32] = [:]
    /// Parents that were proposed in round 0 of a height.
    private var firstParents: [UInt64: Set<Hash32>] = [:]

    /// A message is on its way that its sender signed itself.
    mutating func hear(_ message: Message) {
        switch message {
        case .proposal(let proposal):
            hear(proposal.signed)
            show(proposal.signed)
        case .prepare(let prepare): show(prepare)
        case .commit(let commit): show(commit)
        case .roundChange(let change): show(change.signed)
        case .final, .headQuery, .headAnswer: break
        }
    }

    /// A PROPOSAL, sent or about to be.
    mutating func hear(_ proposal: Signed<ProposalStatement>) {
        let statement = proposal.statement
        parents[statement.digest] = statement.parent
        if statement.round == .zero {
            firstParents[statement.height.value, default: []].insert(statement.parent)
        }
    }

    private mutating func show<Content>(_ vote: Signed<Content>) {
        let round = vote.round.value
        let before = shown[vote.height.value]?[vote.sender]
        if before.map({ $0 < round }) ?? true {
            shown[vote.height.value, default: [:]][vote.sender] = round
        }
    }

    func parent(of digest: Hash32) -> Hash32? { parents[digest] }

    /// Whether round 0 of a height was proposed on another block than this one.
    func hasOtherParent(_ height: Height, than parent: Hash32) -> Bool {
        firstParents[height.value]?.contains { $0 != parent } ?? false
    }

    /// Power of the members that spoke in a round or above, or are the one that is `included`.
    func power(
        at height: Height, from round: UInt32, in set: ValidatorSet, including included: Address?,
        excluding excluded: Address? = nil
    ) -> UInt64 {
        let shown = shown[height.value] ?? [:]
        return set.validators.reduce(0) { sum, member in
            guard member.address != excluded else { return sum }
            let isThere =
                member.address == included || shown[member.address].map { $0 >= round } ?? false
            return isThere ? sum + member.power : sum
        }
    }
}
