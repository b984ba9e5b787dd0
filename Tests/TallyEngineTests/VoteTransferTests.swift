import Foundation
import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyJournal
import TallyPrimitives
import TallySharding
import Testing

@Suite struct VoteTransferTests {
    private func genesis(_ ledger: AuditLedger, validators: Int) throws -> Genesis {
        try Genesis(
            parameters: ledger.genesis.parameters, time: ledger.genesis.time,
            accounts: ledger.genesis.accounts,
            validators: ledger.keys.prefix(validators).map(\.address))
    }

    private func file(
        _ genesis: Genesis, _ ledger: AuditLedger, _ height: UInt64
    ) -> VoteInterchange {
        VoteInterchange(
            genesis: genesis.hash, validator: ledger.keys[0].address, final: Height(height),
            observesUntil: nil, signed: [])
    }

    @Test func importsMergeByTheHighest() throws {
        let ledger = try AuditLedger()
        defer { ledger.remove() }
        let genesis = try genesis(ledger, validators: 4)
        let validator = ledger.keys[0].address
        let directory = ledger.root + "/votes"
        func take(_ height: UInt64) throws -> VoteTransfer.Outcome {
            try VoteTransfer.import(
                file(genesis, ledger, height), directory: directory, genesis: genesis,
                validator: validator, salt: (1, 2))
        }
        func known() throws -> Height {
            let votes = try VoteTransfer.export(
                directory: directory, genesis: genesis, validator: validator)
            #expect(try VoteInterchange(json: votes.json) == votes)
            return try #require(votes.data.first).watermark
        }
        #expect(try take(7) == .init(votesAbove: Height(7), changed: true))
        #expect(try known() == Height(7))
        #expect(try take(5) == .init(votesAbove: Height(7), changed: false))
        #expect(try known() == Height(7))
        #expect(try take(9) == .init(votesAbove: Height(9), changed: true))
        #expect(try known() == Height(9))
    }

    @Test func refusesWhatIsAnothers() throws {
        let ledger = try AuditLedger()
        defer { ledger.remove() }
        let genesis = try genesis(ledger, validators: 4)
        let directory = ledger.root + "/votes"
        func refusal(_ votes: VoteInterchange, _ genesis: Genesis) -> String {
            do throws(VoteTransferError) {
                _ = try VoteTransfer.import(
                    votes, directory: directory, genesis: genesis,
                    validator: ledger.keys[0].address, salt: (1, 2))
                return "taken"
            } catch { return error.code }
        }
        let good = file(genesis, ledger, 3)
        #expect(refusal(good, ledger.genesis) == "wrongGenesis")
        let foreign = VoteInterchange(
            genesis: genesis.hash, validator: ledger.keys[1].address, final: Height(3),
            observesUntil: nil, signed: [])
        #expect(refusal(foreign, genesis) == "foreignKey")
        var empty = good
        empty.data = []
        #expect(refusal(empty, genesis) == "missingKey")
        #expect(refusal(file(ledger.genesis, ledger, 3), ledger.genesis) == "loneValidator")
        #expect(refusal(good, genesis) == "taken")
    }

    @Test(arguments: [
        ("final_height\" : \"3", "final_height\" : \"-3"), ("tally-votes", "votes"),
        ("\"signed\"", "\"more\" : 1, \"signed\""), ("\"1\"", "\"2\""), ("]", "] ]"),
    ]) func readsStrictly(_ change: (String, String)) throws {
        let ledger = try AuditLedger()
        let text = String(decoding: file(ledger.genesis, ledger, 3).json, as: UTF8.self)
        let changed = text.replacing(change.0, with: change.1)
        #expect(changed != text)
        #expect(throws: VoteTransferError.self) {
            try VoteInterchange(json: Array(changed.utf8))
        }
    }

    /// A lone validator's directory says how far it came, and a directory without its votes nothing.
    @Test func exportsTheFinalHeight() async throws {
        var ledger = try AuditLedger()
        defer { ledger.remove() }
        let (_, live) = try await ledger.run()
        let validator = ledger.keys[0].address
        let votes = try VoteTransfer.export(
            directory: live, genesis: ledger.genesis, validator: validator,
            limits: AuditLedger.limits)
        let report = try ledger.audit(live)
        #expect(try votes.data[0].watermark == report.height)
    }
}
