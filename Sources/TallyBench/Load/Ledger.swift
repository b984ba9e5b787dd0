import TallyClient
import TallyPrimitives

/// Questions to a node, many in one request.
enum Ledger {
    static let batch = 100

    static func call(
        _ client: RPCClient, _ method: String, _ params: [JSON] = []
    ) async throws(LoadError) -> JSON {
        do throws(RPCClientError) {
            return try await client.call(method, params)
        } catch { throw LoadError(error, method) }
    }

    static func quantity<T: FixedWidthInteger & UnsignedInteger>(
        _ client: RPCClient, _ method: String, _ params: [JSON] = []
    ) async throws(LoadError) -> T {
        guard let value: T = try await call(client, method, params).quantity() else {
            throw .unexpectedAnswer(method)
        }
        return value
    }

    /// A number that a method knows of each address, in order.
    static func quantities<T: FixedWidthInteger & UnsignedInteger>(
        _ client: RPCClient, _ method: String, _ addresses: [Address]
    ) async throws(LoadError) -> [T] {
        var numbers: [T] = []
        numbers.reserveCapacity(addresses.count)
        for start in stride(from: 0, to: addresses.count, by: batch) {
            let part = addresses[start..<min(start + batch, addresses.count)]
            let answers = try await results(
                client, part.map { RPCRequest(method, [.string($0.description), "latest"]) })
            for answer in answers {
                guard let number: T = answer.quantity() else { throw .unexpectedAnswer(method) }
                numbers.append(number)
            }
        }
        return numbers
    }

    /// Results of a batch, none of which may be an error.
    static func results(
        _ client: RPCClient, _ requests: [RPCRequest]
    ) async throws(LoadError) -> [JSON] {
        let answers: [Result<JSON, RPCRemoteError>]
        do throws(RPCClientError) {
            answers = try await client.batch(requests)
        } catch { throw LoadError(error, requests.first?.method ?? "") }
        var results: [JSON] = []
        for (answer, request) in zip(answers, requests) {
            switch answer {
            case .success(let json): results.append(json)
            case .failure(let error): throw .unexpectedAnswer("\(request.method): \(error.message)")
            }
        }
        return results
    }

    static func height(_ client: RPCClient) async throws(LoadError) -> UInt64 {
        try await quantity(client, "eth_blockNumber")
    }

    static func client(_ endpoint: String) throws(LoadError) -> RPCClient {
        do throws(RPCClientError) {
            return try RPCClient(endpoint, timeout: .seconds(60))
        } catch { throw LoadError(error, endpoint) }
    }
}

extension LoadError {
    init(_ error: RPCClientError, _ what: String) {
        switch error {
        case .rpcError(let remote): self = .unexpectedAnswer("\(what): \(remote.message)")
        default: self = .unreachable("\(what): \(error)")
        }
    }
}
