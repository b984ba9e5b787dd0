import TallyExecution
import TallyPrimitives

/// What became of a transaction that was offered: the reasons that clients are told, and no other
/// values (OPS-22).
package enum AdmissionOutcome: String, CaseIterable, Sendable {
    case accepted
    case malformed
    case busy
    case diskFull
    case shardUnavailable
    case alreadyKnown
    case replacementUnderpriced
    case underpriced
    case poolFull
    case accountLimit
    case gapTooLarge
    case tooHeavy
    case nonceTooLow
    case insufficientFunds
    /// What only blocks refuse.
    case other

    package init(_ rejection: SubmitRejection) {
        switch rejection {
        case .malformed: self = .malformed
        case .busy: self = .busy
        case .diskFull: self = .diskFull
        case .unavailable: self = .shardUnavailable
        case .pool(.alreadyKnown): self = .alreadyKnown
        case .pool(.replacementUnderpriced): self = .replacementUnderpriced
        case .pool(.underpriced): self = .underpriced
        case .pool(.poolFull): self = .poolFull
        case .pool(.accountLimit): self = .accountLimit
        case .pool(.gapTooLarge): self = .gapTooLarge
        case .pool(.tooHeavy): self = .tooHeavy
        case .pool(.ineligible(.nonceTooLow)): self = .nonceTooLow
        case .pool(.ineligible(.insufficientFunds)): self = .insufficientFunds
        case .pool(.ineligible): self = .other
        }
    }
}

/// What the intake counts while it works (OPS-20).
package final class IntakeMeter: Sendable {
    /// One submission each: decoding and recovering of all its signatures.
    package let verifications = Histogram()
    package let verifiedTransactions = Counter()
    private let fromClients = AdmissionOutcome.allCases.map { _ in Counter() }
    private let fromPeers = AdmissionOutcome.allCases.map { _ in Counter() }

    package init() {}

    /// Transactions that came to this end, each with what became of it.
    package func offered(fromPeers: Bool) -> [(outcome: AdmissionOutcome, count: UInt64)] {
        let counters = fromPeers ? self.fromPeers : fromClients
        return zip(AdmissionOutcome.allCases, counters).map { ($0, $1.current) }
    }

    func count(_ results: [Result<Hash32, SubmitRejection>], fromPeers: Bool) {
        let counters = fromPeers ? self.fromPeers : fromClients
        var accepted = 0
        for result in results {
            switch result {
            case .success: accepted += 1
            case .failure(let rejection): counters[AdmissionOutcome(rejection).place].add()
            }
        }
        counters[AdmissionOutcome.accepted.place].add(accepted)
    }
}

extension AdmissionOutcome {
    private static let places = Dictionary(
        uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })

    fileprivate var place: Int { Self.places[self] ?? 0 }
}
