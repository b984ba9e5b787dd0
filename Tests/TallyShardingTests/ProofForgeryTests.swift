import TallyExecution
import TallyPrimitives
import TallySimulation
import TallyTesting
import TallyTransactions
import Testing

@testable import TallySharding
@testable import TallyState

/// Nothing that no hash binds is believed.
@Suite struct ProofForgeryTests {
    // MARK: Any change

    private static let kinds = [
        "account", "absence", "sent", "consumed", "outcome", "transaction", "old",
    ]

    private func proof(_ kind: String) throws -> (LedgerProof, TrustAnchor) {
        if kind == "transaction" {
            let (_, archive) = try SignedLedger.make()
            let height = try #require(archive.records.lastIndex { !$0.isEmpty })
            let endpoint = try #require(archive.records[height].first?.header.endpoint)
            let claim = try archive.transaction(endpoint, height, 0)
            return (
                archive.proof(.transaction(claim), from: height, through: archive.top),
                archive.trust(archive.top)
            )
        }
        var generator = SeededGenerator(seed: 0x5eed_6301)
        let ledger = try ProofLedger(shards: 3, heights: 8, &generator)
        let archive = ledger.archive
        switch kind {
        case "account", "absence", "old":
            let number: UInt64 = kind == "absence" ? 5_000 : 7
            let address = TestAccount.plain(shard: 1, of: 3, number)
            let newest = kind == "old" ? archive.top - 2 : archive.top
            let height = try #require(archive.heights(of: 1).last { $0 <= newest })
            let claim = try archive.account(address, at: height, ledger.layout)
            let top = kind == "old" ? archive.top : height
            return (
                archive.proof(.account(claim), from: height, through: top), archive.trust(top)
            )
        default:
            let (receipt, height, end) = try consumed(archive)
            var claim = try archive.receipt(receipt, sentAt: height, consumedAt: end)
            claim = ReceiptClaim(
                receipt: receipt, sent: claim.sent, path: claim.path,
                consumed: kind == "sent" ? nil : claim.consumed,
                outcome: kind == "outcome" ? claim.outcome : nil)
            let top = kind == "sent" ? height : end
            return (
                archive.proof(.receipt(claim), from: height, through: top), archive.trust(top)
            )
        }
    }

    /// A consumed receipt whose stream has others, where it was sent and where it was consumed.
    private func consumed(_ archive: ProofArchive) throws -> (Receipt, Int, Int) {
        for (_, receipts) in archive.streams.sorted(by: { $0.value.count > $1.value.count }) {
            for receipt in receipts.reversed() where receipt.reference.index > 2 {
                guard let end = archive.consumption(receipt),
                    let height = archive.sendings(receipt).first, height < end
                else { continue }
                return (receipt, height, end)
            }
        }
        throw NoReceipt()
    }

    private struct NoReceipt: Error {}

    private func statement(_ bytes: [UInt8], _ trust: TrustAnchor) -> ProvenStatement? {
        try? LedgerProof(untrusted: bytes).verify(trust)
    }

    /// Each byte is changed. What is still accepted is another question, answered truly: what is at
    /// another address of the same bucket. Documents name the question beside the proof, and there no
    /// change is accepted at all.
    @Test(arguments: kinds) func everyByteIsBound(_ kind: String) throws {
        let (proof, trust) = try proof(kind)
        let bytes = proof.encoded
        let honest = try #require(statement(bytes, trust))
        var generator = SeededGenerator(seed: 0x5eed_6401)
        var ignored: [Int] = []
        for position in bytes.indices {
            for mask in [1, UInt8.random(in: 2...255, using: &generator)] {
                var changed = bytes
                changed[position] ^= mask
                guard let other = statement(changed, trust) else { continue }
                if !isTrueOfAnother(other, honest, proof) { ignored.append(position) }
            }
        }
        #expect(ignored == [])
        #expect(bytes.count > 500)
    }

    private func isTrueOfAnother(
        _ other: ProvenStatement, _ honest: ProvenStatement, _ proof: LedgerProof
    ) -> Bool {
        guard case .account(let claim) = proof.claim, case .account(let fact) = other.fact,
            case .account(let told) = honest.fact
        else { return false }
        let record = claim.state.bucket.withUnsafeBytes {
            try? Record.lookUp(ObjectKey.account(fact.address).path, in: $0)
        }
        return fact.address != told.address && fact.block == told.block
            && fact.account == record.flatMap { try? Account($0.object) }
    }

