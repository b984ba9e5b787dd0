import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

/// Names of operations are those of the published functions, which are read from the documents alone.
@Suite struct OperationNameTests {
    private static let doors =
        [ReservedAddress.crossShard] + TallyTransactions.Operation.computeDoors

    /// The document of a family's functions.
    private static func document(of operation: TallyTransactions.Operation) -> String {
        switch operation {
        case .transfer: "cross-shard"
        case .node, .proof, .job, .trade, .validator: operation.family
        }
    }

    @Test func everyPublishedFunctionIsAnOperationOfItsName() throws {
        var count = 0
        for document in try PublishedABI.documents() {
            for function in try PublishedABI.entries(document) where function.isOperation {
                let found = Self.doors.compactMap { understood(function, at: $0) }
                    .filter { Self.document(of: $0) == document }
                let name = "\(document): \(function.signature)"
                #expect(found.count == 1, "\(name)")
                let operation: TallyTransactions.Operation = try some(found.first, name)
                #expect(operation.name == function.name, "\(name)")
                #expect(
                    operation.callData.starts(with: Selector(function.signature).bytes), "\(name)")
                count += 1
            }
        }
        #expect(count > 30)
    }

    /// A plain transfer calls nothing.
    @Test func transfersHaveANameOfTheirOwn() throws {
        let published = try PublishedABI.documents().flatMap(PublishedABI.entries)
        let operation = Operation.transfer(.single(to: recipient, value: Amount(1)))
        #expect(operation.name == "transfer")
        #expect(!published.contains { $0.name == operation.name })
    }

    /// The function with arguments of 1, which all of them take but for the times of a transfer's
    /// leg: there 0 is none, and two are too many.
    private func understood(
        _ function: PublishedABI.Entry, at door: Address
    ) -> TallyTransactions.Operation? {
        for time: UInt128 in [1, 0] {
            let data =
                Selector(function.signature).bytes + encode(function.inputs, times: time)
            let value = Amount(function.stateMutability == "payable" ? 1 : 0)
            if let operation = try? Operation(sample(to: door, value: value, data: data)) {
                return operation
            }
        }
        return nil
    }

    /// Words of the ABI: every number and address 1, every list of one item.
    /// - Parameter times: for numbers of 64 bits.
    private func encode(_ parameters: [PublishedABI.Parameter], times: UInt128) -> [UInt8] {
        var head: [UInt8] = []
        var tail: [UInt8] = []
        for parameter in parameters {
            switch parameter.type {
            case "bytes":
                head += word(UInt128(32 * parameters.count + tail.count))
                tail += word(1) + [7] + [UInt8](repeating: 0, count: 31)
            case "tuple[]":
                head += word(UInt128(32 * parameters.count + tail.count))
                tail += word(1) + encode(parameter.components ?? [], times: times)
            case "uint64": head += word(times)
            // The id of an owner's node, or any hash.
            case "bytes32": head += word(1 << 96)
            default: head += word(1)
            }
        }
        return head + tail
    }
}
