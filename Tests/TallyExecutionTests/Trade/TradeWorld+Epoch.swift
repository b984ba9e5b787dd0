import TallyPrimitives
import TallyState

@testable import TallyExecution

/// What the worlds of trade tests need of epochs: an opening, and funding that comes when a test says.
extension TradeWorld {
    /// The close of an epoch that no test reaches: endpoints report nothing.
    private static let lastEpoch: UInt64 = 1_000_000

    /// Entries that every endpoint begins with.
    static func openingEntries(_ parameters: NetworkParameters) -> [DueEntry] {
        [
            DueEntry(
                key: DueKey(
                    destination: parameters.layout.beacon,
                    time: parameters.end(ofEpoch: lastEpoch), sequence: 0),
                value: .zero, action: .epoch(.close(epoch: lastEpoch)))
        ]
    }

    /// Objects that every endpoint begins with.
    static func openingChanges(_ parameters: NetworkParameters) -> [StateChange] {
        let opening = EpochOpening(parameters, at: BeaconTime(milliseconds: 0))
        let entry = DueEntry.objectKey(sequence: 0)
        return opening.changes(parameters).filter { $0.path != entry.path }
            + openingEntries(parameters).map { StateChange(entry, $0.object) }
    }
}

extension BlockExecutor {
    /// Lets the funding of an epoch's trades arrive; epochs come in order.
    mutating func fundTrades(_ amount: Amount, of epoch: UInt64) throws(ExecutionError) {
        var trades = try tradeEpoch(epoch)
        (trades.funded, trades.money) = (amount, amount)
        try store(trades)
        try store(RewardPool(next: epoch + 1))
    }
}
