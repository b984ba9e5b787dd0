import TallyPrimitives
import TallyState

/// What an endpoint's nodes share, and the beacon's stakes: the money that arrived and was not drawn, and by which weights
/// (EPOCH-4).
struct RewardPool: EpochObject {
    /// The first epoch whose share has not arrived.
    private(set) var next: UInt64
    /// Of all nodes together, from which epoch on; ascending. Before the first it is 0.
    private(set) var weights: [Step] = []
    var index = RewardIndex()
    /// The object's money.
    var money = Amount.zero

    struct Step: Hashable, Sendable {
        let epoch: UInt64
        let weight: RewardWeight
    }

    static var kind: ObjectKind { .pool }
    static let key = ObjectKey(.pool, key: Array("rewards".utf8))
    var key: ObjectKey { Self.key }

    init(next: UInt64) { self.next = next }

    /// The weight in force in an epoch from `next` on.
    func weight(in epoch: UInt64) -> RewardWeight {
        weights.last { $0.epoch <= epoch }?.weight ?? .zero
    }

    /// Replaces one node's weight from an epoch on that is later than all changes before.
    /// - Returns: whether the sum fits; nothing has changed if not.
    mutating func change(
        from old: RewardWeight, to new: RewardWeight, in epoch: UInt64
    ) -> Bool {
        let total = weights.last?.weight ?? .zero
        guard let sum = total.subtracting(old)?.adding(new) else { return false }
        if weights.last?.epoch == epoch { weights.removeLast() }
        weights.append(Step(epoch: epoch, weight: sum))
        return true
    }

    /// Takes in the nodes' money of the epoch `next`.
    /// - Returns: what no node can draw: the treasury's.
    mutating func receive(_ nodes: Amount) throws(EconomyError) -> Amount {
        let residue = try index.add(nodes, over: weight(in: next))
        guard let held = money.adding(nodes)?.subtracting(residue) else { throw .overflow }
        money = held
        next += 1
        while weights.count > 1, weights[1].epoch <= next { weights.removeFirst() }
        if let first = weights.first, first.weight == .zero { weights.removeFirst() }
        return residue
    }

    init(_ object: StateObject) throws(RLPError) {
        (next, weights, index) = try RLPDecoder.list(object.payload.bytes) {
            (list) throws(RLPError) in
            (
                try list.nextInteger(), try list.nextArray(limit: RewardAccount.stepLimit),
                try RewardIndex(from: &list)
            )
        }
        money = object.value
    }

    var object: StateObject? {
        let payload = RLPEncoder.list { out in
            out.append(next)
            out.append(weights)
            index.encode(to: &out)
        }
        return StateObject(kind: .pool, value: money, payload: Payload(payload))
    }
}

extension RewardPool.Step: RLPValue {
    func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(epoch)
            out.append(weight.units)
        }
    }

    init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        epoch = try list.nextInteger()
        weight = RewardWeight(units: try list.nextInteger())
        try list.finish()
    }
}

/// Where the index stood when an epoch began, kept as long as an account's weight changed there and
/// was not settled across it (EPOCH-5).
struct RewardBoundary: EpochObject {
    let epoch: UInt64
    /// Accounts that refer to it; without one the object is deleted.
    var accounts: UInt64 = 0
    /// `nil` until the share of the epoch before has arrived.
    var index: UInt256?

    static var kind: ObjectKind { .epoch }
    static func key(_ epoch: UInt64) -> ObjectKey { EpochObjectTag.boundary.key(epoch) }
    var key: ObjectKey { Self.key(epoch) }

    init(epoch: UInt64) { self.epoch = epoch }

    init(_ object: StateObject) throws(RLPError) {
        (epoch, accounts, index) = try RLPDecoder.list(object.payload.bytes) {
            (list) throws(RLPError) in
            try EpochObjectTag.boundary.expect(in: &list)
            return (
                try list.nextInteger(), try list.nextInteger(),
                list.isAtEnd ? nil : try UInt256(from: &list)
            )
        }
    }

    var object: StateObject? {
        guard accounts > 0 else { return nil }
        let payload = RLPEncoder.list { out in
            out.append(EpochObjectTag.boundary.rawValue)
            out.append(epoch)
            out.append(accounts)
            index?.encode(to: &out)
        }
        return StateObject(kind: .epoch, value: .zero, payload: Payload(payload))
    }
}

extension BlockExecutor {
    /// The endpoint's pool; one that nothing has reached if there is none yet.
    mutating func rewardPool() throws(ExecutionError) -> RewardPool {
        if let pool: RewardPool = try stored(at: RewardPool.key) { return pool }
        return RewardPool(next: try opening() ?? context.epoch)
    }

    /// Counts accounts that begin, or end, to refer to a boundary.
    mutating func refer(to epoch: UInt64, by change: Int) throws(ExecutionError) {
        guard change != 0 else { return }
        var boundary =
            try stored(RewardBoundary.self, at: RewardBoundary.key(epoch))
            ?? RewardBoundary(epoch: epoch)
        let (sum, overflow) = Int64(bitPattern: boundary.accounts)
            .addingReportingOverflow(Int64(change))
        guard !overflow, sum >= 0 else {
            throw .invariant("boundary of epoch \(epoch) with fewer than no accounts")
        }
        boundary.accounts = UInt64(sum)
        try store(boundary)
    }
}