    @Test(arguments: kinds) func everyLengthIsBound(_ kind: String) throws {
        let (proof, trust) = try proof(kind)
        let bytes = proof.encoded
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(statement(Array(bytes.prefix(count)), trust) == nil)
        }
        #expect(statement(bytes + [0], trust) == nil)
    }

    // MARK: Headers

    @Test func refusesHeadersThatAreNotTheTrustedOnes() throws {
        let (proof, trust) = try proof("old")
        try #require(proof.headers.count > 2)
        let first = proof.headers[0]
        let last = try #require(proof.headers.last)
        func failure(_ headers: [BeaconHeader]) -> LedgerProofError? {
            refusal(LedgerProof(headers: headers, claim: proof.claim), trust)
        }
        #expect(failure(proof.headers) == nil)
        #expect(failure([]) == .headerCount(0))
        #expect(
            failure(Array(proof.headers.dropLast()))
                == .untrusted(
                    height: proof.headers[proof.headers.count - 2].height, expected: last.hash,
                    actual: proof.headers[proof.headers.count - 2].hash))
        #expect(failure(Array(proof.headers.dropFirst())) == .noBeaconHeader(first.height))
        #expect(failure([first] + proof.headers) == .brokenChain(first.height))
        var altered = proof.headers
        altered[0].time = BeaconTime(milliseconds: 1)
        #expect(failure(altered) == .brokenChain(first.height))
        let many = Array(repeating: last, count: LedgerProof.maximumHeaders + 1)
        #expect(failure(many) == .headerCount(LedgerProof.maximumHeaders + 1))
        var end = last
        end.height = Height(.max)
        #expect(
            refusal(
                LedgerProof(headers: [end, last], claim: proof.claim), .beaconHash(last.hash))
                == .brokenChain(Height(.max)))
    }

    private func refusal(_ proof: LedgerProof, _ trust: TrustAnchor) -> LedgerProofError? {
        do throws(LedgerProofError) {
            _ = try proof.verify(trust)
            return nil
        } catch { return error }
    }

    @Test func refusesHeadersThatNobodyNeeds() throws {
        var generator = SeededGenerator(seed: 0x5eed_6501)
        let ledger = try ProofLedger(shards: 2, heights: 6, &generator)
        let address = TestAccount.plain(shard: 1, of: 2, 3)
        let height = try #require(ledger.archive.heights(of: 1).last)
        let claim = try ledger.archive.account(address, at: height, ledger.layout)
        let longer = ledger.archive.proof(.account(claim), from: height - 1, through: height)
        #expect(refusal(longer, ledger.archive.trust(height)) == .unusedHeader)
    }

    // MARK: Accounts

    @Test func refusesAnotherShardsEmptiness() throws {
        var generator = SeededGenerator(seed: 0x5eed_6601)
        let ledger = try ProofLedger(shards: 2, heights: 4, &generator)
        let archive = ledger.archive
        // It exists on shard 1; on shard 0 there is no such account, which proves nothing.
        let address = TestAccount.plain(shard: 1, of: 2, 3)
        let height = try #require(archive.heights(of: 0).last)
        let state = try archive.trees[height][0].proof(
            ObjectKey.account(address).path, MemoryPages())
        let claim = AccountClaim(
            address: address, block: try archive.anchored(0, height), state: state)
        #expect(
            refusal(
                archive.proof(.account(claim), from: height, through: height),
                archive.trust(height)) == .wrongHome(expected: 1, actual: 0))
    }

    @Test func refusesAnOlderState() throws {
        var generator = SeededGenerator(seed: 0x5eed_6701)
        let ledger = try ProofLedger(shards: 2, heights: 8, &generator)
        let archive = ledger.archive
        let heights = archive.heights(of: 1)
        let height = try #require(heights.last)
        let address = TestAccount.plain(shard: 1, of: 2, 3)
        let now = try archive.account(address, at: height, ledger.layout)
        let then = try archive.account(address, at: heights[0], ledger.layout)
        let stale = AccountClaim(address: address, block: now.block, state: then.state)
        #expect(
            refusal(
                archive.proof(.account(stale), from: height, through: height),
                archive.trust(height)) == .state(.rootMismatch))
        let moved = AnchoredHeader(
            header: then.block.header, index: now.block.index, count: now.block.count,
            path: now.block.path)
        let old = AccountClaim(address: address, block: moved, state: then.state)
        #expect(
            refusal(
                archive.proof(.account(old), from: height, through: height),
                archive.trust(height)) == .noBeaconHeader(.genesis))
    }

    @Test func refusesForgedPaths() throws {
        var generator = SeededGenerator(seed: 0x5eed_6801)
        let ledger = try ProofLedger(shards: 2, heights: 4, &generator)
        let archive = ledger.archive
        let height = try #require(archive.heights(of: 1).last)
        let address = TestAccount.plain(shard: 1, of: 2, 3)
        let claim = try archive.account(address, at: height, ledger.layout)
        let honest = claim.state
        #expect(honest.siblings.count > 1)
        func failure(
            _ siblings: [StateProof.Sibling], _ bucket: [UInt8]? = nil
        ) -> LedgerProofError? {
            let state = StateProof(
                siblings: siblings, bucket: bucket ?? honest.bucket, payload: honest.payload)
            return refusal(
                archive.proof(
                    .account(AccountClaim(address: address, block: claim.block, state: state)),
                    from: height, through: height), archive.trust(height))
        }
        #expect(failure(honest.siblings) == nil)
        #expect(failure(Array(honest.siblings.dropFirst())) == .state(.rootMismatch))
        #expect(failure(honest.siblings.reversed()) == .state(.rootMismatch))
        for index in honest.siblings.indices {
            var siblings = honest.siblings
            let sibling = siblings[index]
            siblings[index] = .init(
                hash: sibling.hash, sum: sibling.sum.adding(Amount(1)) ?? .zero)
            #expect(failure(siblings) == .state(.rootMismatch))
            siblings[index] = .init(hash: .zero, sum: sibling.sum)
            #expect(failure(siblings) == .state(.rootMismatch))
        }
        // A unit more for the first account of the bucket: path 32, kind 1, value 16 bytes.
        var richer = honest.bucket
        richer[48] ^= 1
        #expect(failure(honest.siblings, richer) == .state(.rootMismatch))
        #expect(failure(honest.siblings, []) == .state(.rootMismatch))
    }

    @Test func refusesAHeaderOfAnotherChain() throws {
        var generator = SeededGenerator(seed: 0x5eed_6901)
        let ledger = try ProofLedger(shards: 2, heights: 4, &generator)
        let archive = ledger.archive
        let height = try #require(archive.heights(of: 1).last)
        let claim = try archive.account(
            TestAccount.plain(shard: 1, of: 2, 3), at: height, ledger.layout)
        var header = claim.block.header
        header.chain = .zero
        func failure(_ header: ShardHeader) -> LedgerProofError? {
            // Anchored for once, so that only the names differ.
            var beacon = archive.headers[height]
            beacon.anchorsRoot = MerkleRange.root(ofLeaves: [header.hash])
            guard let block = AnchoredHeader(header, among: [header.hash]) else { return nil }
            let forged = AccountClaim(address: claim.address, block: block, state: claim.state)
            return refusal(
                LedgerProof(headers: [beacon], claim: .account(forged)),
                .beaconHash(beacon.hash))
        }
        #expect(failure(claim.block.header) == nil)
        #expect(
            failure(header) == .wrongChain(expected: archive.headers[height].chain, actual: .zero))
        header = claim.block.header
        header.shardCount = 0
        #expect(failure(header) == .layout(shardCount: 0, endpoint: 1))
        header.shardCount = 4
        #expect(failure(header) == .wrongHome(expected: 2, actual: 1))
    }

    // MARK: Receipts

    @Test func refusesForgedReceipts() throws {
        var generator = SeededGenerator(seed: 0x5eed_6301)
        let archive = try ProofLedger(shards: 3, heights: 8, &generator).archive
        let (receipt, height, end) = try consumed(archive)
        let honest = try archive.receipt(receipt, sentAt: height, consumedAt: end)
        let place = receipt.reference
        func failure(
            receipt other: Receipt? = nil, sent: AnchoredHeader? = nil,
            consumed: AnchoredHeader?, outcome: ResultClaim?
        ) -> LedgerProofError? {
            let claim = ReceiptClaim(
                receipt: other ?? receipt, sent: sent ?? honest.sent, path: honest.path,
                consumed: consumed, outcome: outcome)
            let heights = [
                claim.sent.header.height.value, claim.consumed?.header.height.value ?? .max,
            ]
            return refusal(
                archive.proof(
                    .receipt(claim), from: Int(heights.min() ?? 0), through: archive.top),
                archive.trust(archive.top))
        }
        #expect(failure(consumed: honest.consumed, outcome: honest.outcome) == nil)
        let richer = Receipt(
            reference: place, kind: receipt.kind, origin: receipt.origin, parent: receipt.parent,
            from: receipt.from, to: receipt.to, value: receipt.value.adding(Amount(1)) ?? .zero,
            fee: receipt.fee, payload: receipt.payload)
        #expect(
            failure(receipt: richer, consumed: honest.consumed, outcome: honest.outcome)
                == .stream(.rootMismatch))
        #expect(failure(consumed: nil, outcome: honest.outcome) == .outcomeWithoutConsumption)
        // The source's own header says nothing of what the destination consumed.
        #expect(
            failure(consumed: honest.sent, outcome: nil)
                == .wrongDestination(expected: place.destination, actual: place.source))
        let sender = try #require(honest.consumed)
        #expect(
            failure(sent: sender, consumed: nil, outcome: nil)
                == .wrongSource(expected: place.source, actual: place.destination))
        for other in archive.heights(of: place.destination) where other < end {
            #expect(
                failure(consumed: try archive.anchored(place.destination, other), outcome: nil)
                    == .notConsumed(Height(UInt64(other))))
        }
        for other in archive.heights(of: place.source) where other > 0 {
            let header = try archive.anchored(place.source, other)
            guard !header.header.out.contains(where: { $0.peer == place.destination }) else {
                continue
            }
            #expect(
                failure(sent: header, consumed: nil, outcome: nil)
                    == .noStream(from: place.source, to: place.destination))
        }
    }

    /// The cursor of a later block is past the receipt too, but its result says nothing of it.
    @Test func refusesTheOutcomeOfAnotherBlock() throws {
        var generator = SeededGenerator(seed: 0x5eed_6301)
        let archive = try ProofLedger(shards: 3, heights: 8, &generator).archive
        var tried = 0
        for receipt in archive.streams.values.joined() {
            guard let end = archive.consumption(receipt) else { continue }
            let place = receipt.reference
            for other in archive.heights(of: place.destination) where other > end {
                let header = try archive.anchored(place.destination, other)
                guard header.header.in.contains(where: { $0.peer == place.source }) else {
                    continue
                }
                let height = try #require(archive.sendings(receipt).first)
                let honest = try archive.receipt(receipt, sentAt: height, consumedAt: end)
                func failure(_ outcome: ResultClaim?) -> LedgerProofError? {
                    let claim = ReceiptClaim(
                        receipt: receipt, sent: honest.sent, path: honest.path,
                        consumed: header, outcome: outcome)
                    return refusal(
                        archive.proof(.receipt(claim), from: height, through: other),
                        archive.trust(other))
                }
                #expect(failure(nil) == nil)
                #expect(
                    failure(try archive.result(place.destination, other, 0))
                        == .noOutcome(Height(UInt64(other))))
                #expect(failure(honest.outcome) == .result(.rootMismatch))
                tried += 1
            }
        }
        #expect(tried > 0)
    }

    // MARK: Transactions

    @Test func refusesTheResultOfAnotherTransaction() throws {
        let (_, archive) = try SignedLedger.make()
        let height = try #require(archive.records.firstIndex { $0.first?.results.count ?? 0 > 1 })
        let endpoint = try #require(archive.records[height].first?.header.endpoint)
        let first = try archive.transaction(endpoint, height, 0)
        let second = try archive.transaction(endpoint, height, 1)
        let mixed = TransactionClaim(
            raw: first.raw, block: first.block, index: 0, path: first.path, result: second.result)
        let moved = TransactionClaim(
            raw: first.raw, block: first.block, index: 1, path: first.path, result: second.result)
        func failure(_ claim: TransactionClaim) -> LedgerProofError? {
            refusal(
                archive.proof(.transaction(claim), from: height, through: height),
                archive.trust(height))
        }
        #expect(failure(first) == nil)
        guard case .result = failure(mixed), case .transaction = failure(moved) else {
            Issue.record("\(String(describing: failure(mixed)))")
            return
        }
    }
}
