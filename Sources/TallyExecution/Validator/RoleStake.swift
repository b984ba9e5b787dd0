package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// Why a stake went to the treasury. The numbers are consensus.
package enum ForfeitReason: UInt8, Hashable, Sendable, CaseIterable {
    /// Two signatures of its owner contradict each other (STAKE-9).
    case evidence = 1
    /// More than half of the others voted so (STAKE-11).
    case impeachment = 2
    /// Penalties have used it up (STAKE-8).
    case outage = 3
}

/// What a validator was punished for: each slot once (STAKE-10).
package struct Offence: Hashable, Comparable, Sendable {
    package let height: Height
    package let round: Round
    /// As `EvidenceReport.Kind`.
    package let kind: UInt8

    package init(height: Height, round: Round, kind: UInt8) {
        self.height = height
        self.round = round
        self.kind = kind
    }

    package static func < (a: Offence, b: Offence) -> Bool {
        (a.height, a.round, a.kind) < (b.height, b.round, b.kind)
    }
}

/// The stake of a validator or router: an object of kind *validator* on the beacon, under its owner's
/// address. What is left of the money is the object's value (STAKE-3).
package struct RoleStake: Hashable, Sendable {
    /// Where the stake is in its life.
    package enum Phase: Hashable, Sendable {
        case active
        /// Active, with terms added: from 1.
        case renewed(times: UInt32)
        /// Paid back.
        case released(at: BeaconTime)
        case forfeited(ForfeitReason, at: BeaconTime)
    }

    /// The owner, and its nonce when it staked: due entries of an earlier stake do nothing.
    package let id: ObjectID
    package let role: StakeRole
    /// What is left.
    package var left: Amount
    /// As it was staked: what penalties are measured by (ECON-14).
    package let staked: Amount
    /// The first term: what penalties are measured by.
    package let termDays: UInt32
    package let since: BeaconTime
    /// End of the last term.
    package var until: BeaconTime
    package var phase: Phase
    /// Last sign of life; at first the time of the stake.
    package var lastSeen: BeaconTime
    /// Whole steps since `lastSeen` that have been charged.
    package var charged: UInt64
    /// Who wants the stake impeached, ascending.
    package var votes: [Address]
    /// Ascending; those of earlier stakes of the owner too.
    package var offences: [Offence]
    /// The part in the node rewards; that of earlier stakes of the owner too (STAKE-15).
    package var rewards: RewardAccount

    /// Misdeeds after which an owner stakes no more: as many as are reported of one (IBFT-V3).
    package static let offenceLimit = 16

    package init(
        id: ObjectID, role: StakeRole, left: Amount, staked: Amount, termDays: UInt32,
        since: BeaconTime, until: BeaconTime, phase: Phase, lastSeen: BeaconTime,
        charged: UInt64, votes: [Address], offences: [Offence],
        rewards: RewardAccount = RewardAccount()
    ) {
        self.id = id
        self.role = role
        self.left = left
        self.staked = staked
        self.termDays = termDays
        self.since = since
        self.until = until
        self.phase = phase
        self.lastSeen = lastSeen
        self.charged = charged
        self.votes = votes
        self.offences = offences
        self.rewards = rewards
    }

    package static func key(of owner: Address) -> ObjectKey {
        ObjectKey(.validator, key: owner.bytes)
    }

    package var owner: Address { id.owner }

    package var isActive: Bool {
        switch phase {
        case .active, .renewed: true
        case .released, .forfeited: false
        }
    }

    package var renewals: UInt32 {
        switch phase {
        case .renewed(let times): times
        case .active, .released, .forfeited: 0
        }
    }

    /// What it weighs among nodes, from the next epoch on: E of what is left (STAKE-14, ECON-4).
    package func weight(_ economy: EconomyParameters) -> RewardWeight {
        guard isActive else { return .zero }
        let rate =
            switch role {
            case .validator: economy.validatorPower
            case .router: economy.routerPower
            }
        let power: ComputePower
        do throws(EconomyError) {
            power = try rate.power(of: left)
        } catch {
            // A rate of 0 is a fault of the parameters (ECON-24): it is more than 64 bits.
            power = ComputePower(tenThousandths: .max)
        }
        return RewardWeight(power, multiplierBps: StakeMultipliers.neutralBps)
    }

    /// Whole steps without a sign of life; the term's end ends an outage (STAKE-7).
    /// - Parameter step: in milliseconds, from 1.
    func missedSteps(at time: BeaconTime, step: UInt64) -> UInt64 {
        let end = min(time, until).milliseconds
        return end > lastSeen.milliseconds ? (end - lastSeen.milliseconds) / step : 0
    }

    /// When the next step is missed, unless a sign of life comes before; saturates.
    func nextStep(_ step: UInt64) -> BeaconTime {
        let (length, tooLong) = step.multipliedReportingOverflow(by: charged + 1)
        let (end, tooLate) = lastSeen.milliseconds.addingReportingOverflow(length)
        return BeaconTime(milliseconds: tooLong || tooLate ? .max : end)
    }

    /// A time some days after another; `nil` beyond all times.
    static func time(_ start: BeaconTime, plusDays days: UInt32) -> BeaconTime? {
        let length = UInt64(days) * OutagePenalty.millisecondsPerDay
        let (end, overflow) = start.milliseconds.addingReportingOverflow(length)
        return overflow ? nil : BeaconTime(milliseconds: end)
    }
}

