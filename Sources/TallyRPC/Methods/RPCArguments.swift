import TallyClient
import TallyPrimitives

/// A block as a caller names it.
enum BlockSelector: Hashable, Sendable {
    /// latest, safe and finalized are one: every block is final.
    case latest
    case pending
    case height(Height)
    case hash(Hash32)
}

/// The arguments of one call, by position or by name, read with the checks of their kinds.
struct RPCArguments: Sendable {
    private let method: RPCMethod
    /// By position of the parameter; `nil` and null are the same.
    private let values: [JSON?]

    /// - Throws: `-32602` for a missing, unknown or surplus argument.
    init(_ call: RPCCall, _ method: RPCMethod) throws(RPCFailure) {
        self.method = method
        let parameters = method.parameters
        var values: [JSON?] = Array(repeating: nil, count: parameters.count)
        switch call.params {
        case .object(let object):
            for member in object.members {
                guard let index = parameters.firstIndex(where: { $0.name == member.key }) else {
                    throw .invalidParams("unknown argument \(member.key)")
                }
                values[index] = member.value
            }
        case .array(let elements):
            guard elements.count <= parameters.count else {
                throw .invalidParams("too many arguments, want at most \(parameters.count)")
            }
            for (index, element) in elements.enumerated() { values[index] = element }
        case .null, .bool, .integer, .unsigned, .number, .string: break
        }
        for (index, parameter) in parameters.enumerated() {
            if values[index] == .null { values[index] = nil }
            guard values[index] == nil, parameter.isRequired else { continue }
            throw .invalidParams("missing value for required argument \(index): \(parameter.name)")
        }
        self.values = values
    }

    private func fault(_ index: Int, _ expected: String) -> RPCFailure {
        let name = method.parameters[index].name
        return RPCFailure(
            RPCFailure.invalidParamsCode, "invalid argument \(index): \(name) must be \(expected)",
            data: ["reason": "invalidParams", "retryable": false, "parameter": .string(name)])
    }

    func address(_ index: Int) throws(RPCFailure) -> Address {
        guard let value = values[index]?.fixedBytes(Address.self) else {
            throw fault(index, "a string of 0x and 40 hexadecimal digits")
        }
        return value
    }

    func hash(_ index: Int) throws(RPCFailure) -> Hash32 {
        guard let value = values[index]?.fixedBytes(Hash32.self) else {
            throw fault(index, "a string of 0x and 64 hexadecimal digits")
        }
        return value
    }

    func optionalHash(_ index: Int) throws(RPCFailure) -> Hash32? {
        values[index] == nil ? nil : try hash(index)
    }

    func bytes(_ index: Int) throws(RPCFailure) -> [UInt8] {
        guard let value = values[index]?.hexBytes else {
            throw fault(index, "a string of 0x and an even number of hexadecimal digits")
        }
        return value
    }

    func text(_ index: Int) throws(RPCFailure) -> String {
        guard let value = values[index]?.stringValue else { throw fault(index, "a string") }
        return value
    }

    /// `0x…`, or a JSON number.
    func quantity(_ index: Int) throws(RPCFailure) -> UInt64 {
        guard let value = values[index].flatMap({ $0.quantity(UInt64.self) ?? $0.uint64Value })
        else { throw fault(index, "a number below 2^64 as 0x and digits without leading zeros") }
        return value
    }

    func optionalQuantity(_ index: Int) throws(RPCFailure) -> UInt64? {
        values[index] == nil ? nil : try quantity(index)
    }

    func flag(_ index: Int) throws(RPCFailure) -> Bool {
        guard let json = values[index] else { return false }
        guard let value = json.boolValue else { throw fault(index, "true or false") }
        return value
    }

    /// One of the words of the parameter; `nil` when it was left out.
    func word(_ index: Int) throws(RPCFailure) -> String? {
        guard let json = values[index], case .word(let words) = method.parameters[index].kind else {
            return nil
        }
        guard let value = json.stringValue, words.contains(value) else {
            throw fault(index, "one of " + words.joined(separator: ", "))
        }
        return value
    }

    /// Percentages from 0 to 100, ascending; empty when they were left out.
    func percentiles(_ index: Int) throws(RPCFailure) -> [Double] {
        guard let json = values[index] else { return [] }
        guard let elements = json.arrayValue, elements.count <= 100 else {
            throw fault(index, "an array of at most 100 numbers")
        }
        var values: [Double] = []
        for element in elements {
            guard let value = element.doubleValue, value >= values.last ?? 0, value <= 100 else {
                throw fault(index, "numbers from 0 to 100, ascending")
            }
            values.append(value)
        }
        return values
    }

    /// The latest block when it was left out.
    func block(_ index: Int) throws(RPCFailure) -> BlockSelector {
        guard let json = values[index] else { return .latest }
        if let selector = BlockSelector(json) { return selector }
        throw fault(
            index, "latest, pending, safe, finalized, earliest, a number or an EIP-1898 object")
    }

    /// The members of an object.
    func object(_ index: Int) throws(RPCFailure) -> JSONObject {
        guard let object = values[index]?.objectValue else { throw fault(index, "an object") }
        return object
    }

    /// What is wrong with a member of the object.
    func memberFault(_ index: Int, _ member: String, _ expected: String) -> RPCFailure {
        fault(index, "an object whose \(member) is \(expected)")
    }
}

extension BlockSelector {
    init?(_ json: JSON) {
        switch json {
        case .string("latest"), .string("safe"), .string("finalized"): self = .latest
        case .string("pending"): self = .pending
        case .string("earliest"): self = .height(.genesis)
        case .string:
            if let hash = json.fixedBytes(Hash32.self) {
                self = .hash(hash)
            } else if let height = json.quantity(UInt64.self) {
                self = .height(Height(height))
            } else {
                return nil
            }
        case .integer, .unsigned:
            guard let height = json.uint64Value else { return nil }
            self = .height(Height(height))
        case .object(let object):
            // EIP-1898. `requireCanonical` asks for what always holds.
            switch (object["blockHash"], object["blockNumber"]) {
            case (let hash?, nil):
                guard let hash = hash.fixedBytes(Hash32.self) else { return nil }
                self = .hash(hash)
            case (nil, let number?):
                guard number.objectValue == nil, let selector = BlockSelector(number) else {
                    return nil
                }
                self = selector
            case (nil, nil), (.some, .some): return nil
            }
        case .null, .bool, .number, .array: return nil
        }
    }
}

extension JSON {
    /// Any number of JSON, rounded.
    fileprivate var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let text): Double(text)
        case .null, .bool, .string, .array, .object: nil
        }
    }
}
