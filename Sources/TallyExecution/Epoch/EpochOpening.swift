package import TallyPrimitives
package import TallyState

/// The epoch that a network began in, and what its endpoints begin with (EPOCH-1).
package struct EpochOpening: Hashable, Sendable {
    package let epoch: UInt64

    package static let key = ObjectKey(.meta, key: Array("opening".utf8))

    /// - Parameter time: of the genesis.
    package init(_ parameters: NetworkParameters, at time: BeaconTime) {
        epoch = parameters.epoch(at: time)
    }

    init(_ object: StateObject) throws(RLPError) {
        var input = RLPDecoder(object.payload.bytes)
        epoch = try input.nextInteger()
        try input.finish()
    }

    var object: StateObject {
        var out = RLPEncoder()
        out.append(epoch)
        return StateObject(kind: .meta, value: .zero, payload: Payload(out.bytes))
    }

    /// The entry that closes the opening epoch.
    package func firstClose(_ parameters: NetworkParameters) -> DueEntry {
        DueEntry(
            key: DueKey(
                destination: parameters.layout.beacon, time: parameters.end(ofEpoch: epoch),
                sequence: 0),
            value: .zero, action: .epoch(.close(epoch: epoch)))
    }

    /// What an endpoint's state begins with beside its accounts: this, the first entry, its counters.
    package func changes(_ parameters: NetworkParameters) -> [StateChange] {
        let counters = DueCounters(next: 1, count: 1)
        return [
            StateChange(Self.key, object),
            StateChange(
                DueEntry.objectKey(sequence: 0), firstClose(parameters).object),
            StateChange(DueCounters.key, counters.object),
        ]
    }
}

extension NetworkParameters {
    /// Number of the epoch that a time lies in, counted from the time 0 (EPOCH-1).
    package func epoch(at time: BeaconTime) -> UInt64 {
        time.milliseconds / max(epochMilliseconds, 1)
    }

    /// The first moment after an epoch; the last there is, if that is none.
    package func end(ofEpoch epoch: UInt64) -> BeaconTime {
        let (next, overflow) = epoch.addingReportingOverflow(1)
        let (end, isLate) = next.multipliedReportingOverflow(by: epochMilliseconds)
        return BeaconTime(milliseconds: overflow || isLate ? .max : end)
    }
}

extension BlockExecutor {
    /// The opening epoch; `nil` in a state that no genesis of an economy made.
    func opening() throws(ExecutionError) -> UInt64? {
        guard let object = try state.peek(EpochOpening.key) else { return nil }
        do throws(RLPError) {
            return try EpochOpening(object).epoch
        } catch { throw .corruptObject(.meta, error) }
    }

    /// The epoch's number on the schedules: 0 is that of the genesis (ECON-8).
    func epochsSinceOpening(_ epoch: UInt64) throws(ExecutionError) -> UInt64 {
        guard let opening = try opening(), epoch > opening else { return 0 }
        return epoch - opening
    }
}
