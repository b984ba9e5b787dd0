import TallyPrimitives
import TallyState

@testable import TallyExecution

/// What the worlds of trade tests need of epochs: an opening, and funding that comes when a test says.
extension TradeWorld {
    /// Entries that every endpoint begins with.
    static func openingEntries(_ parameters: NetworkParameters) -> [DueEntry] { [] }

    /// Objects that every endpoint begins with.
    static func openingChanges(_ parameters: NetworkParameters) -> [StateChange] { [] }
}

extension BlockExecutor {
    /// Lets the funding of an epoch's trades arrive; epochs come in order.
    mutating func fundTrades(_ amount: Amount, of epoch: UInt64) throws(ExecutionError) {
        var trades = try tradeEpoch(epoch)
        (trades.funded, trades.money) = (amount, amount)
        try store(trades)
    }
}
