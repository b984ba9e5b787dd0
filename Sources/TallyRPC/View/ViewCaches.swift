import Synchronization
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// What is derived from blocks and expensive to derive again. Blocks never change, so nothing in
/// here is ever wrong; everything is bounded.
final class ViewCaches: Sendable {
    private struct Content {
        var offsets: [Hash32: BlockOffsets] = [:]
        var blooms: [Hash32: LogsBloom] = [:]
        var heads: [Hash32: [UInt8]] = [:]
        var headOrder: [Hash32] = []
        var offsetOrder: [Hash32] = []
        var bloomOrder: [Hash32] = []
        var offsetEntries = 0
        var rows: [Height: KnownRow] = [:]
        var rowOrder: [Height] = []
    }

    private let content = Mutex(Content())
    private let systemIndex = Mutex(SystemIndex())

    /// Blocks whose blooms are kept: the ones that are asked for again and again.
    private static let bloomLimit = 256
    /// Decoded beacon rows: half a kilobyte each on a network of few shards.
    private static let rowLimit = 4_096
    /// Announcements kept: for the subscribers that get the same one.
    private static let headLimit = 64
    /// Entries of all blocks whose offsets are kept: 16 bytes each.
    private static let entryLimit = 1 << 20

    func offsets(_ block: Hash32) -> BlockOffsets? { content.withLock { $0.offsets[block] } }
    func bloom(_ block: Hash32) -> LogsBloom? { content.withLock { $0.blooms[block] } }

    func row(_ height: Height) -> KnownRow? { content.withLock { $0.rows[height] } }

    func store(_ row: KnownRow) {
        content.withLock { content in
            let height = row.row.header.height
            guard content.rows.updateValue(row, forKey: height) == nil else { return }
            content.rowOrder.append(height)
            guard content.rowOrder.count > Self.rowLimit else { return }
            // Half at once: a removal at the front moves all the others.
            for height in content.rowOrder.prefix(Self.rowLimit / 2) {
                content.rows[height] = nil
            }
            content.rowOrder.removeFirst(Self.rowLimit / 2)
        }
    }

    func head(_ block: Hash32) -> [UInt8]? { content.withLock { $0.heads[block] } }

    func store(head: [UInt8], _ block: Hash32) {
        content.withLock { content in
            guard content.heads.updateValue(head, forKey: block) == nil else { return }
            content.headOrder.append(block)
            if content.headOrder.count > Self.headLimit {
                content.heads[content.headOrder.removeFirst()] = nil
            }
        }
    }

    func store(_ offsets: BlockOffsets, _ block: Hash32) {
        content.withLock { content in
            guard content.offsets.updateValue(offsets, forKey: block) == nil else { return }
            content.offsetOrder.append(block)
            // An empty block counts too, or their number had no bound.
            content.offsetEntries += offsets.gas.count + 1
            while content.offsetEntries > Self.entryLimit, content.offsetOrder.count > 1 {
                let oldest = content.offsetOrder.removeFirst()
                let dropped = content.offsets.removeValue(forKey: oldest)
                content.offsetEntries -= (dropped?.gas.count ?? 0) + 1
            }
        }
    }

    func store(_ bloom: LogsBloom, _ block: Hash32) {
        content.withLock { content in
            guard content.blooms.updateValue(bloom, forKey: block) == nil else { return }
            content.bloomOrder.append(block)
            if content.bloomOrder.count > Self.bloomLimit {
                content.blooms[content.bloomOrder.removeFirst()] = nil
            }
        }
    }

    /// The block of a canonical system transaction among the newest `SystemIndex.heights`.
    func systemTransaction(
        _ hash: Hash32, _ snapshot: LedgerSnapshot
    ) throws(ReadError) -> SystemIndex.Place? {
        let found: Result<SystemIndex.Place?, ReadError> = systemIndex.withLock { index in
            do throws(ReadError) {
                try index.extend(to: snapshot)
                return .success(index.places[hash])
            } catch { return .failure(error) }
        }
        guard let place = try found.get(), place.height <= snapshot.height else { return nil }
        return place
    }

    /// The same, unless there is much to index first, or somebody does just that.
    func quickSystemTransaction(
        _ hash: Hash32, _ snapshot: LedgerSnapshot
    ) throws(ReadError) -> ChainView.Quick<SystemIndex.Place> {
        let found: Result<ChainView.Quick<SystemIndex.Place>, ReadError>? =
            systemIndex.withLockIfAvailable { index in
                guard index.missing(snapshot) <= Self.quickHeights else {
                    return .success(.undecided)
                }
                do throws(ReadError) {
                    try index.extend(to: snapshot)
                    guard let place = index.places[hash], place.height <= snapshot.height else {
                        return .success(.missing)
                    }
                    return .success(.found(place))
                } catch { return .failure(error) }
            }
        return try found?.get() ?? .undecided
    }

    private static let quickHeights: UInt64 = 16
}

/// Places of canonical system transactions by hash (VIEW-31).
///
/// The hash hides height and shard, and no database holds it: the newest heights are indexed in
/// memory when somebody first asks, older ones are found by their place in the block only.
struct SystemIndex: Sendable {
    struct Place: Hashable, Sendable {
        let height: Height
        let endpoint: EndpointID
    }

    private(set) var places: [Hash32: Place] = [:]
    private var hashes: [(height: Height, hash: Hash32)] = []
    private var end = Height.genesis

    /// Heights covered: some minutes of a busy network, a day of an idle one, a few megabytes.
    static let heights: UInt64 = 16_384

    /// Heights that the index has not seen.
    func missing(_ snapshot: LedgerSnapshot) -> UInt64 {
        snapshot.height.value - min(snapshot.height.value, end.value)
    }

    mutating func extend(to snapshot: LedgerSnapshot) throws(ReadError) {
        guard snapshot.height > end else { return }
        let oldest = snapshot.height.value - min(snapshot.height.value, Self.heights - 1)
        var height = Height(max(end.next.value, oldest, try snapshot.historyBase.value))
        while height <= snapshot.height {
            guard let row = try snapshot.beaconBlock(height) else {
                throw .corruptRow(database: "beaconBlocks")
            }
            for anchor in row.anchors where anchor.hasSystemTransaction {
                let hash = SystemTransaction(
                    chainID: snapshot.genesis.parameters.chainID, height: height,
                    endpoint: anchor.endpoint
                ).hash
                places[hash] = Place(height: height, endpoint: anchor.endpoint)
                hashes.append((height, hash))
            }
            end = height
            height = height.next
        }
        let stale = hashes.prefix { $0.height.value < oldest }
        // In large steps: a removal at the front moves all the others.
        guard stale.count > hashes.count / 2 else { return }
        for (_, hash) in stale { places[hash] = nil }
        hashes.removeFirst(stale.count)
    }
}
