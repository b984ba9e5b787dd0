package import TallyPrimitives
package import TallyState

// What the beacon keeps of the epochs that it has not minted for (EPOCH-3).

extension EpochReport: EpochObject {
    static var kind: ObjectKind { .epoch }
    var key: ObjectKey { EpochObjectTag.report.key(epoch, endpoint) }

    init(_ object: StateObject) throws(RLPError) {
        self = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            try EpochObjectTag.report.expect(in: &list)
            return EpochReport(
                epoch: try list.nextInteger(), endpoint: try list.nextEndpoint(),
                weight: RewardWeight(units: try list.nextInteger()),
                claims: try list.nextAmount())
        }
    }

    var object: StateObject? {
        let payload = RLPEncoder.list { out in
            out.append(EpochObjectTag.report.rawValue)
            out.append(epoch)
            out.append(endpoint)
            out.append(weight.units)
            out.append(claims)
        }
        return StateObject(kind: .epoch, value: .zero, payload: Payload(payload))
    }
}

/// The reports of one epoch together.
struct EpochTally: EpochObject {
    let epoch: UInt64
    private(set) var count: UInt64 = 0
    private(set) var weight = RewardWeight.zero
    private(set) var claims = Amount.zero

    static var kind: ObjectKind { .epoch }
    static func key(_ epoch: UInt64) -> ObjectKey { EpochObjectTag.tally.key(epoch) }
    var key: ObjectKey { Self.key(epoch) }

    init(epoch: UInt64) { self.epoch = epoch }

    /// Adds a report. `false` when a sum would exceed its type: nothing has changed then.
    mutating func add(_ report: EpochReport) -> Bool {
        guard let weight = weight.adding(report.weight), let claims = claims.adding(report.claims)
        else { return false }
        count += 1
        self.weight = weight
        self.claims = claims
        return true
    }

    init(_ object: StateObject) throws(RLPError) {
        (epoch, count, weight, claims) = try RLPDecoder.list(object.payload.bytes) {
            (list) throws(RLPError) in
            try EpochObjectTag.tally.expect(in: &list)
            return (
                try list.nextInteger(), try list.nextInteger(),
                RewardWeight(units: try list.nextInteger()), try list.nextAmount()
            )
        }
    }

    var object: StateObject? {
        let payload = RLPEncoder.list { out in
            out.append(EpochObjectTag.tally.rawValue)
            out.append(epoch)
            out.append(count)
            out.append(weight.units)
            out.append(claims)
        }
        return StateObject(kind: .epoch, value: .zero, payload: Payload(payload))
    }
}

/// What was minted of the pools, on the beacon (EPOCH-3).
package struct EmissionBook: EpochObject {
    /// The first epoch that was not minted for.
    package internal(set) var next: UInt64
    package internal(set) var nodes = Amount.zero
    /// What epochs without weight would have minted for nodes.
    package internal(set) var unminted = Amount.zero
    package internal(set) var trades = Amount.zero
    /// Nothing grants yet.
    package internal(set) var developers = Amount.zero

    static var kind: ObjectKind { .pool }
    package static let key = ObjectKey(.pool, key: Array("emission".utf8))
    var key: ObjectKey { Self.key }

    init(next: UInt64) { self.next = next }

    /// All that was minted; `nil` above 2^128 − 1.
    var minted: Amount? { Amount.sum([nodes, trades, developers]) }

    package init(_ object: StateObject) throws(RLPError) {
        (next, nodes, unminted, trades, developers) = try RLPDecoder.list(object.payload.bytes) {
            (list) throws(RLPError) in
            (
                try list.nextInteger(), try list.nextAmount(), try list.nextAmount(),
                try list.nextAmount(), try list.nextAmount()
            )
        }
    }

    var object: StateObject? {
        let payload = RLPEncoder.list { out in
            out.append(next)
            out.append(nodes)
            out.append(unminted)
            out.append(trades)
            out.append(developers)
        }
        return StateObject(kind: .pool, value: .zero, payload: Payload(payload))
    }
}
