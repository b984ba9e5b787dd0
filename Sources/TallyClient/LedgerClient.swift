public import TallyPrimitives

/// Why a typed question to a node has no answer.
public enum LedgerClientError: Error, Hashable, Sendable, CustomStringConvertible {
    case rpc(RPCClientError)
    /// The result has not the form that the method promises.
    case unexpectedResult(method: String)

    public var description: String {
        switch self {
        case .rpc(let error): error.description
        case .unexpectedResult(let method):
            "the node answered \(method) in a form this program does not know"
        }
    }
}

/// How far a caller of `status` wants a transaction to be.
public enum TransactionStage: String, Sendable, CaseIterable {
    case accepted
    case included
    case final
    case settled
}

/// Where one leg of a transaction stands.
public struct LegStatus: Hashable, Sendable {
    public let to: Address
    public let value: Amount
    /// Home of the recipient.
    public let shard: ShardID
    /// `pending`, `sent`, `scheduled`, `credited`, `bounced`, `refunded`, `escrowed` or `failed`.
    public let state: String
    /// Why the leg bounced or failed.
    public let reason: String?
    /// Where the state was reached, once it is.
    public let height: Height?
    /// Where the leg's receipt left its shard; `nil` inside a shard.
    public let sentHeight: Height?
}

/// Where a transaction stands.
public struct TransactionStatus: Hashable, Sendable {
    public let hash: Hash32
    /// `unknown`, `pending` or `final`.
    public let state: String
    /// The block that holds the transaction.
    public let height: Height?
    /// The sender's home, once a block holds the transaction.
    public let shard: ShardID?
    /// Whether the transaction did what it says; `nil` before it is in a block.
    public let succeeded: Bool?
    public let legs: [LegStatus]
    /// Whether nothing more happens to any leg.
    public let isSettled: Bool
}

/// What can be asked of a node, in the types of the ledger.
public struct LedgerClient: Sendable {
    public let rpc: RPCClient

    public init(_ rpc: RPCClient) { self.rpc = rpc }

    /// - Parameter timeout: for each call; by default longer than `status(of:waitUntil:)` waits.
    /// - Throws: `.rpc(.invalidEndpoint)`.
    public init(_ endpoint: String, timeout: Duration = .seconds(40)) throws(LedgerClientError) {
        do throws(RPCClientError) {
            rpc = try RPCClient(endpoint, timeout: timeout)
        } catch { throw .rpc(error) }
    }

    public func chainID() async throws(LedgerClientError) -> ChainID {
        try await quantity("eth_chainId")
    }

    public func height() async throws(LedgerClientError) -> Height {
        Height(try await quantity("eth_blockNumber"))
    }

    /// What a transaction should offer for a unit of weight.
    public func gasPrice() async throws(LedgerClientError) -> Amount {
        Amount(try await quantity("eth_gasPrice"))
    }

    public func priorityFee() async throws(LedgerClientError) -> Amount {
        Amount(try await quantity("eth_maxPriorityFeePerGas"))
    }

    /// - Parameter block: `latest` or a height.
    public func balance(
        of address: Address, at block: JSON = "latest"
    ) async throws(LedgerClientError) -> Amount {
        Amount(try await quantity("eth_getBalance", [.string(address.description), block]))
    }

    /// - Parameter block: `latest`, `pending` or a height.
    public func nonce(
        of address: Address, at block: JSON = "latest"
    ) async throws(LedgerClientError) -> Nonce {
        try await quantity("eth_getTransactionCount", [.string(address.description), block])
    }

    /// Submits a signed transaction.
    /// - Returns: its hash.
    public func send(raw: [UInt8]) async throws(LedgerClientError) -> Hash32 {
        let method = "eth_sendRawTransaction"
        let result = try await call(method, [.string(Hex.encode(raw))])
        guard let hash: Hash32 = result.fixedBytes() else {
            throw .unexpectedResult(method: method)
        }
        return hash
    }

    private static let statusMethod = "shard_getTransactionStatus"

    /// Where a transaction stands.
    /// - Parameters:
    ///   - stage: wait until the transaction is there.
    ///   - timeoutMilliseconds: wait no longer; the server has a bound of its own.
    public func status(
        of hash: Hash32, waitUntil stage: TransactionStage? = nil,
        timeoutMilliseconds: UInt64 = 30_000
    ) async throws(LedgerClientError) -> TransactionStatus {
        var params: [JSON] = [.string(hash.description)]
        if let stage {
            params += [.string(stage.rawValue), .string(Hex.quantity(timeoutMilliseconds))]
        }
        return try TransactionStatus(
            json: try await call(Self.statusMethod, params), method: Self.statusMethod)
    }

    /// Where several transactions stand, asked in one batch.
    public func statuses(
        of hashes: [Hash32]
    ) async throws(LedgerClientError) -> [TransactionStatus] {
        let results: [Result<JSON, RPCRemoteError>]
        do throws(RPCClientError) {
            results = try await rpc.batch(
                hashes.map { RPCRequest(Self.statusMethod, [.string($0.description)]) })
        } catch { throw .rpc(error) }
        var statuses: [TransactionStatus] = []
        for result in results {
            switch result {
            case .success(let json):
                statuses.append(try TransactionStatus(json: json, method: Self.statusMethod))
            case .failure(let error): throw .rpc(.rpcError(error))
            }
        }
        return statuses
    }

    /// The result of any method, as it comes.
    public func call(
        _ method: String, _ params: [JSON] = []
    ) async throws(LedgerClientError) -> JSON {
        do throws(RPCClientError) {
            return try await rpc.call(method, params)
        } catch { throw .rpc(error) }
    }

    private func quantity<T: FixedWidthInteger & UnsignedInteger>(
        _ method: String, _ params: [JSON] = []
    ) async throws(LedgerClientError) -> T {
        guard let value: T = try await call(method, params).quantity() else {
            throw .unexpectedResult(method: method)
        }
        return value
    }
}

extension TransactionStatus {
    fileprivate init(json: JSON, method: String) throws(LedgerClientError) {
        guard let hash: Hash32 = json["hash"]?.fixedBytes(),
            let state = json["state"]?.stringValue, let legs = json["legs"]?.arrayValue,
            let isSettled = json["settled"]?.boolValue
        else { throw .unexpectedResult(method: method) }
        self.hash = hash
        self.state = state
        self.isSettled = isSettled
        height = json["blockNumber"]?.quantity().map(Height.init)
        shard = json["shard"]?.quantity().map(ShardID.init)
        succeeded = json["status"]?.quantity(UInt8.self).map { $0 == 1 }
        var parsed: [LegStatus] = []
        for leg in legs {
            guard let status = LegStatus(json: leg) else {
                throw .unexpectedResult(method: method)
            }
            parsed.append(status)
        }
        self.legs = parsed
    }
}

extension LegStatus {
    fileprivate init?(json: JSON) {
        guard let to: Address = json["to"]?.fixedBytes(),
            let value: UInt128 = json["value"]?.quantity(),
            let shard: UInt16 = json["shard"]?.quantity(), let state = json["state"]?.stringValue
        else { return nil }
        self.to = to
        self.value = Amount(value)
        self.shard = ShardID(shard)
        self.state = state
        reason = json["reason"]?.stringValue
        height = json["height"]?.quantity().map(Height.init)
        sentHeight = json["sentHeight"]?.quantity().map(Height.init)
    }
}
