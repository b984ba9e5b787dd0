package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// An account of a shard. Its balance is the object's value, the rest its payload (`SHARD-7`).
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
        policy = .accept
        guard !object.payload.isEmpty else {
            nonce = 0
            return
        }
        if let short = object.payload.rlpInteger {
            nonce = short
            return
        }
        var input = RLPDecoder(object.payload.bytes)
        nonce = try input.nextInteger()
        policy = try input.nextCase()
        try input.finish()
    }

    /// What a look-up in a state tree found.
    /// - Throws: `.corruptObject`.
    package init(stored object: StateObject?) throws(ExecutionError) {
        guard let object else {
            self = .empty
            return
        }
        do throws(RLPError) {
            try self.init(object)
        } catch { throw .corruptObject(.account, error) }
    }

    /// The object to store; `nil` for an account that never was. Nonces are never deleted (RCPT-9).
    package var object: StateObject? {
        if self == .empty { return nil }
        return StateObject(kind: .account, value: balance, payload: payload)
    }

    /// Nothing for a nonce of 0, the RLP of the nonce, or that and the RLP of the policy.
    private var payload: Payload {
        guard policy == .accept else {
            var out = RLPEncoder(capacity: 10)
            out.append(nonce)
            out.append(policy.rawValue)
            return Payload(out.bytes)
        }
        return nonce == 0 ? .empty : Payload(rlpInteger: nonce)
    }
}
