import TallyClient
import TallyEngine
import TallyPrimitives

/// `eth_subscribe` and `eth_unsubscribe` (RPC-20 to RPC-23).
extension LedgerDispatcher {
    package func push(for call: RPCCall) throws(RPCFailure) -> RPCPush? {
        guard let method = RPCMethod.table[call.method], case .pushing = method.handler else {
            return nil
        }
        let arguments = try RPCArguments(call, method)
        guard method.name == RPCMethod.subscribe else {
            return .unsubscribe(try arguments.text(0))
        }
        switch try arguments.text(0) {
        case "newHeads": return .subscribe(HeadFeed(self).subscription)
        case let kind where ["logs", "newPendingTransactions", "syncing"].contains(kind):
            throw .because(
                RPCFailure.methodNotSupportedCode,
                "subscriptions to \(kind) are not offered yet: poll instead",
                reason: "unsupportedSubscription", retryable: false)
        case let kind:
            // geth's text.
            throw .because(
                RPCFailure.methodNotFoundCode, "no \"\(kind)\" subscription in eth namespace",
                reason: "unknownSubscription", retryable: false)
        }
    }
}

/// Announces every head above the one that was current when it was asked for, in order and once.
///
/// A snapshot is not held while the client is waited for, as it would keep old pages of the store
/// alive: what was missed meanwhile is read from the next one.
struct HeadFeed: Sendable {
    private let ledger: LedgerDispatcher
    private let start: Height

    /// Heads that a client may be behind, beside those that its connection holds.
    static let lag: UInt64 = 256

    init(_ ledger: LedgerDispatcher) {
        self.ledger = ledger
        start = ledger.publisher.current.height
    }

    var subscription: RPCSubscription {
        RPCSubscription(method: "eth_subscription") { notifier in await run(notifier) }
    }

    private func run(_ notifier: RPCNotifier) async -> RPCSubscription.End {
        var sent = start
        while let newest = await announce(&sent, notifier) {
            switch newest {
            case .success(let height) where sent < height:
                guard await waitForRoom(notifier, sent) else {
                    return Task.isCancelled ? .stopped : .lagging
                }
            case .success: break
            case .failure: return .failed
            }
        }
        return .stopped
    }

    /// Sends what there is room for, once there is something.
    /// - Returns: the newest height; `nil` when there will be no more.
    private func announce(
        _ sent: inout Height, _ notifier: RPCNotifier
    ) async -> Result<Height, ReadError>? {
        guard let snapshot = await ledger.publisher.next(after: sent) else { return nil }
        let view = ChainView(snapshot: snapshot, caches: ledger.caches)
        while sent < snapshot.height, notifier.hasRoom {
            do throws(ReadError) {
                notifier.push(try view.head(sent.next))
            } catch { return .failure(error) }
            sent = sent.next
        }
        return .success(snapshot.height)
    }

    /// Whether there was room before the client had fallen too far behind.
    private func waitForRoom(_ notifier: RPCNotifier, _ sent: Height) async -> Bool {
        let publisher = ledger.publisher
        let bound = Height(sent.value + Self.lag)
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await notifier.room()
                return true
            }
            group.addTask { await publisher.next(after: bound) == nil }
            let hadRoom = await group.next() ?? false
            group.cancelAll()
            return hadRoom
        }
    }
}

extension ChainView {
    /// The announcement of a block: its header.
    func head(_ height: Height) throws(ReadError) -> [UInt8] {
        guard let block = try block(height) else { throw .corruptRow(database: "beaconBlocks") }
        if let known = caches.head(block.hash) { return known }
        var out = JSONWriter(capacity: 1_400)
        out.beginObject()
        try writeHeader(block, to: &out)
        out.endObject()
        caches.store(head: out.bytes, block.hash)
        return out.bytes
    }
}
