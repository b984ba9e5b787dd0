import TallyClient
import TallyPrimitives

/// Reads blocks in order from whichever node answers: one request a block, and one a pause while there
/// is none.
struct BlockObserver {
    private let clients: [RPCClient]
    private let clock: RunClock
    private let pause: Duration
    private var next: UInt64
    private var place = 0
    /// When there was something to see.
    private var lastSeen: UInt64

    /// A node without news for so long, in nanoseconds, may be behind: another one is asked.
    private static let patience: UInt64 = 1_000_000_000

    init(endpoints: [String], next: UInt64, clock: RunClock, pause: Duration) {
        clients = endpoints.compactMap { try? RPCClient($0, timeout: .seconds(5)) }
        self.clock = clock
        self.pause = pause
        self.next = next
        lastSeen = clock.now
    }

    /// The next block; `nil` when the task is cancelled.
    mutating func block() async -> ObservedBlock? {
        while !Task.isCancelled {
            let answer: JSON
            do throws(RPCClientError) {
                answer = try await clients[place].call(
                    "eth_getBlockByNumber", [.string(Hex.quantity(next)), false])
            } catch {
                place = (place + 1) % clients.count
                try? await Task.sleep(for: .milliseconds(10))
                continue
            }
            let now = clock.now
            if let block = Self.block(answer, clock, seen: now) {
                next += 1
                lastSeen = now
                return block
            }
            if now - lastSeen > Self.patience {
                place = (place + 1) % clients.count
                lastSeen = now
            }
            try? await Task.sleep(for: pause)
        }
        return nil
    }

    /// `nil` for null and for what is no block.
    static func block(_ json: JSON, _ clock: RunClock, seen: UInt64) -> ObservedBlock? {
        guard let height: UInt64 = json["number"]?.quantity(),
            let hash: Hash32 = json["hash"]?.fixedBytes(),
            let list = json["transactions"]?.arrayValue
        else { return nil }
        let seconds: UInt64 = json["timestamp"]?.quantity() ?? 0
        let wall: UInt64 = json["timestampMs"]?.quantity() ?? seconds * 1_000
        return ObservedBlock(
            height: height, hash: hash, seen: seen, proposed: clock.time(ofWall: wall),
            transactions: list.compactMap { $0.fixedBytes() })
    }
}
