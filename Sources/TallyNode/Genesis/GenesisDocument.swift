package import TallyClient
package import TallyExecution
import TallyPrimitives
package import TallySharding

/// Why text is no description of a network. A `field` is a dotted path.
package enum GenesisDocumentError: Error, Hashable, Sendable {
    case notJSON(JSONError)
    case notAnObject(field: String)
    case unknownField(String)
    case missingField(String)
    case malformed(field: String, expected: String)
    case genesis(GenesisError)
}

extension GenesisDocumentError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notJSON(let error): "not JSON: \(error)"
        case .notAnObject(let field):
            field.isEmpty ? "not a JSON object" : "'\(field)' must be an object"
        case .unknownField(let field): "there is no field '\(field)'"
        case .missingField(let field): "the field '\(field)' is missing"
        case .malformed(let field, let expected): "'\(field)' must be \(expected)"
        case .genesis(let error): error.description
        }
    }
}

/// `genesis.json`: what a network begins with, as people write it.
///
/// Read strictly: every field is known, amounts are decimal strings of base units. Parameters that
/// are not given have the values of `NetworkParameters`; `text` states them all.
package struct GenesisDocument: Hashable, Sendable {
    /// For people only: no part of the genesis hash.
    package let name: String?
    package let genesis: Genesis

    package static let defaultChainID: UInt64 = 1337
    package static let defaultShards = 4

    package init(name: String?, genesis: Genesis) {
        self.name = name
        self.genesis = genesis
    }

    /// - Throws: every case of `GenesisDocumentError`, naming the first fault.
    package init(json bytes: [UInt8]) throws(GenesisDocumentError) {
        let fields = try Self.fields(bytes)
        name = try fields.string("name")
        let parameters = try Self.parameters(fields)
        let time = BeaconTime(
            milliseconds: try fields.required("timeMilliseconds", fields.integer))
        var accounts: [Genesis.Opening] = []
        for element in try fields.array("accounts") {
            let account = try Fields(element.value, path: element.path)
            try account.allowOnly(["address", "balance"])
            accounts.append(
                Genesis.Opening(
                    address: try account.required("address", account.address),
                    balance: try account.required("balance", account.amount)))
        }
        var validators: [Address] = []
        for element in try fields.array("validators") {
            validators.append(try Fields.address(element.value, element.path))
        }
        do throws(GenesisError) {
            genesis = try Genesis(
                parameters: parameters, time: time, accounts: accounts, validators: validators)
        } catch { throw .genesis(error) }
    }

    /// The parameters alone: accounts and validators may be missing.
    /// - Throws: every case of `GenesisDocumentError`, naming the first fault.
    package static func parameters(
        json bytes: [UInt8]
    ) throws(GenesisDocumentError) -> NetworkParameters {
        let parameters = try parameters(try fields(bytes))
        if let fault = parameters.faults.first { throw .genesis(.parameter(fault)) }
        return parameters
    }

    private static func fields(_ bytes: [UInt8]) throws(GenesisDocumentError) -> Fields {
        let json: JSON
        do throws(JSONError) { json = try JSON.parse(bytes) } catch { throw .notJSON(error) }
        let fields = try Fields(json, path: "")
        try fields.allowOnly([
            "name", "chainId", "shards", "blockWeight", "window", "dueBound", "minimumBaseFee",
            "baseFeeDestination", "epochMilliseconds", "heartbeatMilliseconds", "economy",
            "timeMilliseconds", "accounts", "validators",
        ])
        return fields
    }

    private static func parameters(
        _ fields: Fields
    ) throws(GenesisDocumentError) -> NetworkParameters {
        let shards: Int = try fields.integer("shards") ?? defaultShards
        guard let layout = ShardLayout(shardCount: shards) else {
            throw .malformed(
                field: "shards", expected: "1 to \(ShardLayout.maximumShardCount)")
        }
        var parameters = NetworkParameters(
            chainID: try fields.integer("chainId") ?? defaultChainID, layout: layout)
        if let value: Weight = try fields.integer("blockWeight") { parameters.blockWeight = value }
        if let value: Int = try fields.integer("window") { parameters.window = value }
        if let value: Int = try fields.integer("dueBound") { parameters.dueBound = value }
        if let value = try fields.amount("minimumBaseFee") { parameters.minimumBaseFee = value }
        if let value = try fields.string("baseFeeDestination") {
            guard let destination = BaseFeeDestination(name: value) else {
                throw .malformed(
                    field: "baseFeeDestination", expected: "\"burn\" or \"treasury\"")
            }
            parameters.baseFeeDestination = destination
        }
        if let value: UInt64 = try fields.integer("epochMilliseconds") {
            parameters.epochMilliseconds = value
        }
        if let value: UInt64 = try fields.integer("heartbeatMilliseconds") {
            parameters.heartbeatMilliseconds = value
        }
        if fields.has("economy") {
            parameters.economy = try EconomyDocument.read(fields.object("economy"))
        }
        return parameters
    }

    package var json: JSON {
        let parameters = genesis.parameters
        var members: [JSONObject.Member] = []
        if let name { members.append(.init("name", .string(name))) }
        members += [
            .init("chainId", JSON(parameters.chainID)),
            .init("shards", JSON(parameters.layout.shardCount)),
            .init("blockWeight", JSON(parameters.blockWeight)),
            .init("window", JSON(parameters.window)),
            .init("dueBound", JSON(parameters.dueBound)),
            .init("minimumBaseFee", .string(parameters.minimumBaseFee.description)),
            .init("baseFeeDestination", .string(parameters.baseFeeDestination.name)),
            .init("epochMilliseconds", JSON(parameters.epochMilliseconds)),
            .init("heartbeatMilliseconds", JSON(parameters.heartbeatMilliseconds)),
            .init("timeMilliseconds", JSON(genesis.time.milliseconds)),
        ]
        if let economy = parameters.economy {
            members.append(.init("economy", EconomyDocument.json(economy)))
        }
        members += [
            .init(
                "accounts",
                .array(
                    genesis.accounts.map {
                        [
                            "address": .string($0.address.description),
                            "balance": .string($0.balance.description),
                        ]
                    })),
            .init("validators", .array(genesis.validators.map { .string($0.description) })),
        ]
        return .object(JSONObject(members))
    }

    /// The document as a file for people, every parameter stated.
    package var text: [UInt8] { Array((json.indented() + "\n").utf8) }
}

extension BaseFeeDestination {
    fileprivate var name: String {
        switch self {
        case .burn: "burn"
        case .treasury: "treasury"
        }
    }

    fileprivate init?(name: String) {
        switch name {
        case "burn": self = .burn
        case "treasury": self = .treasury
        default: return nil
        }
    }
}
