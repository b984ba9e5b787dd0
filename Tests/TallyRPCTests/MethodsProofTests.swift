import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyRPC

/// Proofs of a running ledger, checked as a light client does: from the answer and a header alone.
@Suite struct MethodsProofTests {
    private func trust(_ document: JSON) throws -> TrustAnchor {
        .beaconHash(try #require(document["trusted"]?["hash"]?.fixedBytes(Hash32.self)))
    }

    /// Checks an answer below the header that the chain has at the height it names.
    private func verify(
        _ document: JSON, _ ledger: MethodLedger
    ) async throws -> ProvenStatement {
        let height = try #require(document["trusted"]?["height"])
        let header = try await ledger.ask("beacon_block", height)
        let (_, hash) = try HeaderDocument.beaconHeader(header)
        #expect(.string(hash.description) == document["trusted"]?["hash"])
        return try ProofDocument.verify(document, .beaconHash(hash))
    }

    // MARK: Accounts

    @Test func showsAccounts() async throws {
        try await withLedger(shards: 3) { ledger in
            _ = try await ledger.settle(ledger.raw(0, nonce: 0, to: ledger.address(1), value: 7))
            for shard in 0..<3 {
                let address = ledger.address(shard)
                let document = try await ledger.ask(
                    "shard_getAccountProof", JSON(address), "latest")
                let statement = try await verify(document, ledger)
                guard case .account(let fact) = statement.fact else {
                    Issue.record("another fact")
                    continue
                }
                #expect(fact.address == address)
                #expect(try await ledger.balance(address) == fact.account?.balance.units)
                #expect(fact.account?.nonce == (shard == 0 ? 1 : 0))
                #expect(document["balance"]?.units == fact.account?.balance.units)
                #expect(document["exists"] == true)
                // Nothing ever happened on shard 2: the genesis block anchors its header.
                #expect((document["block"]?["height"] == "0x0") == (shard == 2))
                // PROOF-17
                let head = ledger.engine.publisher.current.hash
                #expect(document["trusted"]?["hash"] == .string(head.description))
                let byDefault = try await ledger.ask("shard_getAccountProof", JSON(address))
                #expect(byDefault == document)
            }
            let nobody = Address(words: (1, 2, 3))
            let absent = try await ledger.ask("shard_getAccountProof", JSON(nobody))
            #expect(absent["exists"] == false)
            #expect(absent["balance"] == "0x0")
            _ = try await verify(absent, ledger)
        }
    }

    @Test func showsAccountsBelowTheBlockThatIsAskedFor() async throws {
        try await withLedger(shards: 3) { ledger in
            _ = try await ledger.settle(ledger.raw(0, nonce: 0, to: ledger.address(1), value: 7))
            let head = ledger.engine.publisher.current
            // Shard 2 stands as it stood at genesis: any block on shows that it did.
            let idle = JSON(ledger.address(2))
            for selector: JSON in [
                .string(Hex.quantity(head.height.value)), .string(head.hash.description),
                ["blockHash": .string(head.hash.description)], "0x1", "earliest",
            ] {
                let document = try await ledger.ask("shard_getAccountProof", idle, selector)
                #expect(document["block"]?["height"] == "0x0")
                _ = try await verify(document, ledger)
            }
            let newest = try await ledger.ask(
                "shard_getAccountProof", idle, .string(head.hash.description))
            #expect(newest["trusted"]?["hash"] == .string(head.hash.description))
            // The state of shard 0 changed: what it was before is gone.
            let busy = JSON(ledger.address(0))
            let changed = head.endpoints[0].header.height
            let error = try await ledger.failure("shard_getAccountProof", busy, "0x0")
            #expect(error["code"] == -32_002)
            #expect(
                error["data"] == [
                    "reason": "stateUnavailable", "retryable": false,
                    "from": .string(Hex.quantity(changed.value)),
                    "through": .string(Hex.quantity(head.height.value)),
                ])
            let unknown = try await ledger.failure("shard_getAccountProof", busy, "0xffff")
            #expect(unknown["data"]?["reason"] == "unknownBlock")
        }
    }

    // MARK: Receipts

