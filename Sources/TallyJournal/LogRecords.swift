package import TallyConsensus
import TallyPrimitives

/// Records of the agreement that one record of a log holds: those of one request, written whole or
/// not at all (LOG-11).
package struct LogRecords: Hashable, Sendable {
    /// They come behind those before.
    package static let added = RecordKind(1)
    /// They are all that is needed: those before are void (LOG-12).
    package static let restated = RecordKind(2)

    package let records: [ConsensusRecord]
    package let isRestatement: Bool

    package init(_ records: [ConsensusRecord], isRestatement: Bool = false) {
        self.records = records
        self.isRestatement = isRestatement
    }

    var kind: RecordKind { isRestatement ? Self.restated : Self.added }

    /// The payload, a record a piece.
    var parts: [[UInt8]] { records.map(\.encoded) }

    package var payload: [UInt8] {
        let parts = parts
        return parts.count == 1 ? parts[0] : Array(parts.joined())
    }

    /// - Throws: `.malformed`, `.unknownKind`.
    package init(
        _ record: JournalRecord, _ payload: ArraySlice<UInt8>, of log: ConsensusRecord.Log
    ) throws(LogRecoveryError) {
        guard record.kind == Self.added || record.kind == Self.restated else {
            throw .unknownKind(log, sequence: record.sequence, record.kind)
        }
        isRestatement = record.kind == Self.restated
        var records: [ConsensusRecord] = []
        do throws(RLPError) {
            var decoder = RLPDecoder(Array(payload))
            while !decoder.isAtEnd {
                records.append(try ConsensusRecord(encoded: Array(try decoder.nextEncoded())))
            }
        } catch { throw .malformed(log, sequence: record.sequence, error) }
        self.records = records
    }
}

/// What is to be done to one of the two logs.
package struct LogEffects: Hashable, Sendable {
    package let log: ConsensusRecord.Log
    package let effects: [JournalEffect]

    package init(_ log: ConsensusRecord.Log, _ effects: [JournalEffect]) {
        self.log = log
        self.effects = effects
    }
}

/// Effects of both logs that are under way, each of which waits for those before it
/// (`JournalWork`).
package struct LogWork: Hashable, Sendable {
    private struct Part: Hashable {
        let log: ConsensusRecord.Log
        var work: JournalWork
    }

    private var parts: [Part] = []

    package init() {}

    package var isDone: Bool { parts.isEmpty }

    /// Adds effects behind those that are left.
    package mutating func add(_ effects: [LogEffects]) {
        for item in effects where !item.effects.isEmpty {
            parts.append(Part(log: item.log, work: JournalWork(item.effects)))
        }
    }

    /// Performs what is left, in order.
    /// - Returns: the segment that the disk has no space for, or `nil` when all is done.
    /// - Throws: `failed`, as `JournalWork.run`.
    package mutating func run(
        beacon: inout some JournalStorage, votes: inout some JournalStorage
    ) throws(JournalStorageError) -> JournalSegment? {
        while !parts.isEmpty {
            let full =
                switch parts[0].log {
                case .beacon: try parts[0].work.run(on: &beacon)
                case .votes: try parts[0].work.run(on: &votes)
                }
            if let full { return full }
            parts.removeFirst()
        }
        return nil
    }
}
