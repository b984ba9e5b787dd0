import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyState
import TallyTransactions

@testable import FuzzTargets

/// A ledger of two shards that has decided a height with a transfer from one to the other.
struct SpecimenLedger {
    private let driver: LedgerDriver
    private let height: DecidedHeight
    private let sender: Address
    private let transaction: Transaction
    /// Some heights later, with a chain in use.
    private let randomness: HeaderRandomness

    init() throws {
        let layout = try Specimen.found(ShardLayout(shardCount: 2))
        var parameters = NetworkParameters(chainID: 77, layout: layout)
        parameters.minimumBaseFee = Amount(100)
        let keys = try (0..<12).map { try Specimen.key("account \($0)") }
        let proposer = try Specimen.key("proposer").address
        let start = BeaconTime(milliseconds: 1_000_000)
        let genesis = try Genesis(
            parameters: parameters, time: start,
            accounts: keys.map {
                Genesis.Opening(address: $0.address, balance: Amount(1_000_000_000_000))
            }, validators: [proposer])
        var driver = try LedgerDriver(genesis, proposer: proposer)
        let key = try Specimen.found(keys.first { layout.home(of: $0.address).value == 0 })
        let other = try Specimen.found(keys.first { layout.home(of: $0.address).value == 1 })
        let factory = WorkloadTransactions(chainID: 77, maxFee: Amount(1_000))
        transaction = try factory.signed(
            .single(to: other.address, value: Amount(5)), by: key, nonce: 0)
        let outcome = try driver.advance(
            HeightInput(
                now: BeaconTime(milliseconds: 1_001_000), transactions: [[transaction], [], []]))
        height = try Specimen.found(outcome.decided)
        sender = key.address
        self.driver = driver
        for height in 2...20 as ClosedRange<UInt64> {
            _ = try driver.advance(
                HeightInput(now: BeaconTime(milliseconds: 1_000_000 + height * 1_000)))
        }
        randomness = driver.beacon.randomness
    }

    private var header: ShardHeader { height.records[0].header }

    func blocks() -> [Specimen] {
        let count = height.block.transactionCount
        return [
            Specimen(.blocks, "body", height.block.body),
            Specimen(
                .blocks, "named-outline",
                BlockOutline(height.block, isNamed: Array(repeating: true, count: count)).encoded),
            Specimen(
                .blocks, "whole-outline",
                BlockOutline(height.block, isNamed: Array(repeating: false, count: count)).encoded),
        ]
    }

    func proofs() throws -> [Specimen] {
        let anchors = height.block.anchors.map { $0.header.hash }
        let block = try Specimen.found(AnchoredHeader(header, among: anchors))
        let record = height.records[0]
        let results = [record.systemResult?.encoded ?? []] + record.results.map(\.encoded)
        func ledgerProof(_ claim: ProofClaim) -> [UInt8] {
            [0] + LedgerProof(headers: [height.block.header], claim: claim).encoded
        }
        let account = AccountClaim(
            address: sender, block: block,
            state: try driver.endpoints[0].tree.proof(
                ObjectKey.account(sender).path, MemoryPages()))
        let result = ResultClaim(
            bytes: results[1], count: UInt64(results.count),
            path: try Specimen.found(
                MerkleRangeProof(leaves: results.map(ShardHeader.resultLeaf), index: 1)))
        let raw = TransactionClaim(
            raw: transaction.raw, block: block, index: 0,
            path: try Specimen.found(MerkleRangeProof(leaves: [transaction.hash], index: 0)),
            result: result)
        let receipt = try Specimen.found(record.sent.first)
        let sent = ReceiptClaim(
            receipt: receipt, sent: block,
            path: try Specimen.found(MerkleRangeProof(leaves: [receipt.leaf], index: 0)))
        let things = ProvenThings.shared
        let state = try [3, 70].map { place in
            Specimen(
                .proofs, "state-\(place)",
                [1, UInt8(place)]
                    + (try things.tree.proof(things.paths[place], MemoryPages())).encoded())
        }
        let range = try [0, 13, 22].map { place in
            var out = RLPEncoder()
            let proof = try Specimen.found(
                MerkleRangeProof(leaves: things.leaves, index: UInt64(place)))
            proof.encode(to: &out)
            return Specimen(
                .proofs, "range-\(place)",
                [2, UInt8(place), UInt8(things.leaves.count)] + out.bytes)
        }
        return state + range + [
            Specimen(.proofs, "account", ledgerProof(.account(account))),
            Specimen(.proofs, "transaction", ledgerProof(.transaction(raw))),
            Specimen(.proofs, "receipt", ledgerProof(.receipt(sent))),
        ]
    }

    func storedValues() -> [Specimen] {
        let record = height.records[0]
        let result = record.results.map(\.encoded).first ?? []
        func list(_ items: (inout RLPEncoder) -> Void) -> [UInt8] { RLPEncoder.list(items) }
        let row = list { out in
            height.block.header.encode(to: &out)
            out.list { _ in }
            out.append(EndpointID(0))
            out.append(header.hash)
            out.append(UInt8(1))
            out.append(UInt64(1))
            out.append(Amount(100))
            out.append(UInt64(21_000))
        }
        var election = height.block.header
        election.newValidators = ValidatorSchedule(driver.genesis).genesis
        let values: [(String, UInt8, [UInt8])] = [
            (
                "head", 0,
                list { out in
                    out.append(Height(1))
                    header.encode(to: &out)
                    out.append(UInt64(1))
                }
            ),
            (
                "block", 1,
                list { out in
                    header.encode(to: &out)
                    out.list { _ in }
                    out.append(UInt64(1))
                }
            ),
            (
                "transaction", 2,
                list { out in
                    out.append(transaction.raw)
                    out.append(sender)
                    out.append(encoded: result)
                }
            ),
            ("beacon-row", 3, row), ("result", 4, result),
            ("receipt", 6, record.sent.first?.encoded ?? []),
            ("parameters", 7, driver.genesis.parameters.encoded),
            ("shard-header", 10, header.encoded),
            ("beacon-header", 11, height.block.header.encoded),
            ("beacon-header-election", 11, election.encoded),
            ("randomness", 14, randomness.encoded),
            ("record", 13, AgreementSpecimens().undecidedRecord),
        ]
        return values.map { Specimen(.storedValues, $0.0, [$0.1] + $0.2) }
    }
}
