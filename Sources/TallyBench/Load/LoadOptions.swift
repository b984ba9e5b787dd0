package import TallyPrimitives

/// How a run loads the ledger.
package enum LoadMode: Codable, Hashable, Sendable {
    /// So many transactions a second, whatever the ledger does.
    case open(rate: Double)
    /// So many transactions without an end at any time.
    case closed(clients: Int)
}

package struct LoadOptions: Codable, Hashable, Sendable {
    package var mode = LoadMode.open(rate: 400)
    /// Seconds before what counts.
    package var warmup = 3.0
    /// Seconds that count.
    package var duration = 60.0
    /// Seconds in which what was offered may still become final.
    package var drain = 30.0
    /// Connections to each endpoint.
    package var connections = 2
    /// Calls of one request.
    package var batch = 100
    /// How often the observer asks for the next block, in milliseconds.
    package var pollMilliseconds = 2.0
    /// After so many seconds without an end, a transaction is sent again, to another node.
    package var resubmitSeconds = 3.0

    package init() {}

    /// Seconds in which transactions are offered.
    package var offeredSeconds: Double { warmup + duration }
}

/// A transaction that is ready to be sent.
package struct SignedTransaction: Sendable {
    package let raw: [UInt8]
    package let hash: Hash32
    package let sender: Int32
    /// Whether it pays an account of another shard.
    package let isCross: Bool
    package let legs: Int32
}

/// Why a run could not be made.
package enum LoadError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No endpoint answers.
    case unreachable(String)
    /// The funded accounts have not what the run needs.
    case funding(String)
    /// A node answered in a form that this program does not know.
    case unexpectedAnswer(String)
    /// More than fits into memory before a run begins.
    case tooMany(transactions: Int, limit: Int)
    case file(String)
    /// A results file of another kind or version.
    case schema(String)
    /// Two results that cannot be compared.
    case incomparable(String)

    package var description: String {
        switch self {
        case .unreachable(let what): "no endpoint answers: \(what)"
        case .funding(let what): "accounts cannot be funded: \(what)"
        case .unexpectedAnswer(let what): "unexpected answer: \(what)"
        case .tooMany(let transactions, let limit):
            "\(transactions) transactions would have to be signed ahead, at most \(limit): lower "
                + "the rate or the duration"
        case .file(let what): what
        case .schema(let what): what
        case .incomparable(let what): "the results cannot be compared: \(what)"
        }
    }

    /// What programs match on.
    package var code: String {
        switch self {
        case .unreachable: "unreachable"
        case .funding: "funding"
        case .unexpectedAnswer: "unexpectedAnswer"
        case .tooMany: "tooMany"
        case .file: "file"
        case .schema: "schema"
        case .incomparable: "incomparable"
        }
    }
}
