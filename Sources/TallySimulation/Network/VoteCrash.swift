import TallyConsensus
import TallyPrimitives

/// A death at one's own next vote of a kind, by which a validator may contradict itself later.
struct VoteCrash: Hashable {
    enum Moment: Hashable, CaseIterable {
        case before
        /// On its way to the disk, or there.
        case signed
        case sent
    }

    let kind: MessageKind
    let moment: Moment
    /// What is lost with it.
    let loss: Fault?
    /// Until it comes back, in microseconds.
    let pause: UInt64
    /// It dies again, so many effects after that.
    let again: Int?

    init(_ loss: Fault?, _ random: inout SeededGenerator) {
        kind = random.pick([.proposal, .proposal, .prepare, .commit, .roundChange])
        moment = loss == nil ? random.pick(Moment.allCases) : .sent
        self.loss = loss
        pause = random.pick([0, 0, 20_000, 300_000, 3_000_000])
        again = random.pick(2) == 0 ? random.pick(8) : nil
    }

    init(kind: MessageKind, moment: Moment, loss: Fault?, pause: UInt64, again: Int?) {
        (self.kind, self.moment, self.loss) = (kind, moment, loss)
        (self.pause, self.again) = (pause, again)
    }

    func isMet(by effect: Ibft.Effect) -> Bool {
        switch effect {
        case .persist(let records, _):
            moment != .sent && records.contains { $0.vote?.slot.kind == kind }
        case .broadcast(let message): moment == .sent && message.kind == kind
        default: false
        }
    }
}
