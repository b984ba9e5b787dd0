import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding

/// Where one leg of a transaction stands (VIEW-32).
enum LegState: Hashable, Sendable {
    /// Final at its source, and not yet consumed at its destination.
    case sent
    /// Waits on the due queue.
    case scheduled(runAt: BeaconTime)
    case credited(Height)
    /// An operation of a compute family was done at its object's home.
    case handled(Height)
    /// Refused at its destination: the value is on its way back.
    case bounced(Height, ExecutionFailure)
    /// The value is back.
    case refunded(Height, ExecutionFailure)
    /// The value waits in its owner's escrow.
    case escrowed(Height, ExecutionFailure)
    /// The transaction failed: the value never left.
    case failed(ExecutionFailure)

    /// The state as a stable name.
    var name: String {
        switch self {
        case .sent: "sent"
        case .scheduled: "scheduled"
        case .credited: "credited"
        case .handled: "handled"
        case .bounced: "bounced"
        case .refunded: "refunded"
        case .escrowed: "escrowed"
        case .failed: "failed"
        }
    }

    /// Whether nothing happens to the leg any more.
    var isSettled: Bool {
        switch self {
        case .credited, .handled, .refunded, .escrowed, .failed: true
        case .sent, .scheduled, .bounced: false
        }
    }

    /// Where it got there; `nil` while it is on its way from the source.
    var height: Height? {
        switch self {
        case .credited(let height), .handled(let height), .bounced(let height, _),
            .refunded(let height, _),
            .escrowed(let height, _):
            height
        case .sent, .scheduled, .failed: nil
        }
    }

    var reason: ExecutionFailure? {
        switch self {
        case .bounced(_, let reason), .refunded(_, let reason), .escrowed(_, let reason),
            .failed(let reason):
            reason
        case .sent, .scheduled, .credited, .handled: nil
        }
    }
}

/// One leg and what carries it.
struct LegStatus: Hashable, Sendable {
    let to: Address
    let value: Amount
    /// The number of the beacon's endpoint for what goes to the beacon.
    let destination: ShardID
    let state: LegState
    /// The receipt that left for the destination, and where it left.
    let receipt: ReceiptReference?
    let sentHeight: Height?
}

/// Follows the legs of a transaction through the system results of later blocks.
struct LegFollower {
    private let snapshot: LedgerSnapshot
    /// Events of the blocks looked at: legs of a batch mostly meet in the same ones.
    private var blocks: [Place: Events] = [:]

    private struct Place: Hashable {
        let endpoint: EndpointID
        let height: Height
    }

    private struct Events {
        var consumed: [ReceiptReference: LedgerEvent] = [:]
        /// The event of an entry, and whether its value went on into escrow.
        var ran: [UInt64: (event: LedgerEvent, isEscrowed: Bool)] = [:]

        init(_ events: [LedgerEvent]) {
            for (index, event) in events.enumerated() {
                if let reference = event.consumedReceipt { consumed[reference] = event }
                guard let entry = event.ranEntry else { continue }
                var isEscrowed = false
                if index + 1 < events.count, case .escrowed(nil, _, _, _) = events[index + 1] {
                    isEscrowed = true
                }
                ran[entry] = (event, isEscrowed)
            }
        }
    }

    init(_ snapshot: LedgerSnapshot) { self.snapshot = snapshot }

    /// The legs in their order. An operation that moves nothing to others has none.
    mutating func legs(
        of transaction: StoredTransaction, on source: EndpointID, at height: Height
    ) throws(ReadError) -> [LegStatus] {
        if let failure = transaction.result.failure {
            return try failedLegs(of: transaction, failure)
        }
        var legs: [LegStatus] = []
        for event in transaction.result.events {
            switch event {
            case .transferred(_, let to, let value):
                legs.append(status(to, value, .credited(height)))
            case .sent(let reference, _, let to, let value):
                legs.append(
                    status(to, value, try follow(reference), reference, sentAt: height))
            case .scheduled(let entry, _, let to, let value, let time):
                legs.append(try scheduled(entry, on: source, to, value, time))
            case .compute(.requested(let reference, _, let door, let value)):
                legs.append(
                    LegStatus(
                        to: door, value: value,
                        destination: ShardID(reference.destination.index),
                        state: try follow(reference), receipt: reference, sentHeight: height))
            case .credited, .bounced, .refunded, .escrowed, .escrowClaimed, .scheduleRan,
                .scheduleReturned, .creditPolicySet, .swept, .treasuryCredited, .compute:
                break
            }
        }
        return legs
    }

    private func failedLegs(
        of transaction: StoredTransaction, _ failure: ExecutionFailure
    ) throws(ReadError) -> [LegStatus] {
        let (envelope, _) = try transaction.decoded()
        return try transfers(of: envelope).map { to, value in
            status(to, value, .failed(failure))
        }
    }

    private func status(
        _ to: Address, _ value: Amount, _ state: LegState, _ receipt: ReceiptReference? = nil,
        sentAt height: Height? = nil
    ) -> LegStatus {
        LegStatus(
            to: to, value: value, destination: snapshot.layout.home(of: to), state: state,
            receipt: receipt, sentHeight: height)
    }

    /// RCPT-5: credited, or bounced and then refunded or put into escrow.
    private mutating func follow(_ reference: ReceiptReference) throws(ReadError) -> LegState {
        guard let height = try snapshot.consumed(reference) else { return .sent }
        switch try consumption(of: reference, at: height) {
        case .bounced(_, let answer, _, _, let reason):
            guard let back = try snapshot.consumed(answer) else {
                return .bounced(height, reason)
            }
            switch try consumption(of: answer, at: back) {
            case .escrowed: return .escrowed(back, reason)
            default: return .refunded(back, reason)
            }
        case .compute: return .handled(height)
        default: return .credited(height)
        }
    }

    private mutating func scheduled(
        _ entry: UInt64, on source: EndpointID, _ to: Address, _ value: Amount,
        _ time: BeaconTime
    ) throws(ReadError) -> LegStatus {
        guard let height = try snapshot.ran(source, entry) else {
            return status(to, value, .scheduled(runAt: time))
        }
        guard let ran = try events(Place(endpoint: source, height: height)).ran[entry] else {
            throw .corruptRow(database: "blocks")
        }
        switch ran.event {
        case .scheduleRan(_, _, _, _, let reference?):
            return status(to, value, try follow(reference), reference, sentAt: height)
        case .scheduleReturned(_, _, _, let reason):
            return status(
                to, value,
                ran.isEscrowed ? .escrowed(height, reason) : .refunded(height, reason))
        default: return status(to, value, .credited(height))
        }
    }

    private mutating func consumption(
        of reference: ReceiptReference, at height: Height
    ) throws(ReadError) -> LedgerEvent {
        let place = Place(endpoint: reference.destination, height: height)
        guard let event = try events(place).consumed[reference] else {
            throw .corruptRow(database: "blocks")
        }
        return event
    }

    private mutating func events(_ place: Place) throws(ReadError) -> Events {
        if let known = blocks[place] { return known }
        guard let block = try snapshot.shardBlock(place.endpoint, place.height) else {
            throw .corruptRow(database: "blocks")
        }
        let events = Events(block.systemResult?.events ?? [])
        blocks[place] = events
        return events
    }
}
