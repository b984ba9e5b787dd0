package import TallyPrimitives

/// Why a transaction cannot be in a block now. It costs nothing; a block that holds one is invalid.
package enum Ineligibility: Error, Hashable, Sendable {
    case nonceTooLow(expected: Nonce, actual: Nonce)
    case nonceTooHigh(expected: Nonce, actual: Nonce)
    case feeCapBelowBaseFee(cap: Amount, baseFee: Amount)
    case insufficientFunds(have: Amount, want: Amount)
    /// The stream to an endpoint has no slot left for transactions (RCPT-7).
    case noCredit(destination: EndpointID)
    /// The shard has taken on as many due entries as it may (RCPT-11).
    case dueQueueFull
    /// The transaction weighs more than the block has left.
    case blockFull
    /// The sender's home is another shard.
    case foreignSender(home: ShardID)

    /// The reason as a stable name.
    package var code: String {
        switch self {
        case .nonceTooLow: "nonceTooLow"
        case .nonceTooHigh: "nonceTooHigh"
        case .feeCapBelowBaseFee: "feeCapBelowBaseFee"
        case .insufficientFunds: "insufficientFunds"
        case .noCredit: "noCredit"
        case .dueQueueFull: "dueQueueFull"
        case .blockFull: "blockFull"
        case .foreignSender: "foreignSender"
        }
    }

    /// Whether the same transaction can succeed later without anything being signed anew.
    package var isRetryable: Bool {
        switch self {
        case .nonceTooLow, .foreignSender: false
        case .nonceTooHigh, .feeCapBelowBaseFee, .insufficientFunds, .noCredit, .dueQueueFull,
            .blockFull:
            true
        }
    }
}

extension Ineligibility: CustomStringConvertible {
    /// geth's text where geth has one.
    package var description: String {
        switch self {
        case .nonceTooLow(let expected, let actual):
            "nonce too low: next nonce \(expected), tx nonce \(actual)"
        case .nonceTooHigh(let expected, let actual):
            "nonce too high: next nonce \(expected), tx nonce \(actual)"
        case .feeCapBelowBaseFee(let cap, let baseFee):
            "max fee per gas less than block base fee: maxFeePerGas: \(cap), baseFee: \(baseFee)"
        case .insufficientFunds(let have, let want):
            "insufficient funds for gas * price + value: have \(have) want \(want)"
        case .noCredit(let destination):
            "no credit to endpoint \(destination): its window is full, try again later"
        case .dueQueueFull: "due queue full: try again later"
        case .blockFull: "exceeds block gas limit"
        case .foreignSender(let home): "the sender lives on shard \(home)"
        }
    }
}
