import TallyExecution
import TallyPrimitives
import TallySimulation
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallySharding

/// Whatever a ledger holds can be shown, and is shown as it is.
@Suite struct ProofTests {
    @Test func showsEveryReceiptOfEveryStream() throws {
        var statuses: Set<String> = []
        var shown = 0
        try forEachSeed(base: 0x5eed_6001, count: 6) { seed, generator in
            let ledger = try ProofLedger(
                shards: [1, 2, 3, 5, 4, 8][Int(seed % 6)], heights: 10, &generator)
            let archive = ledger.archive
            for (stream, receipts) in archive.streams {
                for receipt in receipts {
                    statuses.formUnion(try show(receipt, ledger, &generator))
                    shown += 1
                }
                let last = try #require(receipts.last).reference.index
                #expect(last == UInt64(receipts.count - 1), "\(stream)")
            }
        }
        #expect(shown > 100)
        #expect(statuses.isSuperset(of: ["sent", "credited", "bounced", "returned"]))
    }

    /// By every block that says where the stream stands; returns what was seen of its end.
    private func show(
        _ receipt: Receipt, _ ledger: ProofLedger, _ generator: inout SeededGenerator
    ) throws -> [String] {
        let archive = ledger.archive
        let end = archive.consumption(receipt)
        var seen: [String] = []
        for height in archive.sendings(receipt) {
            let top = max(height, end ?? height)
            let claim = try archive.receipt(receipt, sentAt: height, consumedAt: end)
            let trusted = Int.random(in: top...archive.top, using: &generator)
            let proof = archive.proof(
                .receipt(claim), from: min(height, end ?? height), through: trusted)
            let decoded = try LedgerProof(untrusted: proof.encoded)
            #expect(decoded == proof)
            let statement = try decoded.verify(archive.trust(trusted))
            guard case .receipt(let fact) = statement.fact else {
                Issue.record("another fact")
                continue
            }
            #expect(fact.receipt == receipt)
            #expect(
                fact.id
                    == receipt.reference.id(
                        chain: ledger.driver.beacon.chain, layout: ledger.layout))
            #expect(fact.source.height == Height(UInt64(height)))
            #expect((fact.consumption?.height.value).map(Int.init) == end)
            #expect(fact.outcome?.consumedReceipt == (end == nil ? nil : receipt.reference))
            switch fact.outcome {
            case nil: seen.append("sent")
            case .credited, .treasuryCredited: seen.append("credited")
            case .bounced: seen.append("bounced")
            default: seen.append("returned")
            }
        }
        #expect(!seen.isEmpty)
        return seen
    }

    @Test func showsEveryAccountAtEveryHeight() throws {
        var forks = 0
        try forEachSeed(base: 0x5eed_6101, count: 3) { seed, generator in
            let shards = [1, 2, 3][Int(seed % 3)]
            let ledger = try ProofLedger(shards: shards, heights: 6, &generator)
            let archive = ledger.archive
            for address in ledger.accounts {
                let endpoint = EndpointID(ledger.layout.home(of: address))
                for height in archive.heights(of: endpoint) {
                    let claim = try archive.account(address, at: height, ledger.layout)
                    forks += claim.state.siblings.count
                    let proof = archive.proof(.account(claim), from: height, through: height)
                    let decoded = try LedgerProof(untrusted: proof.encoded)
                    let statement = try decoded.verify(archive.trust(height))
                    let object = try archive.trees[height][Int(endpoint.index)].object(
                        .account(address), MemoryPages())
                    let account = try #require(object.map { try Account($0) })
                    guard case .account(let fact) = statement.fact else {
                        Issue.record("another fact")
                        continue
                    }
                    #expect(fact.account == account)
                    #expect(fact.block.height == Height(UInt64(height)))
                }
            }
        }
        #expect(forks > 1_000)
    }

    @Test func showsThatAnAccountIsNotThere() throws {
        var generator = SeededGenerator(seed: 0x5eed_6201)
        let ledger = try ProofLedger(shards: 3, heights: 4, &generator)
        for number in 1_000..<UInt64(1_060) {
            let address = TestAccount.plain(shard: Int(number % 3), of: 3, number)
            let endpoint = EndpointID(ledger.layout.home(of: address))
            let height = try #require(ledger.archive.heights(of: endpoint).last)
            let claim = try ledger.archive.account(address, at: height, ledger.layout)
            let proof = ledger.archive.proof(
                .account(claim), from: height, through: ledger.archive.top)
            let statement = try proof.verify(ledger.archive.trust(ledger.archive.top))
            guard case .account(let fact) = statement.fact else {
                Issue.record("another fact")
                continue
            }
            #expect(fact.account == nil)
        }
    }

    @Test func showsWhatATransactionDid() throws {
        let (ledger, archive) = try SignedLedger.make()
        var failures = 0
        for (height, blocks) in archive.records.enumerated() {
            for record in blocks {
                for (index, transaction) in record.transactions.enumerated() {
                    let claim = try archive.transaction(record.header.endpoint, height, index)
                    let proof = archive.proof(
                        .transaction(claim), from: height, through: archive.top)
                    let decoded = try LedgerProof(untrusted: proof.encoded)
                    let statement = try decoded.verify(archive.trust(archive.top))
                    guard case .transaction(let fact) = statement.fact else {
                        Issue.record("another fact")
                        continue
                    }
                    #expect(fact.hash == transaction.hash)
                    #expect(fact.sender == transaction.sender)
                    #expect(fact.index == UInt64(index))
                    #expect(fact.result == record.results[index])
                    if fact.result.failure != nil { failures += 1 }
                }
            }
        }
        #expect(failures > 0)
        #expect(ledger.driver.beacon.head.height.value == UInt64(archive.top))
    }
}

/// A ledger with really signed transactions, some of which fail.
enum SignedLedger {
    static func make() throws -> (TestLedger, ProofArchive) {
        let accounts = TestAccount.all(shards: 2)
        var ledger = try TestLedger()
        var archive = try ProofArchive(ledger.driver)
        for round in 0..<4 {
            let sender = accounts[round]
            let first = try ledger.signed(
                .single(to: accounts[(round + 1) % 4].address, value: Amount(5)), by: sender)
            let second = try ledger.signed(.claimEscrow, by: sender, later: 1)
            let other = try ledger.signed(
                .single(to: accounts[round].address, value: Amount(7)), by: accounts[round ^ 1])
            let height = try ledger.decide(first, second, other)
            archive.append(height, ledger.driver)
        }
        return (ledger, archive)
    }
}
