import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions

/// One log of the Ethereum view. Which event gives which is `Specs/events.md`, VIEW-20.
struct EventLog: Hashable, Sendable {
    let address: Address
    /// One to four; the first names the event.
    let topics: [Hash32]
    /// Static ABI words.
    let data: [UInt8]
}

/// The first topics: Keccak-256 of the signatures.
enum EventTopic {
    static let transfer = topic("Transfer(address,address,uint256)")
    static let sent = topic("CrossShardSent(bytes32,uint32,address,address,uint256)")
    static let credited = topic("CrossShardCredited(bytes32,uint32,address,address,uint256)")
    static let refunded = topic("CrossShardRefunded(bytes32,uint32,address,address,uint256,uint8)")
    static let bounced = topic("CrossShardBounced(bytes32,uint32,address,bytes32,uint256,uint8)")
    static let escrowed = topic("Escrowed(bytes32,address,uint256,uint8)")
    static let escrowClaimed = topic("EscrowClaimed(address,uint256)")
    static let scheduled = topic("TransferScheduled(bytes32,address,address,uint256,uint64)")
    static let scheduleRan = topic("ScheduleRan(bytes32,bytes32)")
    static let scheduleReturned = topic("ScheduleReturned(bytes32,address,uint256,uint8)")
    static let policySet = topic("CreditPolicySet(address,uint8)")
    static let swept = topic("FeesSwept(bytes32,address,uint256)")
    static let treasuryCredited = topic("TreasuryCredited(bytes32,uint32,uint256)")

    static let requested = topic("ComputeRequested(bytes32,address,address,uint32,uint256)")
    static let handled = topic("ComputeHandled(bytes32,address,uint32)")

    /// Of the transfers and what all families share; those of a family's own events follow from
    /// their records.
    static let all = [
        transfer, sent, credited, refunded, bounced, escrowed, escrowClaimed, scheduled,
        scheduleRan, scheduleReturned, policySet, swept, treasuryCredited, requested, handled,
    ]

    static func topic(_ signature: String) -> Hash32 {
        Keccak256.hash(Array(signature.utf8))
    }
}

/// Makes the logs of one endpoint's events. What a log says follows from the event alone.
struct EventLogs: Sendable {
    let chain: Hash32
    let layout: ShardLayout
    /// Where the events happened.
    let endpoint: EndpointID

    /// How many logs an event gives, without making them.
    static func count(of event: LedgerEvent) -> Int {
        switch event {
        case .transferred(let from, let to, let value): isMoving(from, to, value) ? 1 : 0
        case .credited(_, let from, let to, let value):
            isPaid(from, to, value) ? 2 : 1
        case .scheduleRan(_, let from, let to, let value, let sent):
            sent != nil || isMoving(from, to, value) ? 2 : 1
        case .sent, .bounced, .refunded, .escrowed, .escrowClaimed, .scheduled,
            .scheduleReturned, .creditPolicySet, .swept, .treasuryCredited, .compute:
            1
        }
    }

    static func count(of events: [LedgerEvent]) -> Int {
        events.reduce(0) { $0 + count(of: $1) }
    }

    func logs(of events: [LedgerEvent]) -> [EventLog] { events.flatMap(logs) }

    func logs(of event: LedgerEvent) -> [EventLog] {
        switch event {
        case .transferred(let from, let to, let value):
            Self.isMoving(from, to, value) ? [transfer(from, to, value)] : []
        case .sent(let reference, let from, let to, let value):
            [sent(reference, from, to, value)]
        case .credited(let reference, let from, let to, let value):
            (Self.isPaid(from, to, value) ? [transfer(from, to, value)] : []) + [
                log(
                    EventTopic.credited, id(reference), word(from), word(to),
                    data: [word(reference.source.index), word(value)])
            ]
        case .bounced(let reference, let answer, let to, let value, let reason):
            [
                log(
                    EventTopic.bounced, id(reference), word(to),
                    data: [
                        word(reference.source.index), id(answer), word(value),
                        word(reason.rawValue),
                    ])
            ]
        case .refunded(_, let request, let recipient, let sender, let value, let reason):
            [
                log(
                    EventTopic.refunded, id(request), word(sender), word(recipient),
                    data: [
                        word(request.destination.index), word(value), word(reason.rawValue),
                    ])
            ]
        case .escrowed, .escrowClaimed, .creditPolicySet: [accountLog(event)]
        case .scheduled, .scheduleRan, .scheduleReturned: scheduleLogs(event)
        case .swept, .treasuryCredited: [treasuryLog(event)]
        case .compute(let event): [computeLog(event)]
        }
    }

    // VIEW-35
    private func computeLog(_ event: ComputeEvent) -> EventLog {
        switch event {
        case .requested(let reference, let from, let door, let value):
            return log(
                EventTopic.requested, id(reference), word(from), word(door),
                data: [word(reference.destination.index), word(value)])
        case .handled(let reference, let from):
            return log(
                EventTopic.handled, id(reference), word(from),
                data: [word(reference.source.index)])
        case .payout(let event): return log(event.record)
        case .node(let event): return log(event.record)
        case .proof(let event): return log(event.record)
        case .job(let event): return log(event.record)
        case .trade(let event): return log(event.record)
        case .validator(let event): return log(event.record)
        case .epoch(let event): return log(event.record)
        }
    }

    /// The signature's hash and the indexed fields are topics, the others data.
    private func log(_ record: EventRecord) -> EventLog {
        let indexed = record.fields.filter(\.isIndexed).map { word($0.value) }
        var data: [UInt8] = []
        for field in record.fields where !field.isIndexed {
            word(field.value).withBytes { data.append(contentsOf: $0) }
        }
        return EventLog(
            address: record.door, topics: [EventTopic.topic(record.signature)] + indexed,
            data: data)
    }

