import TallyCrypto
package import TallyPrimitives

/// An account's balance after a transaction that changed it.
package struct BalanceChange: Hashable, Sendable {
    package let account: Address
    package let after: Amount

    package init(account: Address, after: Amount) {
        self.account = account
        self.after = after
    }
}

/// What a transaction did. Committed to by `resultRoot`.
package struct TransactionResult: Hashable, Sendable {
    /// `nil` is success; otherwise the effects were reverted and only the fee was taken.
    package let failure: ExecutionFailure?
    /// Weight paid for; of a system transaction, the weight of inbox and due entries.
    package let weight: Weight
    /// Paid for a unit of weight; 0 for a system transaction.
    package let price: Amount
    package let events: [LedgerEvent]
    package let balances: [BalanceChange]

    package init(
        failure: ExecutionFailure?, weight: Weight, price: Amount, events: [LedgerEvent],
        balances: [BalanceChange]
    ) {
        self.failure = failure
        self.weight = weight
        self.price = price
        self.events = events
        self.balances = balances
    }
}

extension TransactionResult: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        Self.encode(
            failure: failure, weight: weight, price: price, events: events, balances: balances,
            to: &out)
    }

    static func encode(
        failure: ExecutionFailure?, weight: Weight, price: Amount, events: [LedgerEvent],
        balances: [BalanceChange], to out: inout RLPEncoder
    ) {
        out.list { out in
            out.append(failure?.rawValue ?? 0)
            out.append(weight)
            out.append(price)
            out.append(events)
            out.list { out in
                for change in balances {
                    out.append(change.account)
                    out.append(change.after)
                }
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let failure: UInt8 = try list.nextInteger()
        if failure == 0 {
            self.failure = nil
        } else {
            guard let reason = ExecutionFailure(rawValue: failure) else {
                throw .unknownValue(UInt64(failure))
            }
            self.failure = reason
        }
        weight = try list.nextInteger()
        price = try list.nextAmount()
        events = try list.nextArray(limit: .max)
        var changes = try list.nextList()
        var balances: [BalanceChange] = []
        while !changes.isAtEnd {
            balances.append(
                BalanceChange(
                    account: try changes.nextFixed(), after: try changes.nextAmount()))
        }
        self.balances = balances
        try list.finish()
    }
}