    @Test func showsReceiptsAndWhatBecameOfThem() async throws {
        try await withLedger { ledger in
            _ = try await ledger.settle(try ledger.raw(1, 2, nonce: 0, .setCreditPolicy(.refuse)))
            let legs = [
                TransferLeg(to: ledger.address(1), value: Amount(5)),
                TransferLeg(to: ledger.address(1, 2), value: Amount(6)),
            ]
            let (hash, status) = try await ledger.settle(try ledger.raw(0, nonce: 0, .batch(legs)))
            for (number, state) in ["credited", "bounced"].enumerated() {
                let place = try #require(status["legs"]?[number]?["receiptPlace"])
                #expect(place["index"]?.units == UInt128(number))
                let parameters = try ["source", "destination", "index"].map {
                    try #require(place[$0])
                }
                let document = try await ledger.ask(
                    "shard_getReceiptProof", parameters[0], parameters[1], parameters[2])
                #expect(document["status"] == .string(state))
                #expect(document["origin"] == hash)
                #expect(document["id"] == status["legs"]?[number]?["receipt"])
                #expect(document["value"]?.units == UInt128(5 + number))
                #expect(document["sent"]?["height"] == status["legs"]?[number]?["sentHeight"])
                #expect((document["reason"] == "creditsRefused") == (state == "bounced"))
                _ = try await verify(document, ledger)
                for evidence in ["sent", "consumed"] {
                    let less = try await ledger.ask(
                        "shard_getReceiptProof", parameters[0], parameters[1], parameters[2],
                        .string(evidence))
                    #expect(less["status"] == .string(evidence))
                    #expect((less["consumed"] == .null) == (evidence == "sent"))
                    _ = try await verify(less, ledger)
                }
            }
            let back = try await ledger.ask("shard_getReceiptProof", 1, 0, 0)
            #expect(back["status"] == "refunded")
            #expect(back["parent"]?["index"] == "0x1")
            _ = try await verify(back, ledger)
            let head = ledger.engine.publisher.current
            let later = try await ledger.ask(
                "shard_getReceiptProof", 0, 1, 0, .null, .string(head.hash.description))
            #expect(later["trusted"]?["hash"] == .string(head.hash.description))
            _ = try await verify(later, ledger)
        }
    }

