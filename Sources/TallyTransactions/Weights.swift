public import TallyPrimitives

/// What things cost in weight (`FEE-1`). Wallets call it gas.
public enum Weights {
    /// Checking the signature, the nonce and the funds, and debiting the sender.
    public static let base: Weight = 12_000
    /// Crediting a receipt at its destination.
    public static let credit: Weight = 5_000
    /// Returning a receipt that could not be credited.
    public static let bounce: Weight = 4_000
    /// One leg of a transfer, to this shard or another: its credit and its possible bounce.
    public static let leg: Weight = credit + bounce
    /// Keeping a scheduled leg and running it when its time comes.
    public static let dueEntry: Weight = 6_000
    /// Moving a vault's content.
    public static let sweep: Weight = 5_000
    /// Handling a request of a compute family where its object lives, and its possible bounce.
    public static let request: Weight = 16_000
    /// What an operation costs that sends a request to its object's home, or handles it at once.
    public static let submission: Weight = base + request
    /// A payout: waiting on the due queue, and its credit elsewhere.
    public static let payout: Weight = dueEntry + credit
    /// A plain transfer, wherever the recipient lives: Ethereum's 21,000.
    public static let transfer: Weight = base + leg

    /// EIP-2028: 16 for a byte that is not zero, 4 for a zero.
    public static func callData(_ data: [UInt8]) -> Weight {
        var weight: Weight = 0
        for byte in data { weight += byte == 0 ? 4 : 16 }
        return weight
    }
}
