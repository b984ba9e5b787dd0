/// Why an operation or a receipt had no effect. The numbers are consensus: they stand in results and
/// bounces.
package enum ExecutionFailure: Hashable, Sendable {
    /// The receipt was consumed after its credit deadline.
    case deadlinePassed
    /// The account refuses credits.
    case creditsRefused
    /// The destination does not know the receipt's kind.
    case unknownKind
    /// The receipt's payload does not decode, or names no object of the destination.
    case malformed
    /// There is no escrow to claim.
    case nothingToClaim
    /// The network has no compute economy (ECON-19).
    case economyClosed
    /// The shard has reserved as many due entries as it may (RCPT-11).
    case dueQueueFull
    case node(NodeFailure)
    case proof(ProofFailure)
    case job(JobFailure)
    case trade(TradeFailure)
    case validator(ValidatorFailure)
}

/// The reasons of one compute family: a range of the numbers.
package protocol FamilyFailure: RawRepresentable<UInt8>, Hashable, Sendable, CaseIterable {
    /// The reason as a stable name.
    var code: String { get }
}

extension FamilyFailure {
    package var code: String { String(describing: self) }
}

extension ExecutionFailure: RawRepresentable {
    package var rawValue: UInt8 {
        switch self {
        case .deadlinePassed: 1
        case .creditsRefused: 2
        case .unknownKind: 3
        case .malformed: 4
        case .nothingToClaim: 5
        case .economyClosed: 6
        case .dueQueueFull: 7
        case .node(let reason): reason.rawValue
        case .proof(let reason): reason.rawValue
        case .job(let reason): reason.rawValue
        case .trade(let reason): reason.rawValue
        case .validator(let reason): reason.rawValue
        }
    }

    package init?(rawValue: UInt8) {
        switch rawValue {
        case 1: self = .deadlinePassed
        case 2: self = .creditsRefused
        case 3: self = .unknownKind
        case 4: self = .malformed
        case 5: self = .nothingToClaim
        case 6: self = .economyClosed
        case 7: self = .dueQueueFull
        default:
            if let reason = NodeFailure(rawValue: rawValue) {
                self = .node(reason)
            } else if let reason = ProofFailure(rawValue: rawValue) {
                self = .proof(reason)
            } else if let reason = JobFailure(rawValue: rawValue) {
                self = .job(reason)
            } else if let reason = TradeFailure(rawValue: rawValue) {
                self = .trade(reason)
            } else if let reason = ValidatorFailure(rawValue: rawValue) {
                self = .validator(reason)
            } else {
                return nil
            }
        }
    }

    /// The reason as a stable name.
    package var code: String {
        switch self {
        case .deadlinePassed: "deadlinePassed"
        case .creditsRefused: "creditsRefused"
        case .unknownKind: "unknownKind"
        case .malformed: "malformed"
        case .nothingToClaim: "nothingToClaim"
        case .economyClosed: "economyClosed"
        case .dueQueueFull: "dueQueueFull"
        case .node(let reason): reason.code
        case .proof(let reason): reason.code
        case .job(let reason): reason.code
        case .trade(let reason): reason.code
        case .validator(let reason): reason.code
        }
    }
}
