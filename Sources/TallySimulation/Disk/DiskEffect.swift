/// What a node does that the outside or a later start can see: where it can be cut off.
package enum DiskEffect: String, Hashable, CaseIterable, Sendable {
    case create, write, sync, syncDirectory, truncate, delete, discard
    /// Readers see a height: it is acknowledged.
    case publish
    /// A shard's checkpoint, one transaction of its page store.
    case commitShard
    /// The beacon's, written last.
    case commitBeacon
}

/// A time in which the disk has no room: what needs some fails, having done a part of it.
package struct DiskShortage: Hashable, Sendable {
    /// Number of the effect from which on there is none.
    package var effect: Int
    /// Effects that fail before there is space again; at least 1.
    package var failures: Int

    package init(at effect: Int, failures: Int) {
        self.effect = effect
        self.failures = failures
    }
}

/// Why an effect did not take place.
enum StepFailure: Error {
    case crashed
    case diskFull
}

/// When, relative to an effect, a node dies.
package enum CrashMoment: String, Hashable, CaseIterable, Sendable {
    case before, during, after
}

/// The place where a node dies.
package struct CrashPoint: Hashable, Sendable, CustomStringConvertible {
    /// Number of the effect, from 0, counted since the disk was new.
    package var effect: Int
    package var moment: CrashMoment

    package init(_ effect: Int, _ moment: CrashMoment) {
        self.effect = effect
        self.moment = moment
    }

    package var description: String { "\(moment) effect \(effect)" }
}

/// The node died where its disk was told that it would.
package struct Crashed: Error, Hashable, Sendable {}