extension RoleStake {
    /// Reads a stored object.
    /// - Throws: `RLPError` when its payload is not one this code wrote.
    package init(_ object: StateObject) throws(RLPError) {
        var outer = RLPDecoder(object.payload.bytes)
        var list = try outer.nextList()
        id = try ObjectID(from: &list)
        role = try list.nextCase()
        left = object.value
        staked = try list.nextAmount()
        termDays = try list.nextInteger()
        since = try list.nextTime()
        until = try list.nextTime()
        phase = try Phase(from: &list)
        lastSeen = try list.nextTime()
        charged = try list.nextInteger()
        votes = try list.nextArray(limit: RoleRoll.limit) { (list) throws(RLPError) in
            try list.nextFixed()
        }
        offences = try list.nextArray(limit: Self.offenceLimit)
        rewards = try RewardAccount(from: &list)
        try list.finish()
        try outer.finish()
        guard zip(votes, votes.dropFirst()).allSatisfy({ $0 < $1 }),
            zip(offences, offences.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw .unknownValue(0) }
    }

    package var object: StateObject {
        let payload = RLPEncoder.list(capacity: 192 + 21 * votes.count) { out in
            id.encode(to: &out)
            out.append(role.rawValue)
            out.append(staked)
            out.append(termDays)
            out.append(since)
            out.append(until)
            phase.encode(to: &out)
            out.append(lastSeen)
            out.append(charged)
            out.list { out in for vote in votes { out.append(vote) } }
            out.append(offences)
            rewards.encode(to: &out)
        }
        return StateObject(kind: .validator, value: left, payload: Payload(payload))
    }
}

extension RoleStake.Phase: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .active: out.append(UInt8(1))
            case .renewed(let times):
                out.append(UInt8(2))
                out.append(times)
            case .released(let time):
                out.append(UInt8(3))
                out.append(time)
            case .forfeited(let reason, let time):
                out.append(UInt8(4))
                out.append(reason.rawValue)
                out.append(time)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let tag: UInt8 = try list.nextInteger()
        switch tag {
        case 1: self = .active
        case 2:
            let times: UInt32 = try list.nextInteger()
            guard times > 0 else { throw .unknownValue(0) }
            self = .renewed(times: times)
        case 3: self = .released(at: try list.nextTime())
        case 4: self = .forfeited(try list.nextCase(), at: try list.nextTime())
        default: throw .unknownValue(UInt64(tag))
        }
        try list.finish()
    }
}

extension Offence: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(height)
            out.append(round.value)
            out.append(kind)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            height: try list.nextHeight(), round: Round(try list.nextInteger()),
            kind: try list.nextInteger())
        try list.finish()
    }
}
