import TallyClient
import TallyCrypto
import TallyExecution
import TallyNode
import TallyPrimitives
import TallySharding
import Testing

@Suite struct GenesisDocumentTests {
    private static let a = "0x00000000000000000000000000000000000000aa"
    private static let b = "0x00000000000000000000000000000000000000bb"

    private func document(_ members: String) throws(GenesisDocumentError) -> GenesisDocument {
        try GenesisDocument(json: Array("{\(members)}".utf8))
    }

    private static func complete(_ extra: String = "") -> String {
        """
        "timeMilliseconds": 5, "accounts": [{"address": "\(a)", "balance": "7"}],
        "validators": ["\(b)"]\(extra)
        """
    }

    @Test func textRoundTrips() throws {
        let layout = try #require(ShardLayout(shardCount: 3))
        let document = DevNetwork(layout: layout).genesis(time: BeaconTime(milliseconds: 17))
        let read = try GenesisDocument(json: document.text)
        #expect(read == document)
        #expect(read.genesis.hash == document.genesis.hash)
    }

    @Test func profileStatesEveryNumberOfItsEconomy() throws {
        let layout = try #require(ShardLayout(shardCount: 3))
        let network = DevNetwork(layout: layout, profile: .emc)
        let document = network.genesis(time: BeaconTime(milliseconds: 17))
        let read = try GenesisDocument(json: document.text)
        #expect(read == document)
        #expect(read.genesis.parameters.economy == .emc)
        #expect(read.genesis.hash == document.genesis.hash)
        #expect(network.balance == Amount(1_000_000_000_000_000))
        let usual = DevNetwork(layout: layout).genesis(time: BeaconTime(milliseconds: 17))
        #expect(usual.genesis.hash != document.genesis.hash)
        #expect(usual.genesis.parameters.economy == nil)
    }

