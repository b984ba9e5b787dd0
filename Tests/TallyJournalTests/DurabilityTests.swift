import TallyConsensus
import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyJournal

/// Both logs of a validator on disks in memory, written and read back.
private struct Logs {
    var beacon = MemoryDisk()
    var votes = MemoryDisk()
    var durability: Durability

    static let voteLimits = JournalLimits(segmentBytes: 900)

    init() {
        durability = Durability(
            LogRecovery(checkpoint: .genesis),
            beacon: JournalWriter(logID: testLog, salt: testSalt, limits: Self.beaconLimits),
            votes: JournalWriter(logID: testLog, salt: testSalt.ofVotes, limits: Self.voteLimits),
            policy: CheckpointPolicy(heights: 1_000))
    }

    static let beaconLimits = JournalLimits(segmentBytes: 400)

    /// - Returns: which logs were written to.
    @discardableResult
    mutating func persist(
        _ records: [ConsensusRecord], isAlone: Bool = false
    ) throws -> [ConsensusRecord.Log] {
        let effects = try durability.persist(records, isAlone: isAlone)
        var work = LogWork()
        work.add(effects)
        #expect(try work.run(beacon: &beacon, votes: &votes) == nil && work.isDone)
        return effects.map(\.log)
    }

    mutating func recovered(
        checkpoint: UInt64 = 0
    ) throws -> (recovery: LogRecovery, decisions: [Ibft.Decision]) {
        var recovery = LogRecovery(checkpoint: Height(checkpoint))
        var decisions: [Ibft.Decision] = []
        var failure: LogRecoveryError?
        _ = try beacon.recover(
            logID: testLog, freshSalt: testSalt, limits: Self.beaconLimits
        ) { record, payload in
            do throws(LogRecoveryError) {
                decisions += try recovery.beacon(record, payload)
            } catch { failure = failure ?? error }
        }
        _ = try votes.recover(
            logID: testLog, freshSalt: testSalt.ofVotes, limits: Self.voteLimits
        ) { record, payload in
            do throws(LogRecoveryError) {
                try recovery.votes(record, payload)
            } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        return (recovery, decisions)
    }
}

/// Records as the agreement asks for them; nobody checks a signature here.
private enum Records {
    static let signature = RecoverableSignature(r: testLog, s: testLog, yParity: 0)
    static let sender = Address(words: (1, 2, 3))

    static func block(_ height: UInt64, _ content: String = "") -> ProposedBlock {
        let body = Array("\(height) \(content)".utf8)
        return ProposedBlock(
            height: Height(height), parent: .zero, digest: SHA256.plain(body),
            timestamp: BeaconTime(milliseconds: height), body: body)
    }

    static func proposal(_ block: ProposedBlock, round: UInt32 = 0) -> ConsensusRecord {
        .proposal(
            Signed(
                ProposalStatement(
                    height: block.height, round: Round(round), parent: block.parent,
                    digest: block.digest, justification: .zero),
                sender: sender, signature: signature), nil)
    }

    static func prepare(_ block: ProposedBlock, round: UInt32 = 0) -> ConsensusRecord {
        .prepare(
            Signed(
                PrepareStatement(height: block.height, round: Round(round), digest: block.digest),
                sender: sender, signature: signature))
    }

    static func commit(_ block: ProposedBlock, round: UInt32 = 0) -> ConsensusRecord {
        .commit(
            Signed(
                CommitStatement(height: block.height, round: Round(round), digest: block.digest),
                sender: sender, signature: signature),
            PreparedCertificate(
                round: Round(round), digest: block.digest,
                endorsements: [Endorsement(sender: sender, signature: signature)]))
    }

    static func decision(_ block: ProposedBlock) -> ConsensusRecord {
        .decision(
            FinalCertificate(
                height: block.height, round: .zero, digest: block.digest, signers: [0],
                seals: [signature]))
    }
}

/// STORE-12 to STORE-20, LOG-11 to LOG-13.
@Suite struct DurabilityTests {
    @Test func aNewValidatorRemembersNothing() throws {
        var logs = Logs()
        let (recovery, decisions) = try logs.recovered()
        #expect(decisions.isEmpty)
        #expect(try recovery.memory(isAlone: false) == .none)
    }

