package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// An account of a shard. Its balance is the object's value, the rest its payload (`STATE-10`).
package struct Account: Hashable, Sendable {
    package var balance: Amount
    package var nonce: Nonce
    package var policy: CreditPolicy

    package static let empty = Account(balance: .zero, nonce: 0, policy: .accept)

    package init(balance: Amount, nonce: Nonce, policy: CreditPolicy) {
        self.balance = balance
        self.nonce = nonce
        self.policy = policy
    }

    /// Reads a stored object.
    /// - Throws: `RLPError` when its payload is not one this code wrote.
    package init(_ object: StateObject) throws(RLPError) {
        balance = object.value
        guard !object.payload.isEmpty else {
            nonce = 0
            policy = .accept
            return
        }
        var input = RLPDecoder(Array(object.payload))
        nonce = try input.nextInteger()
        policy = input.isAtEnd ? .accept : try input.nextCase()
        try input.finish()
    }

    /// The object to store; `nil` for an account that never was. Nonces are never deleted (RCPT-9).
    package var object: StateObject? {
        if self == .empty { return nil }
        var payload = RLPEncoder()
        if nonce > 0 || policy != .accept { payload.append(nonce) }
        if policy != .accept { payload.append(policy.rawValue) }
        return StateObject(kind: .account, value: balance, payload: payload.bytes)
    }
}
