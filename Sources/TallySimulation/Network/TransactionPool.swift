import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// What one validator knows of transactions that no final block holds.
struct TransactionPool: EndpointOffers {
    private let layout: ShardLayout
    private var waiting: [[Waiting]]
    /// Transactions that a builder could not take, since the last `drainRefused`.
    private var refused: [(Transaction, Ineligibility)] = []

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

    /// Whether the next transaction of somebody is there.
    func isExecutable(_ ledger: VirtualLedger) -> Bool {
        waiting.contains { list in
            list.contains {
                let account = ledger.account($0.transaction.sender)
                return $0.transaction.envelope.nonce == account.nonce && !account.balance.isZero
            }
        }
    }

    mutating func drainRefused() -> [(Transaction, Ineligibility)] {
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
        refused += source.refused
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