    @Test func aDecisionIsOneWhenItsRecordIs() throws {
        var logs = Logs()
        let (a, b) = (Records.block(1), Records.block(2))
        #expect(
            try logs.persist([.undecided(a), Records.proposal(a)]) == [.votes, .beacon, .votes])
        #expect(try logs.persist([Records.prepare(a)]) == [.votes])
        #expect(try logs.persist([Records.commit(a)]) == [.votes])
        // The body of the next height comes before the decision of this one (IBFT-P1).
        try logs.persist([.undecided(b), Records.proposal(b)])
        #expect(try logs.recovered().decisions.isEmpty)
        #expect(try logs.persist([Records.decision(a)]) == [.beacon])
        let (recovery, decisions) = try logs.recovered()
        #expect(decisions.map(\.block.body) == [a.body])
        #expect(recovery.head == Height(1))
        guard case .records(let records) = try recovery.memory(isAlone: false)
        else {
            Issue.record("nothing is remembered")
            return
        }
        // Of height 1 the decision, of height 2 the body before the vote.
        #expect(records.prefix(2) == [Records.decision(a), .undecided(b)])
        #expect(records.contains(Records.proposal(b)))
        #expect(records.dropFirst().allSatisfy { $0.height == Height(2) })
    }

    // STORE-19
    @Test func aLoneValidatorWritesOneRecordABlock() throws {
        var logs = Logs()
        for height in 1...3 as ClosedRange<UInt64> {
            let block = Records.block(height)
            #expect(
                try logs.persist([.undecided(block), Records.proposal(block)], isAlone: true) == [])
            #expect(try logs.persist([Records.prepare(block)], isAlone: true) == [])
            #expect(try logs.persist([Records.commit(block)], isAlone: true) == [])
            #expect(try logs.persist([Records.decision(block)], isAlone: true) == [.beacon])
        }
        let (recovery, decisions) = try logs.recovered()
        #expect(decisions.map(\.block.height.value) == [1, 2, 3])
        #expect(logs.votes.list().isEmpty)
        // STORE-20: its empty vote log is no loss, but would be one among others.
        let decided = decisions.map { ConsensusRecord.decision($0.certificate) }
        #expect(try recovery.memory(isAlone: true) == .records(decided))
        #expect(
            try recovery.memory(isAlone: false) == .lost)
    }

    // LOG-13, STORE-20: it only followed, so that no vote can be lost.
    @Test func aFollowerIsNotOneThatLostItsVotes() throws {
        var logs = Logs()
        let (a, b) = (Records.block(1), Records.block(2))
        // Between both writes there is an empty vote log and nothing else.
        let begun = try logs.persist([.undecided(a), Records.decision(a)])
        #expect(begun == [.votes, .beacon])
        #expect(try logs.persist([.undecided(b)]) == [.beacon], "it is begun once")
        let (recovery, decisions) = try logs.recovered()
        #expect(decisions.map(\.block) == [a] && recovery.liveVotes.isEmpty)
        #expect(
            try recovery.memory(isAlone: false)
                == .records([Records.decision(a), .undecided(b)]))
        // The same without its vote log is a loss.
        logs.votes = MemoryDisk()
        let robbed = try logs.recovered().recovery
        #expect(try robbed.memory(isAlone: false) == .lost)
    }

    // Killed after the vote log was begun and before the body was written.
    @Test func aVoteLogAloneIsNoLoss() throws {
        var logs = Logs()
        try logs.persist([.undecided(Records.block(1))])
        logs.beacon = MemoryDisk()
        let (recovery, decisions) = try logs.recovered()
        #expect(decisions.isEmpty && recovery.head == .genesis)
        #expect(try recovery.memory(isAlone: false) == .records([]))
    }

    // IBFT-R14: what other blocks of the last heights are compared with.
    @Test func theLastDecisionsAreGivenBack() throws {
        var logs = Logs()
        let blocks = (1...10).map { Records.block($0) }
        for block in blocks { try logs.persist([.undecided(block), Records.decision(block)]) }
        let recent = blocks.suffix(Int(ValidatorSets.recentHeights)).map(Records.decision)
        #expect(
            try logs.recovered().recovery.memory(isAlone: false)
                == .records(recent))
    }

    // LOG-12
    @Test func theVoteLogHoldsWhatIsNeeded() throws {
        var logs = Logs()
        let block = Records.block(1)
        try logs.persist([.observing(nonce: testLog, until: Height(0))])
        try logs.persist([.undecided(block), Records.proposal(block)])
        for round in 0..<20 as Range<UInt32> {
            try logs.persist([Records.prepare(block, round: round)])
        }
        #expect(logs.votes.list().count == 1, "older segments are deleted")
        let (recovery, _) = try logs.recovered()
        #expect(recovery.liveVotes.count == 22)
        #expect(recovery.liveVotes.first == .observing(nonce: testLog, until: Height(0)))
        #expect(recovery.liveVotes.last == Records.prepare(block, round: 19))
        try logs.persist([Records.decision(block)])
        let next = Records.block(2)
        for round in 0..<20 as Range<UInt32> {
            try logs.persist([Records.prepare(next, round: round)])
        }
        let live = try logs.recovered().recovery.liveVotes
        #expect(live.count == 21 && live.dropFirst().allSatisfy { $0.height == Height(2) })
    }

    // STORE-13
    @Test func pruningKeepsWhatIsAboutHeightsAbove() throws {
        var logs = Logs()
        let blocks = (0...12).map { Records.block($0, String(repeating: "x", count: 100)) }
        try logs.persist([.undecided(blocks[1])])
        for height in 1..<12 {
            // Always a body ahead.
            try logs.persist([.undecided(blocks[height + 1])])
            try logs.persist([Records.decision(blocks[height])])
            _ = logs.durability.published(
                Height(UInt64(height)), transactions: 1, bytes: 100)
        }
        for case .checkpointShards(let height) in logs.durability.requestCheckpoint() {
            _ = logs.durability.shardsCheckpointed(height)
            var work = LogWork()
            work.add(try logs.durability.beaconCheckpointed(height))
            #expect(try work.run(beacon: &logs.beacon, votes: &logs.votes) == nil)
        }
        let (recovery, decisions) = try logs.recovered(checkpoint: 11)
        #expect(decisions.isEmpty && recovery.head == Height(11))
        #expect(try #require(logs.beacon.list().min()).firstSequence > 1)
        try logs.persist([Records.decision(blocks[12])])
        #expect(try logs.recovered(checkpoint: 11).decisions.map(\.block) == [blocks[12]])
    }

    @Test func refusesWhatDoesNotGoTogether() throws {
        let (a, b) = (Records.block(1), Records.block(2))
        var gap = Logs()
        try gap.persist([.undecided(b), Records.decision(b)])
        #expect(throws: LogRecoveryError.heightGap(expected: Height(1), actual: Height(2))) {
            _ = try gap.recovered()
        }
        var bodiless = Logs()
        try bodiless.persist([Records.decision(a)])
        #expect(throws: LogRecoveryError.bodyMissing(Height(1), digest: a.digest)) {
            _ = try bodiless.recovered()
        }
        var older = Logs()
        try older.persist([Records.commit(a)])
        let recovery = try older.recovered().recovery
        #expect(throws: LogRecoveryError.bodyMissing(Height(1), digest: a.digest)) {
            _ = try recovery.memory(isAlone: false)
        }
    }

    @Test func aRecordHoldsRecordsWholly() throws {
        let block = Records.block(7)
        let records = [.undecided(block), Records.decision(block)]
        let payload = LogRecords(records).payload
        #expect(payload == records.flatMap(\.encoded))
        let record = JournalRecord(sequence: 3, kind: LogRecords.added, payload: 0..<payload.count)
        #expect(try LogRecords(record, payload[...], of: .beacon).records == records)
        #expect(
            throws: LogRecoveryError.malformed(.beacon, sequence: 3, .truncated)
        ) { _ = try LogRecords(record, payload.dropLast(), of: .beacon) }
        let foreign = JournalRecord(
            sequence: 3, kind: RecordKind(9), payload: 0..<payload.count)
        #expect(
            throws: LogRecoveryError.unknownKind(.beacon, sequence: 3, RecordKind(9))
        ) { _ = try LogRecords(foreign, payload[...], of: .beacon) }
    }
}
