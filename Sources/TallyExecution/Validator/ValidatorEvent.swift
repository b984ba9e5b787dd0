package import TallyPrimitives
package import TallyTransactions

/// What happened in the Validator family.
package enum ValidatorEvent: FamilyEvent {
    case stakePlaced(
        ObjectID, StakeRole, value: Amount, termDays: UInt32, until: BeaconTime)
    case stakeRenewed(ObjectID, termDays: UInt32, until: BeaconTime)
    /// A payout brings it back.
    case stakeReleased(ObjectID, value: Amount)
    case heartbeat(ObjectID, at: BeaconTime)
    /// Went to the treasury for the steps between two times.
    case rolePenalised(ObjectID, amount: Amount, from: BeaconTime, to: BeaconTime)
    /// What was left went to the treasury.
    case stakeForfeited(ObjectID, ForfeitReason, value: Amount)
    /// A vote, and how many there are of how many others.
    case impeachmentVoted(ObjectID, by: Address, votes: UInt32, others: UInt32)
    case validatorsElected(epoch: UInt64, hash: Hash32, count: UInt32)
    /// A payout brings what a stake has earned.
    case rewardsClaimed(ObjectID, value: Amount)

    package var record: EventRecord {
        let door = ReservedAddress.validators
        func stake(_ id: ObjectID) -> EventField { .indexed("stake", .bytes32(id.word)) }
        func owner(_ id: ObjectID) -> EventField { .indexed("owner", .address(id.owner)) }
        func time(_ name: String, _ time: BeaconTime) -> EventField {
            .data(name, .uint64(time.milliseconds))
        }
        func value(_ value: Amount) -> EventField { .data("value", .uint256(value)) }
        return switch self {
        case .stakePlaced(let id, let role, let amount, let termDays, let until):
            EventRecord(
                "StakePlaced", at: door, stake(id), owner(id),
                .data("role", .uint8(role.rawValue)), value(amount),
                .data("termDays", .uint32(termDays)), time("until", until))
        case .stakeRenewed(let id, let termDays, let until):
            EventRecord(
                "StakeRenewed", at: door, stake(id), owner(id),
                .data("termDays", .uint32(termDays)), time("until", until))
        case .stakeReleased(let id, let amount):
            EventRecord("StakeReleased", at: door, stake(id), owner(id), value(amount))
        case .heartbeat(let id, let at):
            EventRecord("Heartbeat", at: door, stake(id), owner(id), time("time", at))
        case .rolePenalised(let id, let amount, let from, let to):
            EventRecord(
                "RolePenalised", at: door, stake(id), owner(id), value(amount),
                time("fromTime", from), time("toTime", to))
        case .stakeForfeited(let id, let reason, let amount):
            EventRecord(
                "StakeForfeited", at: door, stake(id), owner(id),
                .data("reason", .uint8(reason.rawValue)), value(amount))
        case .impeachmentVoted(let id, let voter, let votes, let others):
            EventRecord(
                "ImpeachmentVoted", at: door, stake(id), owner(id),
                .indexed("voter", .address(voter)), .data("votes", .uint32(votes)),
                .data("others", .uint32(others)))
        case .validatorsElected(let epoch, let hash, let count):
            EventRecord(
                "ValidatorsElected", at: door, .indexed("epoch", .uint64(epoch)),
                .data("set", .bytes32(hash)), .data("count", .uint32(count)))
        case .rewardsClaimed(let id, let amount):
            EventRecord("RoleRewardsClaimed", at: door, stake(id), owner(id), value(amount))
        }
    }
}

extension ValidatorEvent {
    private enum Tag: UInt8 {
        case stakePlaced = 1
        case stakeRenewed, stakeReleased, heartbeat, rolePenalised, stakeForfeited
        case impeachmentVoted, validatorsElected, rewardsClaimed
    }

    package func encode(to out: inout RLPEncoder) {
        func begin(_ tag: Tag, _ id: ObjectID, _ out: inout RLPEncoder) {
            out.append(tag.rawValue)
            id.encode(to: &out)
        }
        out.list { out in
            switch self {
            case .stakePlaced(let id, let role, let value, let termDays, let until):
                begin(.stakePlaced, id, &out)
                out.append(role.rawValue)
                out.append(value)
                out.append(termDays)
                out.append(until)
            case .stakeRenewed(let id, let termDays, let until):
                begin(.stakeRenewed, id, &out)
                out.append(termDays)
                out.append(until)
            case .stakeReleased(let id, let value):
                begin(.stakeReleased, id, &out)
                out.append(value)
            case .heartbeat(let id, let time):
                begin(.heartbeat, id, &out)
                out.append(time)
            case .rolePenalised(let id, let amount, let from, let to):
                begin(.rolePenalised, id, &out)
                out.append(amount)
                out.append(from)
                out.append(to)
            case .stakeForfeited(let id, let reason, let value):
                begin(.stakeForfeited, id, &out)
                out.append(reason.rawValue)
                out.append(value)
            case .impeachmentVoted(let id, let voter, let votes, let others):
                begin(.impeachmentVoted, id, &out)
                out.append(voter)
                out.append(votes)
                out.append(others)
            case .validatorsElected(let epoch, let hash, let count):
                out.append(Tag.validatorsElected.rawValue)
                out.append(epoch)
                out.append(hash)
                out.append(count)
            case .rewardsClaimed(let id, let value):
                begin(.rewardsClaimed, id, &out)
                out.append(value)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        switch try list.nextCase(Tag.self) {
        case .stakePlaced:
            self = .stakePlaced(
                try ObjectID(from: &list), try list.nextCase(), value: try list.nextAmount(),
                termDays: try list.nextInteger(), until: try list.nextTime())
        case .stakeRenewed:
            self = .stakeRenewed(
                try ObjectID(from: &list), termDays: try list.nextInteger(),
                until: try list.nextTime())
        case .stakeReleased:
            self = .stakeReleased(try ObjectID(from: &list), value: try list.nextAmount())
        case .heartbeat: self = .heartbeat(try ObjectID(from: &list), at: try list.nextTime())
        case .rolePenalised:
            self = .rolePenalised(
                try ObjectID(from: &list), amount: try list.nextAmount(),
                from: try list.nextTime(), to: try list.nextTime())
        case .stakeForfeited:
            self = .stakeForfeited(
                try ObjectID(from: &list), try list.nextCase(), value: try list.nextAmount())
        case .impeachmentVoted:
            self = .impeachmentVoted(
                try ObjectID(from: &list), by: try list.nextFixed(),
                votes: try list.nextInteger(), others: try list.nextInteger())
        case .validatorsElected:
            self = .validatorsElected(
                epoch: try list.nextInteger(), hash: try list.nextFixed(),
                count: try list.nextInteger())
        case .rewardsClaimed:
            self = .rewardsClaimed(try ObjectID(from: &list), value: try list.nextAmount())
        }
        try list.finish()
    }
}
