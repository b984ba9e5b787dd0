import TallyPrimitives

/// Which offences of a height were reported (IBFT-V3): each once, and of each member no more than
/// is plenty to punish it, so that who contradicts itself all the time is no flood of reports.
struct ReportedOffences: Sendable {
    /// Slots of a member and height.
    static let limit = 16

    private struct Slot: Hashable {
        let kind: MessageKind
        let round: Round
        /// Two of one kind, or a COMMIT that a ROUND-CHANGE conceals.
        let isConcealment: Bool

        init<Content>(_ signed: Signed<Content>, isConcealment: Bool = false) {
            kind = Content.kind
            round = signed.round
            self.isConcealment = isConcealment
        }
    }

    private var slots: [Address: Set<Slot>] = [:]

    /// Those that were not reported; from now on they are.
    mutating func news(_ evidence: [Evidence]) -> [Evidence] {
        evidence.filter { proof in
            var reported = slots[proof.offender] ?? []
            guard reported.count < Self.limit, reported.insert(Self.slot(proof)).inserted else {
                return false
            }
            slots[proof.offender] = reported
            return true
        }
    }

    private static func slot(_ evidence: Evidence) -> Slot {
        switch evidence {
        case .proposals(let pair): Slot(pair.first)
        case .prepares(let pair): Slot(pair.first)
        case .commits(let pair): Slot(pair.first)
        case .roundChanges(let pair): Slot(pair.first)
        case .concealedCommit(_, let change): Slot(change, isConcealment: true)
        case .unjustified(let proposal, _): Slot(proposal)
        }
    }
}