    private func word(_ value: EventField.Value) -> Hash32 {
        switch value {
        case .bytes32(let value): value
        case .address(let value): word(value)
        case .uint8(let value): word(value)
        case .uint16(let value): word(value)
        case .uint32(let value): word(value)
        case .uint64(let value): word(value)
        case .uint128(let value): word(Amount(value))
        case .uint256(let value): word(value)
        case .bool(let value): word(UInt8(value ? 1 : 0))
        }
    }

    private func accountLog(_ event: LedgerEvent) -> EventLog {
        switch event {
        case .escrowed(let cause, let owner, let value, let reason):
            log(
                EventTopic.escrowed, cause.map(id) ?? .zero, word(owner),
                data: [word(value), word(reason.rawValue)])
        case .escrowClaimed(let owner, let value):
            log(EventTopic.escrowClaimed, word(owner), data: [word(value)])
        case .creditPolicySet(let account, let policy):
            log(EventTopic.policySet, word(account), data: [word(policy.rawValue)])
        case .transferred, .sent, .credited, .bounced, .refunded, .scheduled, .scheduleRan,
            .scheduleReturned, .swept, .treasuryCredited, .compute:
            preconditionFailure("not an event of one account")
        }
    }

    private func scheduleLogs(_ event: LedgerEvent) -> [EventLog] {
        switch event {
        case .scheduled(let entry, let from, let to, let value, let time):
            return [
                log(
                    EventTopic.scheduled, id(entry: entry), word(from), word(to),
                    data: [word(value), word(time.milliseconds)])
            ]
        case .scheduleRan(let entry, let from, let to, let value, let reference):
            let ran = log(
                EventTopic.scheduleRan, id(entry: entry), reference.map(id) ?? .zero, data: [])
            if let reference { return [ran, sent(reference, from, to, value)] }
            return Self.isMoving(from, to, value) ? [ran, transfer(from, to, value)] : [ran]
        case .scheduleReturned(let entry, let owner, let value, let reason):
            return [
                log(
                    EventTopic.scheduleReturned, id(entry: entry), word(owner),
                    data: [word(value), word(reason.rawValue)])
            ]
        case .transferred, .sent, .credited, .bounced, .refunded, .escrowed, .escrowClaimed,
            .creditPolicySet, .swept, .treasuryCredited, .compute:
            preconditionFailure("not an event of the due queue")
        }
    }

    private func treasuryLog(_ event: LedgerEvent) -> EventLog {
        switch event {
        case .swept(let beneficiary, let value, let reference):
            log(
                EventTopic.swept, reference.map(id) ?? .zero, word(beneficiary),
                data: [word(value)], at: ReservedAddress.treasury)
        case .treasuryCredited(let reference, let value):
            log(
                EventTopic.treasuryCredited, id(reference),
                data: [word(reference.source.index), word(value)], at: ReservedAddress.treasury)
        case .transferred, .sent, .credited, .bounced, .refunded, .escrowed, .escrowClaimed,
            .scheduled, .scheduleRan, .scheduleReturned, .creditPolicySet, .compute:
            preconditionFailure("not an event of the vaults")
        }
    }

    // MARK: Forms

    /// EIP-7708 logs only what moves: nothing of zero value, nothing to oneself.
    private static func isMoving(_ from: Address, _ to: Address, _ value: Amount) -> Bool {
        !value.isZero && from != to
    }

    /// Sweeps arrive as credits from the treasury: fees, not a transfer.
    private static func isPaid(_ from: Address, _ to: Address, _ value: Amount) -> Bool {
        from != ReservedAddress.treasury && isMoving(from, to, value)
    }

    private func transfer(_ from: Address, _ to: Address, _ value: Amount) -> EventLog {
        log(
            EventTopic.transfer, word(from), word(to), data: [word(value)],
            at: ReservedAddress.nativeTransfers)
    }

    private func sent(
        _ reference: ReceiptReference, _ from: Address, _ to: Address, _ value: Amount
    ) -> EventLog {
        log(
            EventTopic.sent, id(reference), word(from), word(to),
            data: [word(reference.destination.index), word(value)])
    }

    private func log(
        _ topics: Hash32..., data: [Hash32], at address: Address = ReservedAddress.crossShard
    ) -> EventLog {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32 * data.count)
        for word in data { word.withBytes { bytes.append(contentsOf: $0) } }
        return EventLog(address: address, topics: topics, data: bytes)
    }

    private func id(_ reference: ReceiptReference) -> Hash32 {
        reference.id(chain: chain, layout: layout)
    }

    /// A due entry's number is unique on its shard: the id has the shard before it.
    private func id(entry: UInt64) -> Hash32 {
        Hash32(words: (0, 0, UInt64(endpoint.index), entry))
    }

    private func word(_ address: Address) -> Hash32 { Hash32(address) }
    private func word(_ value: Amount) -> Hash32 {
        Hash32(
            words: (
                0, 0, UInt64(truncatingIfNeeded: value.units >> 64),
                UInt64(truncatingIfNeeded: value.units)
            ))
    }
    private func word(_ value: some FixedWidthInteger & UnsignedInteger) -> Hash32 {
        Hash32(words: (0, 0, 0, UInt64(value)))
    }
}

extension Hash32 {
    /// An address as an ABI word: 12 zero bytes before it.
    init(_ address: Address) {
        let (high, middle, low) = address.words
        self.init(
            words: (0, high >> 32, high << 32 | middle >> 32, middle << 32 | UInt64(low)))
    }
}
