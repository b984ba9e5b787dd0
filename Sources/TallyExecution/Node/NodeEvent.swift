package import TallyPrimitives
package import TallyTransactions

/// What happened to a compute node, named by its owner (NODE-9).
package enum NodeEvent: Hashable, Sendable {
    case registered(Address, key: Hash32, spec: Hash32)
    case updated(Address, key: Hash32, spec: Hash32)
    case retired(Address)
    case staked(Address, value: Amount, termDays: UInt32, until: BeaconTime)
    /// `value` is what penalties left.
    case unstaked(Address, value: Amount)
    case active(Address, ComputePower)
    case offline(Address)
    /// For the outage up to its step `period`, from 1.
    case penalised(Address, value: Amount, period: UInt64)
    case rewardsClaimed(Address, value: Amount)
    /// A job of the owner ended, well or not (NODE-11).
    case rated(Address, job: ObjectID, isGood: Bool)

    private var owner: Address {
        switch self {
        case .registered(let owner, _, _), .updated(let owner, _, _), .retired(let owner),
            .staked(let owner, _, _, _), .unstaked(let owner, _), .active(let owner, _),
            .offline(let owner), .penalised(let owner, _, _), .rewardsClaimed(let owner, _),
            .rated(let owner, _, _):
            owner
        }
    }

    private var name: String {
        switch self {
        case .registered: "NodeRegistered"
        case .updated: "NodeUpdated"
        case .retired: "NodeRetired"
        case .staked: "NodeStaked"
        case .unstaked: "NodeUnstaked"
        case .active: "NodeActive"
        case .offline: "NodeOffline"
        case .penalised: "NodePenalised"
        case .rewardsClaimed: "RewardsClaimed"
        case .rated: "NodeRated"
        }
    }

    private enum Tag: UInt8 {
        case registered = 1
        case updated, retired, staked, unstaked, active, offline, penalised, rewardsClaimed, rated
    }

    private var tag: Tag {
        switch self {
        case .registered: .registered
        case .updated: .updated
        case .retired: .retired
        case .staked: .staked
        case .unstaked: .unstaked
        case .active: .active
        case .offline: .offline
        case .penalised: .penalised
        case .rewardsClaimed: .rewardsClaimed
        case .rated: .rated
        }
    }
}

extension NodeEvent: FamilyEvent {
    package var record: EventRecord {
        let id = EventField.indexed("node", .bytes32(ObjectID.node(owner).word))
        let actor = EventField.indexed("owner", .address(owner))
        func record(_ fields: EventField...) -> EventRecord {
            EventRecord(name, at: ReservedAddress.nodes, of: [id, actor] + fields)
        }
        return switch self {
        case .registered(_, let key, let spec), .updated(_, let key, let spec):
            record(.data("key", .bytes32(key)), .data("spec", .bytes32(spec)))
        case .retired, .offline: record()
        case .staked(_, let value, let days, let until):
            record(
                .data("value", .uint256(value)), .data("termDays", .uint32(days)),
                .data("until", .uint64(until.milliseconds)))
        case .unstaked(_, let value), .rewardsClaimed(_, let value):
            record(.data("value", .uint256(value)))
        case .active(_, let power): record(.data("power", .uint64(power.tenThousandths)))
        case .penalised(_, let value, let period):
            record(.data("value", .uint256(value)), .data("period", .uint64(period)))
        case .rated(_, let job, let isGood):
            record(.data("job", .bytes32(job.word)), .data("good", .bool(isGood)))
        }
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(tag.rawValue)
            out.append(owner)
            switch self {
            case .registered(_, let key, let spec), .updated(_, let key, let spec):
                out.append(key)
                out.append(spec)
            case .retired, .offline: break
            case .staked(_, let value, let days, let until):
                out.append(value)
                out.append(days)
                out.append(until)
            case .unstaked(_, let value), .rewardsClaimed(_, let value): out.append(value)
            case .active(_, let power): out.append(power.tenThousandths)
            case .penalised(_, let value, let period):
                out.append(value)
                out.append(period)
            case .rated(_, let job, let isGood):
                job.encode(to: &out)
                out.append(UInt8(isGood ? 1 : 0))
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag = try list.nextCase(Tag.self)
        let owner: Address = try list.nextFixed()
        switch tag {
        case .registered:
            self = .registered(owner, key: try list.nextFixed(), spec: try list.nextFixed())
        case .updated:
            self = .updated(owner, key: try list.nextFixed(), spec: try list.nextFixed())
        case .retired: self = .retired(owner)
        case .staked:
            self = .staked(
                owner, value: try list.nextAmount(), termDays: try list.nextInteger(),
                until: try list.nextTime())
        case .unstaked: self = .unstaked(owner, value: try list.nextAmount())
        case .active:
            self = .active(owner, ComputePower(tenThousandths: try list.nextInteger()))
        case .offline: self = .offline(owner)
        case .penalised:
            self = .penalised(
                owner, value: try list.nextAmount(), period: try list.nextInteger())
        case .rewardsClaimed: self = .rewardsClaimed(owner, value: try list.nextAmount())
        case .rated:
            let job = try ObjectID(from: &list)
            let good: UInt8 = try list.nextInteger()
            guard good < 2 else { throw .unknownValue(UInt64(good)) }
            self = .rated(owner, job: job, isGood: good == 1)
        }
        try list.finish()
    }
}

extension EventRecord {
    fileprivate init(_ name: String, at door: Address, of fields: [EventField]) {
        self.name = name
        self.door = door
        self.fields = fields
    }
}