    /// Each field of the economy, left out or of another type, is named.
    @Test func economyIsReadStrictly() throws {
        let layout = try #require(ShardLayout(shardCount: 1))
        let document = DevNetwork(layout: layout, profile: .emc)
            .genesis(time: BeaconTime(milliseconds: 17))
        let economy = try #require(document.json.objectValue?["economy"])
        for path in Self.leaves(of: economy) {
            let without = Self.json(document, economy.replacing(path, with: nil))
            let name = (["economy"] + path).joined(separator: ".")
            #expect(throws: GenesisDocumentError.self, "without \(name)") {
                try GenesisDocument(json: without)
            }
            // No multipliers at all is an economy too.
            guard path != ["multipliers"] else { continue }
            let other = Self.json(document, economy.replacing(path, with: .array([])))
            #expect(throws: GenesisDocumentError.self, "\(name) as a list") {
                try GenesisDocument(json: other)
            }
        }
        let extra = Self.json(document, economy.replacing(["trade", "tip"], with: 1))
        #expect(throws: GenesisDocumentError.unknownField("economy.trade.tip")) {
            try GenesisDocument(json: extra)
        }
        let heavy = economy.replacing(["rounds", "task", "stepsPerSegment"], with: 200_000)
        #expect(throws: GenesisDocumentError.self) {
            try GenesisDocument(json: Self.json(document, heavy))
        }
        let fault = economy.replacing(["trade", "feeBps"], with: 10_001)
        #expect(throws: GenesisDocumentError.genesis(.parameter(.economy(.feeOutOfRange)))) {
            try GenesisDocument(json: Self.json(document, fault))
        }
    }

    private static func json(_ document: GenesisDocument, _ economy: JSON) -> [UInt8] {
        Array(document.json.replacing(["economy"], with: economy).description.utf8)
    }

    private static func leaves(of json: JSON) -> [[String]] {
        guard let object = json.objectValue else { return [[]] }
        return object.members.flatMap { member in
            leaves(of: member.value).map { [member.key] + $0 }
        }
    }

    @Test func omittedParametersHaveTheirDefaults() throws {
        let document = try document(Self.complete())
        let layout = try #require(ShardLayout(shardCount: 4))
        #expect(document.name == nil)
        #expect(document.genesis.parameters == NetworkParameters(chainID: 1337, layout: layout))
        #expect(document.genesis.time == BeaconTime(milliseconds: 5))
        #expect(document.genesis.supply == Amount(7))
    }

    @Test func everyParameterIsRead() throws {
        let document = try document(
            Self.complete(
                """
                , "name": "n", "chainId": 5, "shards": 2, "blockWeight": 1000000, "window": 8,
                "dueBound": 9, "minimumBaseFee": "3", "baseFeeDestination": "treasury",
                "epochMilliseconds": 11, "heartbeatMilliseconds": 100
                """))
        var expected = NetworkParameters(
            chainID: 5, layout: try #require(ShardLayout(shardCount: 2)))
        expected.blockWeight = 1_000_000
        expected.window = 8
        expected.dueBound = 9
        expected.minimumBaseFee = Amount(3)
        expected.baseFeeDestination = .treasury
        expected.epochMilliseconds = 11
        expected.heartbeatMilliseconds = 100
        #expect(document.genesis.parameters == expected)
        #expect(document.name == "n")
        #expect(try GenesisDocument(json: document.text) == document)
    }

    @Test(arguments: [
        (", \"chainID\": 1", GenesisDocumentError.unknownField("chainID")),
        (
            ", \"shards\": 0",
            .malformed(field: "shards", expected: "1 to 1024")
        ),
        (
            ", \"chainId\": \"1\"",
            .malformed(field: "chainId", expected: "an integer of 0 to 18446744073709551615")
        ),
        (", \"chainId\": 0", .genesis(.parameter(.chainIDZero))),
        (
            ", \"minimumBaseFee\": 1",
            .malformed(
                field: "minimumBaseFee",
                expected: "a string of decimal digits, at most 2^128 - 1")
        ),
        (
            ", \"baseFeeDestination\": \"me\"",
            .malformed(field: "baseFeeDestination", expected: "\"burn\" or \"treasury\"")
        ),
        (", \"name\": 1", .malformed(field: "name", expected: "a string")),
    ])
    func refusesParameter(_ extra: String, _ error: GenesisDocumentError) {
        #expect(throws: error) { try document(Self.complete(extra)) }
    }

    private static func accounts(_ text: String) -> String {
        "\"timeMilliseconds\": 5, \"validators\": [\"\(b)\"], \"accounts\": \(text)"
    }

    @Test(arguments: [
        ("{}", GenesisDocumentError.malformed(field: "accounts", expected: "an array")),
        ("[1]", .notAnObject(field: "accounts[0]")),
        ("[{\"balance\": \"1\"}]", .missingField("accounts[0].address")),
        ("[{\"address\": \"\(a)\"}]", .missingField("accounts[0].balance")),
        (
            "[{\"address\": \"\(a)\", \"balance\": \"1\", \"nonce\": 1}]",
            .unknownField("accounts[0].nonce")
        ),
        (
            "[{\"address\": \"0x1\", \"balance\": \"1\"}]",
            .malformed(
                field: "accounts[0].address", expected: "\"0x\" and 40 hexadecimal digits")
        ),
        (
            "[{\"address\": \"\(a)\", \"balance\": \"01\"}]",
            .malformed(
                field: "accounts[0].balance",
                expected: "a string of decimal digits, at most 2^128 - 1")
        ),
    ])
    func refusesAccounts(_ accounts: String, _ error: GenesisDocumentError) {
        #expect(throws: error) { try document(Self.accounts(accounts)) }
    }

    @Test(arguments: ["timeMilliseconds", "accounts", "validators"])
    func refusesWithout(_ field: String) throws {
        let whole = try #require(try JSON.parse(Array("{\(Self.complete())}".utf8)).objectValue)
        let rest = JSON.object(JSONObject(whole.members.filter { $0.key != field }))
        #expect(throws: GenesisDocumentError.missingField(field)) {
            try GenesisDocument(json: Array(rest.description.utf8))
        }
    }

    @Test func refusesRepeatedFields() {
        #expect(throws: GenesisDocumentError.self) {
            try document("\"name\": \"a\", \"name\": \"b\"")
        }
        #expect(throws: GenesisDocumentError.notAnObject(field: "")) {
            try GenesisDocument(json: Array("[]".utf8))
        }
    }
}

@Suite struct DevNetworkTests {
    @Test(arguments: [1, 4, 33]) func everyShardHasTwoAccounts(_ shards: Int) throws {
        let layout = try #require(ShardLayout(shardCount: shards))
        let network = DevNetwork(layout: layout)
        #expect(network.accounts.map(\.shard) == layout.shards.flatMap { [$0, $0] })
        #expect(network.accounts.allSatisfy { layout.home(of: $0.address) == $0.shard })
        #expect(network.accounts.allSatisfy { $0.key.address == $0.address })
        #expect(Set(network.accounts.map(\.address)).count == 2 * shards)
    }

    @Test func accountsNeverChange() throws {
        let layout = try #require(ShardLayout(shardCount: 4))
        let network = DevNetwork(layout: layout)
        #expect(
            network.accounts[0].address.description
                == "0x2af99e0c66290217e7b55af6600ab9c34da77589")
        #expect(
            network.validator.address.description == "0x7d87a593e73a53f0daafb83b391f3e72ad88a27d")
    }
}

extension JSON {
    /// The document with another value, or none, at a path of names.
    fileprivate func replacing(_ path: [String], with value: JSON?) -> JSON {
        guard let name = path.first, let object = objectValue else { return value ?? .null }
        var members = object.members
        let place = members.firstIndex { $0.key == name }
        guard path.count > 1 || value != nil else {
            return .object(JSONObject(members.filter { $0.key != name }))
        }
        let old = place.map { members[$0].value } ?? .null
        let new = JSONObject.Member(name, old.replacing(Array(path.dropFirst()), with: value))
        if let place { members[place] = new } else { members.append(new) }
        return .object(JSONObject(members))
    }
}
