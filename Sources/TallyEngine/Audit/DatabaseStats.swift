import Foundation
import TallyJournal
package import TallyPrimitives
package import TallySharding
import TallyStore

/// How large the parts of a stopped ledger are.
package struct DatabaseStats: Hashable, Sendable {
    /// By endpoint index: the shards, then the beacon.
    package let environments: [EnvironmentStats]
    /// Segments of the beacon log, oldest first.
    package let segments: [Segment]

    /// One LMDB environment.
    package struct EnvironmentStats: Hashable, Sendable {
        package let endpoint: EndpointID
        /// Height of the checkpoint; `nil` without one.
        package let checkpoint: Height?
        /// Address space reserved, in bytes.
        package let mapSizeBytes: Int
        /// Bytes up to the last page ever used, free pages included.
        package let usedBytes: Int
        package let readerSlotsUsed: Int
        package let maxReaders: Int
        /// In the order of `EndpointStore`'s table.
        package let rows: [Rows]
    }

    package struct Rows: Hashable, Sendable {
        package let database: String
        package let count: Int
    }

    package struct Segment: Hashable, Sendable {
        package let name: String
        package let bytes: Int
    }

    /// Reads the figures of a directory whose lock the caller holds.
    package static func read(
        directory: String, genesis: Genesis, limits: Limits = Limits()
    ) throws(AuditError) -> DatabaseStats {
        var findings = AuditFindings()
        let source = try AuditSource(
            directory: directory, genesis: genesis, limits: limits, &findings)
        var environments: [EnvironmentStats] = []
        for (index, endpoint) in source.layout.endpoints.enumerated() {
            let view = source.views[index]
            let info = view.snapshot.environment.info
            var rows: [Rows] = []
            do throws(StoreError) {
                for database in view.databases.all {
                    rows.append(
                        Rows(database: database.name, count: try view.count(in: database)))
                }
            } catch { throw .store(error) }
            environments.append(
                EnvironmentStats(
                    endpoint: endpoint, checkpoint: source.heads[index]?.appliedHeight,
                    mapSizeBytes: info.mapSizeBytes, usedBytes: info.usedBytes,
                    readerSlotsUsed: info.readerSlotsUsed, maxReaders: info.maxReaders,
                    rows: rows))
        }
        var segments: [Segment] = []
        do throws(JournalOpenError) {
            segments = try ReadOnlyJournal.opened(in: directory).sizes(in: directory)
        } catch {
            if case .storage(let error) = error { throw .log(error) }
        }
        return DatabaseStats(environments: environments, segments: segments)
    }
}

extension ReadOnlyJournal {
    /// Sizes as the file system has them: a segment is not read for that.
    fileprivate func sizes(
        in directory: String
    ) throws(JournalOpenError) -> [DatabaseStats.Segment] {
        let segments: [JournalSegment]
        do throws(JournalStorageError) {
            segments = try list()
        } catch { throw .storage(error) }
        return segments.map { segment in
            let path = DataLayout.log(in: directory) + "/" + segment.fileName
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            return .init(
                name: segment.fileName, bytes: (attributes?[.size] as? NSNumber)?.intValue ?? 0)
        }
    }
}

extension EndpointStore.Databases {
    var all: [Database] {
        [
            meta, buckets, payloads, blocks, transactions, hashes, outbox, legs, due, beaconBlocks,
            beaconHashes, elections,
        ]
    }
}