    @Test func refusesReceiptsThatAreNotThere() async throws {
        try await withLedger { ledger in
            _ = try await ledger.settle(ledger.raw(0, nonce: 0, to: ledger.address(1), value: 7))
            let unknown = try await ledger.failure("shard_getReceiptProof", 0, 1, 1)
            #expect(unknown["code"] == -32_001)
            #expect(
                unknown["data"] == ["reason": "unknownReceipt", "retryable": true, "end": "0x1"])
            let early = try await ledger.failure("shard_getReceiptProof", 0, 1, 0, .null, "0x0")
            #expect(early["data"]?["reason"] == "anchorTooEarly")
            #expect(early["data"]?["from"]?.units != nil)
            for place: [JSON] in [[3, 0, 0], [0, 3, 0]] {
                let wrong = try await ledger.failure(
                    "shard_getReceiptProof", place[0], place[1], place[2])
                #expect(wrong["code"] == -32_602)
                #expect(wrong["data"]?["reason"] == "unknownShard")
            }
            let word = try await ledger.failure("shard_getReceiptProof", 0, 1, 0, "soon")
            #expect(word["code"] == -32_602)
        }
    }

    /// A snapshot between sending and consuming is there for a moment: several sends meet one.
    @Test func aReceiptThatWaitsWasSentOnly() async throws {
        try await withLedger { ledger in
            let source = ProofSource()
            var wasWaiting = false
            for nonce in 0..<40 where !wasWaiting {
                let publisher = ledger.engine.publisher
                let height = publisher.current.height
                async let first = publisher.next(after: height)
                _ = try await ledger.settle(
                    ledger.raw(0, nonce: Nonce(nonce), to: ledger.address(1), value: 1))
                let snapshot = try #require(await first)
                let place = ReceiptReference(
                    source: EndpointID(0), destination: EndpointID(1), index: UInt64(nonce))
                do throws(ProofRefusal) {
                    _ = try source.receipt(place, .consumed, at: nil, snapshot)
                } catch {
                    guard case .notConsumed(UInt64(nonce)) = error else { throw error }
                    wasWaiting = true
                    let proof = try source.receipt(place, nil, at: nil, snapshot)
                    let trusted = try #require(proof.headers.last?.hash)
                    let statement = try proof.verify(.beaconHash(trusted))
                    guard case .receipt(let fact) = statement.fact else { continue }
                    #expect(fact.consumption == nil)
                    #expect(fact.receipt.reference == place)
                }
            }
            #expect(wasWaiting)
        }
    }

    /// More receipts than a run of kept nodes, read in steps.
    @Test func showsReceiptsOfLongStreams() async throws {
        try await withLedger { ledger in
            let legs = Array(
                repeating: TransferLeg(to: ledger.address(1), value: Amount(1)), count: 256)
            for nonce in 0..<9 {
                _ = try await ledger.settle(
                    try ledger.raw(0, nonce: Nonce(nonce), .batch(legs)))
            }
            for index in [0, 1_023, 1_024, 2_047, 2_048, 2_303] {
                let document = try await ledger.ask("shard_getReceiptProof", 0, 1, JSON(index))
                #expect(document["status"] == "credited")
                _ = try await verify(document, ledger)
            }
            let slow = ProofSource(receiptsPerRequest: 1_024)
            let place = ReceiptReference(
                source: EndpointID(0), destination: EndpointID(1), index: 2_303)
            let snapshot = ledger.engine.publisher.current
            #expect(throws: ProofRefusal.indexing(done: 1_024, of: 2_304)) {
                try slow.receipt(place, nil, at: nil, snapshot)
            }
            _ = try slow.receipt(place, nil, at: nil, snapshot)
        }
    }

    // MARK: Transactions

    @Test func showsTransactions() async throws {
        try await withLedger { ledger in
            let (hash, _) = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: ledger.address(1), value: 7))
            let failed = try await ledger.send(try ledger.raw(1, nonce: 0, .claimEscrow))
            _ = try await ledger.status(failed, "settled")
            for (name, status) in [(hash, "0x1"), (failed, "0x0")] {
                let document = try await ledger.ask("shard_getTransactionProof", name)
                #expect(document["status"] == .string(status))
                #expect(document["hash"] == name)
                let receipt = try await ledger.ask("eth_getTransactionReceipt", name)
                #expect(document["weight"] == receipt["gasUsed"])
                #expect(document["price"] == receipt["effectiveGasPrice"])
                #expect(document["from"] == receipt["from"])
                _ = try await verify(document, ledger)
            }
            let unknown = try await ledger.failure(
                "shard_getTransactionProof", .string(Hash32.zero.description))
            #expect(unknown["data"]?["reason"] == "unknownTransaction")
        }
    }

    // MARK: Documents

    /// The text of a document with any one byte replaced proves nothing. No exceptions.
    @Test func everyByteOfADocumentIsBound() async throws {
        try await withLedger { ledger in
            let (hash, _) = try await ledger.settle(
                ledger.raw(0, nonce: 0, to: ledger.address(1), value: 7))
            let documents = [
                try await ledger.ask("shard_getAccountProof", JSON(ledger.address(0))),
                try await ledger.ask("shard_getAccountProof", JSON(Address(words: (1, 2, 3)))),
                try await ledger.ask("shard_getReceiptProof", 0, 1, 0),
                try await ledger.ask("shard_getTransactionProof", hash),
            ]
            for document in documents {
                let trust = try trust(document)
                let text = Array(document.description.utf8)
                var ignored: [Int] = []
                for position in text.indices {
                    var changed = text
                    // A digit for a digit, and a letter in the other case: what still parses.
                    let byte = text[position]
                    changed[position] = byte == UInt8(ascii: "1") ? UInt8(ascii: "2") : 0x31
                    if accepts(changed, trust) { ignored.append(position) }
                    changed[position] = byte ^ 0x20
                    if accepts(changed, trust) { ignored.append(position) }
                }
                #expect(ignored == [])
                #expect(accepts(text, trust))
            }
        }
    }

    private func accepts(_ text: [UInt8], _ trust: TrustAnchor) -> Bool {
        guard let json = try? JSON.parse(text) else { return false }
        do throws(ProofDocumentError) {
            _ = try ProofDocument.verify(json, trust)
            return true
        } catch { return false }
    }

    @Test func documentsSayWhatFails() async throws {
        try await withLedger { ledger in
            let call = MethodLedger.call(
                "shard_getAccountProof", [JSON(ledger.address(0)), "latest"])
            let response = try await ledger.answer(call)
            let document = try #require(response["result"])
            let trust = try trust(document)
            let members = try #require(document.objectValue?.members)
            func failure(_ json: JSON) -> ProofDocumentError? {
                do throws(ProofDocumentError) {
                    _ = try ProofDocument.verify(json, trust)
                    return nil
                } catch { return error }
            }
            #expect(failure(response) == nil)
            #expect(failure(.object(JSONObject(members.reversed()))) == nil)
            #expect(failure("no") == .noDocument)
            #expect(failure(["jsonrpc": "2.0", "id": 1]) == .noDocument)
            #expect(
                failure(["jsonrpc": "2.0", "error": ["message": "not here"]])
                    == .refused("not here"))
            for member in members where member.key != "proof" {
                let rest = members.filter { $0.key != member.key }
                #expect(failure(.object(JSONObject(rest))) == .member(member.key))
            }
            let more = members + [JSONObject.Member("checked", true)]
            #expect(failure(.object(JSONObject(more))) == .member("checked"))
            let other = try await ledger.ask("beacon_block")
            let (header, hash) = try HeaderDocument.beaconHeader(other)
            do throws(ProofDocumentError) {
                _ = try ProofDocument.verify(document, .beaconHash(.zero))
                Issue.record("trusted nothing")
            } catch {
                #expect(
                    error
                        == .proof(.untrusted(height: header.height, expected: .zero, actual: hash)))
            }
        }
    }
}
