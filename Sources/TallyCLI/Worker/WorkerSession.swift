import Foundation
import TallyClient
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyState
import TallyTransactions
import TallyWorker

/// The shell around `WorkerCore`: looks at the ledger over JSON-RPC, computes beside, signs and sends.
struct WorkerSession: Sendable {
    let client: LedgerClient
    let key: PrivateKey
    let output: OutputOptions
    let performer: WorkPerformer
    let poll: Duration

    /// Looks for new orders are rarer than looks at the own node: they read every order.
    private static let marketInterval = 8

    /// Runs until it is cancelled.
    /// - Throws: what no later look would mend: a network without an economy.
    func run(_ policy: WorkerPolicy) async throws {
        let finished = FinishedWorks()
        try await withThrowingDiscardingTaskGroup { group in
            var core = WorkerCore(account: key.address, policy: policy)
            var market = Market()
            say("started", ["account": .string(key.address.description)])
            var look = 0
            while !Task.isCancelled {
                for work in finished.take() { core.finish(work) }
                do throws(LedgerClientError) {
                    let view = try await self.view(
                        &market, withOrders: policy.price != nil || policy.rate != nil,
                        isMarketDay: look % Self.marketInterval == 0)
                    for action in core.advance(view) {
                        switch action {
                        case .compute(let work):
                            say("computing", ["work": .string("\(work.id)")])
                            group.addTask { finished.add(await perform(work)) }
                        case .submit(let operation):
                            if await submit(operation) == false { core.refused(operation) }
                        }
                    }
                } catch {
                    if case .unexpectedResult = error { throw error }
                    say("waiting", ["reason": .string(error.description)])
                }
                look += 1
                // What has just been computed is not kept waiting: its time counts.
                let end = ContinuousClock.now + poll
                while finished.isEmpty, ContinuousClock.now < end, !Task.isCancelled {
                    try? await Task.sleep(for: min(poll, .milliseconds(10)))
                }
            }
        }
    }

    /// On a thread of its own: it takes long.
    private func perform(_ work: Work) async -> FinishedWork {
        let performer = performer
        return await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: performer.perform(work)) }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    // MARK: Looking

    /// The orders that the account has to do with, and when all were looked at.
    private struct Market {
        var orders: [ObjectID] = []
    }

    private func view(
        _ market: inout Market, withOrders: Bool, isMarketDay: Bool
    ) async throws(LedgerClientError) -> WorkerView {
        let account = JSON.string(key.address.description)
        let epoch = try await client.call("compute_epoch")
        guard let bytes = epoch["economy"]?.hexBytes, let time = epoch["timeMs"]?.uint64Value,
            let economy = try? EconomyParameters(encoded: bytes)
        else { throw .unexpectedResult(method: "compute_epoch: the network has no economy, or") }
        var view = WorkerView(
            height: try await client.height(), time: BeaconTime(milliseconds: time),
            economy: economy, balance: try await client.balance(of: key.address))
        let node = try await client.call("compute_node", [account])
        if let object = node.object(.node) { view.node = try? ComputeNode(object) }
        if let amount: UInt128 = node["claimable"]?.quantity() { view.rewards = Amount(amount) }
        let round = try await client.call("compute_proof", [account])
        if let object = round.object(.round) { view.round = try? ProofRound(object) }
        guard withOrders else { return view }
        view.orders = isMarketDay ? try await allOrders() : try await orders(market.orders)
        market.orders = view.orders.map(\.id)
        return view
    }

    private func orders(_ ids: [ObjectID]) async throws(LedgerClientError) -> [JobOrder] {
        var orders: [JobOrder] = []
        for id in ids {
            let json = try await client.call("compute_job", [.string(id.word.description)])
            if let object = json.object(.order), let order = try? JobOrder(object) {
                orders.append(order)
            }
        }
        return orders
    }

    /// Open orders, and those whose lease is the account's.
    private func allOrders() async throws(LedgerClientError) -> [JobOrder] {
        var orders: [JobOrder] = []
        let shards = try await client.call("shard_list").arrayValue?.count ?? 0
        for shard in 0..<shards {
            var cursor: JSON = .null
            repeat {
                let page = try await client.call(
                    "compute_list", ["jobs", .string(Hex.quantity(UInt64(shard))), cursor])
                for item in page["items"]?.arrayValue ?? [] {
                    guard let object = item.object(.order), let order = try? JobOrder(object),
                        order.concerns(key.address)
                    else { continue }
                    orders.append(order)
                }
                cursor = page["nextCursor"] ?? .null
            } while !cursor.isNull
        }
        return orders
    }

    // MARK: Acting

    /// Signs and sends.
    /// - Returns: whether the node took it.
    private func submit(_ operation: TallyTransactions.Operation) async -> Bool {
        guard let (to, value) = operation.target else { return false }
        do throws(LedgerClientError) {
            let price = try await client.gasPrice()
            let data = operation.callData
            let envelope = Envelope(
                chainID: try await client.chainID(),
                nonce: try await client.nonce(of: key.address, at: "pending"),
                weightLimit: operation.weight + Weights.callData(data),
                maxFee: price.multiplied(by: 2) ?? price,
                maxPriorityFee: try await client.priorityFee(), to: to, value: value, data: data)
            let hash = try await client.send(raw: envelope.signed(by: key))
            say(
                "sent",
                [
                    "operation": .string(operation.name),
                    "hash": .string(hash.description),
                ])
            return true
        } catch {
            say(
                "refused",
                [
                    "operation": .string(operation.name),
                    "reason": .string(error.description),
                ])
            return false
        }
    }

    /// One line about what is done.
    private func say(_ what: String, _ facts: KeyValuePairs<String, JSON>) {
        let members = facts.map { JSONObject.Member($0.key, $0.value) }
        output.print(
            .object(JSONObject([.init("event", .string(what))] + members)),
            what + facts.map { "  \($0.key) \($0.value.stringValue ?? "\($0.value)")" }.joined())
    }
}

extension JobOrder {
    /// Whether an account could bid, or works on it.
    fileprivate func concerns(_ account: Address) -> Bool {
        switch state {
        case .open: true
        case .active(let lease): lease.provider == account
        case .closed: false
        }
    }
}

extension JSON {
    /// The object of the state that a document is of (RPC-51); `nil` for null.
    fileprivate func object(_ kind: ObjectKind) -> StateObject? {
        guard let value: UInt128 = self["objectValue"]?.quantity(),
            let payload = self["objectPayload"]?.hexBytes
        else { return nil }
        return StateObject(kind: kind, value: Amount(value), payload: Payload(payload))
    }
}
