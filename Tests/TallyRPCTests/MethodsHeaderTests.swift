import TallyClient
import TallyCrypto
import TallyEngine
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyRPC

/// Headers as an independent program reads them.
@Suite struct MethodsHeaderTests {
    /// The RLP of the answer's fields, in the order of the specification.
    private func shardBytes(_ json: JSON) throws -> [UInt8] {
        func hash(_ name: String) throws -> Hash32 {
            try #require(json[name]?.fixedBytes(Hash32.self), "\(name)")
        }
        func amount(_ name: String, _ json: JSON) throws -> UInt128 {
            try #require(json[name]?.units, "\(name)")
        }
        func number(_ name: String, _ json: JSON) throws -> UInt64 {
            try #require(json[name]?.uint64Value, "\(name)")
        }
        let lists = try [
            ("out", ["end", "value"]), ("in", ["cursor", "value"]),
        ].map { name, fields in
            var out = RLPEncoder()
            for item in try #require(json[name]?.arrayValue) {
                out.append(try number("shard", item))
                for field in fields { out.append(try amount(field, item)) }
                if let root = item["root"] {
                    out.append(try #require(root.fixedBytes(Hash32.self)))
                }
            }
            return out.bytes
        }
        var out = RLPEncoder()
        out.append(try hash("chain"))
        out.append(try number("shardCount", json))
        out.append(try number("shard", json))
        out.append(try amount("height", json))
        out.append(try hash("parent"))
        out.append(try hash("beaconRef"))
        out.append(try number("timeMs", json))
        out.append(try #require(json["beneficiary"]?.fixedBytes(Address.self)))
        out.append(try amount("baseFee", json))
        out.append(try hash("stateRoot"))
        out.append(try amount("stateSum", json))
        out.append(try hash("txRoot"))
        out.append(try hash("resultRoot"))
        for list in lists { out.list { $0.append(encoded: list) } }
        for name in ["minted", "burned", "weightUsed"] { out.append(try amount(name, json)) }
        return RLPEncoder.list { $0.append(encoded: out.bytes) }
    }

    private func beaconBytes(_ json: JSON) throws -> [UInt8] {
        let names = [
            "chain", "parent", "anchorsRoot", "validators", "reveal", "announced", "randomness",
        ]
        let hashes = try names.map {
            try #require(json[$0]?.fixedBytes(Hash32.self))
        }
        let height = try #require(json["height"]?.units)
        let time = try #require(json["timeMs"]?.uint64Value)
        let proposer = try #require(json["proposer"]?.fixedBytes(Address.self))
        return RLPEncoder.list { out in
            out.append(hashes[0])
            out.append(height)
            out.append(hashes[1])
            out.append(time)
            out.append(proposer)
            for hash in hashes[2...] { out.append(hash) }
            // Another set, which this network never has.
            out.list { _ in }
        }
    }

    private func check(shard json: JSON) throws {
        let bytes = try shardBytes(json)
        #expect(json["raw"] == .string(Hex.encode(bytes)))
        #expect(json["hash"] == .string(SHA256.hash(.shardHeader, bytes).description))
    }

    private func check(beacon json: JSON) throws {
        let bytes = try beaconBytes(json)
        #expect(json["raw"] == .string(Hex.encode(bytes)))
        #expect(json["hash"] == .string(SHA256.hash(.beaconHeader, bytes).description))
    }

    @Test func headersFollowFromTheirFields() async throws {
        try await withLedger { ledger in
            for nonce in 0..<3 {
                _ = try await ledger.settle(
                    ledger.raw(0, nonce: Nonce(nonce), to: ledger.address(1), value: 7))
            }
            let head = ledger.engine.publisher.current
            var blocks = 0
            for height in 0...head.height.value {
                let tag = JSON.string(Hex.quantity(height))
                let beacon = try await ledger.ask("beacon_block", tag)
                try check(beacon: beacon)
                let byHash = try await ledger.ask("beacon_block", try #require(beacon["hash"]))
                #expect(byHash == beacon)
                var anchored: [JSON] = []
                for shard in 0...2 {
                    let block = try await ledger.ask("shard_block", JSON(shard), tag)
                    guard !block.isNull else { continue }
                    try check(shard: block)
                    #expect(block["beaconHash"] == beacon["hash"])
                    #expect(block["height"] == tag)
                    for name in ["hash", "beaconHash"] {
                        let again = try await ledger.ask(
                            "shard_block", JSON(shard), try #require(block[name]))
                        #expect(again == block)
                    }
                    anchored.append(["shard": JSON(shard), "hash": try #require(block["hash"])])
                    blocks += 1
                }
                #expect(beacon["anchors"] == .array(anchored))
            }
            #expect(blocks > 6)
            for shard in 0..<2 {
                let json = try await ledger.ask("shard_head", JSON(shard))
                let header = head.endpoints[shard].header
                #expect(json["hash"] == .string(header.hash.description))
                #expect(json["stateSum"]?.units == header.stateSum.units)
                #expect(try await ledger.ask("shard_block", JSON(shard), "latest") == json)
            }
        }
    }

    @Test func saysWhatIsNotThere() async throws {
        try await withLedger { ledger in
            #expect(try await ledger.ask("beacon_block", "0xffff") == .null)
            #expect(try await ledger.ask("beacon_block", .string(Hash32.zero.description)) == .null)
            #expect(try await ledger.ask("shard_block", 0, "0xffff") == .null)
            let unknown = try await ledger.failure(
                "shard_block", 0, .string(Hash32.zero.description))
            #expect(unknown["code"] == -32_001)
            #expect(unknown["data"]?["reason"] == "unknownBlock")
            #expect(unknown["data"]?["from"] == "0x0")
            let shard = try await ledger.failure("shard_head", 3)
            #expect(shard["code"] == -32_602)
        }
    }

    @Test func tellsTheHomeOfAnAddress() async throws {
        try await withLedger { ledger in
            for shard in 0..<2 {
                let home = try await ledger.ask("shard_forAddress", JSON(ledger.address(shard)))
                #expect(home["shard"] == JSON(shard))
                #expect(home["shardCount"] == 2)
                #expect(home["isReserved"] == false)
            }
            let none = try await ledger.ask("shard_forAddress", JSON(ReservedAddress.treasury))
            #expect(none["shard"] == .null)
            #expect(none["isReserved"] == true)
        }
    }

    /// PROOF-6: whoever has the genesis asks nobody else.
    @Test func sealsShowThatAHeaderIsFinal() async throws {
        try await withLedger { ledger in
            _ = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: ledger.address(1), value: 7))
            let genesis = ledger.engine.publisher.current.genesis
            func verify(_ document: JSON) throws -> FinalityDocument.Seals? {
                let (header, _) = try HeaderDocument.beaconHeader(document)
                return try FinalityDocument.verify(document, of: header, genesis)
            }
            func changed(_ document: JSON, _ finality: JSON) -> JSON {
                let members = document.objectValue?.members ?? []
                return .object(
                    JSONObject(
                        members.map { $0.key == "finality" ? .init("finality", finality) : $0 }))
            }
            let first = try await ledger.ask("beacon_block", "0x0")
            #expect(first["finality"] == ["kind": "genesis"])
            #expect(try verify(first) == nil)
            let document = try await ledger.ask("beacon_block", "0x1")
            let seals = try verify(document)
            #expect(seals?.power == 1 && seals?.quorum == 1 && seals?.total == 1)
            // The seal of one block makes no other final.
            let other = try await ledger.ask("beacon_block", "0x2")
            let finality = try #require(other["finality"])
            #expect(throws: ProofDocumentError.notFinal(power: 0, quorum: 1)) {
                _ = try verify(changed(document, finality))
            }
            let seal = try #require(finality["seals"]?.arrayValue?.first)
            for wrong in [
                .null, ["kind": "genesis"], ["kind": "seals"],
                [
                    "kind": "seals", "round": "0x0", "seals": [seal, seal], "elections": [],
                ],
                ["kind": "seals", "round": "0x0", "seals": [seal]],
                [
                    "kind": "seals", "round": "0x0", "seals": [["validator": "0x"]],
                    "elections": [],
                ],
                [
                    "kind": "seals", "round": "0x0", "seals": [seal],
                    "elections": [["header": "0x1", "round": "0x0", "seals": []]],
                ],
            ] as [JSON] {
                #expect(throws: ProofDocumentError.member("finality")) {
                    _ = try verify(changed(other, wrong))
                }
            }
            #expect(throws: ProofDocumentError.notFinal(power: 0, quorum: 1)) {
                let none: JSON = [
                    "kind": "seals", "round": "0x0", "seals": [], "elections": [],
                ]
                _ = try verify(changed(other, none))
            }
        }
    }

    @Test func aHeaderThatContradictsItselfIsRefused() async throws {
        try await withLedger { ledger in
            let document = try await ledger.ask("beacon_block", "0x0")
            let members = try #require(document.objectValue?.members)
            for member in members where member.key != "finality" && member.key != "raw" {
                let changed = members.map {
                    $0.key == member.key ? JSONObject.Member($0.key, "0x1") : $0
                }
                #expect(throws: ProofDocumentError.member(member.key)) {
                    _ = try HeaderDocument.beaconHeader(.object(JSONObject(changed)))
                }
            }
            #expect(throws: ProofDocumentError.noDocument) {
                _ = try HeaderDocument.beaconHeader(["hash": "0x00"])
            }
            #expect(throws: ProofDocumentError.malformed(.truncated)) {
                _ = try HeaderDocument.beaconHeader(["raw": "0x"])
            }
        }
    }
}
