import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// What one validator knows of transactions that no final block holds.
struct TransactionPool: EndpointOffers {
    private let layout: ShardLayout
    private var waiting: [[Waiting]]
    /// Transactions that a builder could not take, since the last `drainRefused`.
    private var refused: [Hash32] = []

    private struct Waiting {
        let transaction: Transaction
        let expires: UInt64
    }

    /// Most transactions of one endpoint; more are dropped.
    private static let limit = 256

    init(_ layout: ShardLayout) {
        self.layout = layout
        waiting = Array(repeating: [], count: layout.endpointCount)
    }

    var count: Int { waiting.reduce(0) { $0 + $1.count } }

    mutating func add(_ transaction: Transaction, expires: UInt64) {
        let index = Int(layout.home(of: transaction.sender).value)
        guard waiting[index].count < Self.limit else { return }
        waiting[index].append(Waiting(transaction: transaction, expires: expires))
    }

    /// Forgets what is final or waited too long.
    mutating func prune(_ ledger: VirtualLedger, now: UInt64) {
        for index in waiting.indices where !waiting[index].isEmpty {
            waiting[index].removeAll {
                $0.expires <= now
                    || $0.transaction.envelope.nonce < ledger.account($0.transaction.sender).nonce
            }
        }
    }

    /// Whether a transaction is there that the next block can hold: that of the sender's nonce, at
    /// the next base fee, with the balance, the credit and the room that it takes (IBFT-R18).
    func isExecutable(_ ledger: VirtualLedger) -> Bool {
        waiting.indices.contains { index in
            guard !waiting[index].isEmpty else { return false }
            let room = ledger.room(EndpointID(UInt16(index)))
            return waiting[index].contains {
                room.holds($0.transaction, ledger.account($0.transaction.sender), layout)
            }
        }
    }

    mutating func drainRefused() -> [Hash32] {
        defer { refused = [] }
        return refused
    }

    mutating func withSource<R>(
        _ endpoint: EndpointID, _ body: (inout Source) throws(ExecutionError) -> R
    ) throws(ExecutionError) -> R {
        let index = Int(endpoint.index)
        var source = Source(waiting[index].map(\.transaction))
        let result = try body(&source)
        let hopeless = Set(source.refused.filter { !$0.1.isRetryable }.map(\.0.hash))
        waiting[index].removeAll { hopeless.contains($0.transaction.hash) }
        refused += source.refused.map(\.0.hash)
        return result
    }

    /// Offers a list once.
    struct Source: TransactionSource {
        private let transactions: [Transaction]
        private var position = 0
        private(set) var refused: [(Transaction, Ineligibility)] = []

        init(_ transactions: [Transaction]) { self.transactions = transactions }

        mutating func next(remaining: Weight) -> Transaction? {
            guard position < transactions.count else { return nil }
            position += 1
            return transactions[position - 1]
        }

        mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool {
            refused.append((transaction, reason))
            return true
        }
    }
}

/// What the next block of an endpoint has to give to transactions.
struct EndpointRoom {
    let baseFee: Amount
    /// Slots that transactions may take, by destination (RCPT-7).
    let slots: [Int]
    /// Due entries that it may still take on (RCPT-11).
    let dueEntries: Int

    func holds(_ transaction: Transaction, _ account: Account, _ layout: ShardLayout) -> Bool {
        let envelope = transaction.envelope
        guard envelope.nonce == account.nonce, envelope.price(atBaseFee: baseFee) != nil,
            let cost = envelope.maximumCost, account.balance >= cost
        else { return false }
        let demand = transaction.operation.dueDemand
        guard demand == 0 || demand <= dueEntries else { return false }
        return switch transaction.slotDemand(layout: layout) {
        case .none: true
        case .one(let destination): slots[Int(destination.index)] >= 1
        case .many(let demands):
            demands.allSatisfy { slots[Int($0.destination.index)] >= $0.slots }
        }
    }
}
