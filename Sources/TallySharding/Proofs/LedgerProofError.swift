package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// The step at which a proof fails.
package enum LedgerProofError: Error, Equatable, Sendable {
    case tooLong(limit: Int)
    /// The bytes are no proof.
    case encoding(RLPError)
    /// No header, or too many.
    case headerCount(Int)
    /// The last header is not the one that is trusted.
    case untrusted(height: Height, expected: Hash32, actual: Hash32)
    /// The header after this height is not its child.
    case brokenChain(Height)
    /// The first header is older than anything claimed.
    case unusedHeader
    /// A claimed block's height is not among the headers.
    case noBeaconHeader(Height)
    case layout(shardCount: UInt16, endpoint: EndpointID)
    case wrongChain(expected: Hash32, actual: Hash32)
    /// The beacon header does not anchor the endpoint's header.
    case anchor(EndpointID, Height, ProofError)
    /// The header is of another shard than the address lives on.
    case wrongHome(expected: EndpointID, actual: EndpointID)
    /// The way from the account to the state root.
    case state(ProofError)
    case notAnAccount
    case account(RLPError)
    case wrongSource(expected: EndpointID, actual: EndpointID)
    /// The source's header says nothing of the stream.
    case noStream(from: EndpointID, to: EndpointID)
    /// The way from the receipt to the stream's root.
    case stream(ProofError)
    case wrongDestination(expected: EndpointID, actual: EndpointID)
    /// The destination's cursor at this height is not past the receipt.
    case notConsumed(Height)
    case outcomeWithoutConsumption
    /// The block did not consume the receipt itself.
    case noOutcome(Height)
    /// The way from the transaction to the header's root.
    case transaction(ProofError)
    case malformedTransaction(TransactionError)
    /// The way from the result to the header's root.
    case result(ProofError)
    case malformedResult(RLPError)
}

extension LedgerProofError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let limit): "the proof has more than \(limit) bytes"
        case .encoding(let error): "the proof does not decode: \(error)"
        case .headerCount(let count):
            "\(count) beacon headers: a proof has 1 to \(LedgerProof.maximumHeaders)"
        case .untrusted(let height, let expected, let actual):
            "the beacon header of height \(height) is \(actual), the trusted one is \(expected)"
        case .brokenChain(let height):
            "the beacon header after height \(height) is not its child"
        case .unusedHeader: "the first beacon header is not one that the claim needs"
        case .noBeaconHeader(let height): "no beacon header of height \(height) is in the proof"
        case .layout(let count, let endpoint):
            "a header of endpoint \(endpoint) in a layout of \(count) shards"
        case .wrongChain(let expected, let actual):
            "the header is of chain \(actual), the beacon's is \(expected)"
        case .anchor(let endpoint, let height, let error):
            "the beacon header of height \(height) does not anchor the header of endpoint "
                + "\(endpoint): \(error)"
        case .wrongHome(let expected, let actual):
            "the address lives on shard \(expected), the header is of \(actual)"
        case .state, .notAnAccount, .account: stateText
        case .wrongSource(let expected, let actual):
            "the receipt is from endpoint \(expected), the header of \(actual)"
        case .noStream, .stream, .wrongDestination, .notConsumed, .outcomeWithoutConsumption,
            .noOutcome:
            receiptText
        case .transaction(let error):
            "the transaction does not lead to the header's transaction root: \(error)"
        case .malformedTransaction(let error): "the transaction is malformed: \(error)"
        case .result(let error): "the result does not lead to the header's result root: \(error)"
        case .malformedResult(let error): "the result is malformed: \(error)"
        }
    }

    private var stateText: String {
        switch self {
        case .state(let error): "the account does not lead to the header's state root: \(error)"
        case .account(let error): "the account does not decode: \(error)"
        default: "the object is no account"
        }
    }

    private var receiptText: String {
        switch self {
        case .noStream(let source, let destination):
            "the header of endpoint \(source) does not say what it sent to \(destination)"
        case .stream(let error): "the receipt does not lead to the stream's root: \(error)"
        case .wrongDestination(let expected, let actual):
            "the receipt is for endpoint \(expected), the header of \(actual)"
        case .notConsumed(let height):
            "the destination's cursor at height \(height) is not past the receipt"
        case .noOutcome(let height): "the block at height \(height) did not consume the receipt"
        default: "an outcome without the header of the block it is of"
        }
    }
}
