import TallyConsensus
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

/// A staker who signs blocks, and everything it should not.
private struct Offender {
    let key: PrivateKey
    let chain: ChainIdentity
    var set = SHA256.plain(Array("a set".utf8))

    var address: Address { key.address }

    func sign<Content: Statement>(
        _ statement: Content, as sender: Address? = nil
    ) -> Signed<Content> {
        let digest = statement.digest(chain, validators: set)
        return Signed(
            statement, sender: sender ?? address, signature: KeySigner(key).sign(digest))
    }

    func block(_ name: String) -> Hash32 { SHA256.plain(Array(name.utf8)) }

    func prepares(
        _ height: UInt64 = 7, _ round: UInt32 = 1, _ names: (String, String) = ("a", "b")
    ) -> Evidence {
        func prepare(_ name: String) -> Prepare {
            sign(
                PrepareStatement(
                    height: Height(height), round: Round(round), digest: block(name)))
        }
        return .prepares(Contradiction(prepare(names.0), prepare(names.1)))
    }

    func proposals(_ height: UInt64 = 7, _ round: UInt32 = 1) -> Evidence {
        func proposal(_ name: String) -> Signed<ProposalStatement> {
            sign(
                ProposalStatement(
                    height: Height(height), round: Round(round), parent: block("parent"),
                    digest: block(name), justification: block("justification")))
        }
        return .proposals(Contradiction(proposal("a"), proposal("b")))
    }

    func commit(_ round: UInt32, _ name: String = "a") -> Commit {
        sign(CommitStatement(height: Height(7), round: Round(round), digest: block(name)))
    }

    func change(
        _ round: UInt32, reports: UInt32?, height: UInt64 = 7
    ) -> Signed<RoundChangeStatement> {
        sign(
            RoundChangeStatement(
                height: Height(height), round: Round(round),
                prepared: reports.map { PreparedReport(round: Round($0), digest: block("a")) }))
    }

    func report(_ evidence: Evidence) throws -> EvidenceReport {
        try #require(EvidenceReport(evidence, validators: set))
    }

    func operation(_ evidence: Evidence) throws -> ValidatorOperation {
        .submitEvidence(try report(evidence).encoded)
    }
}

/// Evidence takes the stake, once (STAKE-9, STAKE-10).
@Suite struct SlashingTests {
    private let million: Amount
    private let reporter = staker(1)
    private var world: ValidatorWorld
    private var offender: Offender

    init() throws {
        million = try tokens("1000000")
        let key = try PrivateKey([UInt8](repeating: 3, count: 32))
        world = try ValidatorWorld([
            (key.address, try tokens("20000000")), (staker(1), million), (staker(2), million),
        ])
        offender = Offender(
            key: key, chain: ChainIdentity(genesis: world.chain, chainID: 1_337))
    }

    @Test(arguments: EvidenceReport.Kind.allCases)
    func everyKindTakesTheWholeStake(_ kind: EvidenceReport.Kind) throws {
        var world = world
        let evidence: Evidence =
            switch kind {
            case .proposals: offender.proposals()
            case .prepares: offender.prepares()
            case .commits:
                .commits(Contradiction(offender.commit(1, "a"), offender.commit(1, "b")))
            case .roundChanges:
                .roundChanges(
                    Contradiction(
                        offender.change(2, reports: nil), offender.change(2, reports: 1)))
            case .concealedCommit:
                .concealedCommit(offender.commit(1), offender.change(3, reports: 0))
            }
        try world.stake(million, from: offender.address)
        #expect(try world.call(try offender.operation(evidence), from: reporter) == nil)
        let stake = try #require(try world.stakeObject(of: offender.address))
        #expect(
            stake.phase
                == .forfeited(.evidence, at: BeaconTime(milliseconds: ValidatorWorld.start)))
        #expect(
            world.events().dropFirst() == [.stakeForfeited(stake.id, .evidence, value: million)])
        #expect(try world.treasury() == million)
        #expect(try world.balance(reporter) == million, "who reports gets nothing")
        #expect(try world.roll(.validator) == [])
        let round: UInt32 = kind == .concealedCommit ? 3 : kind == .roundChanges ? 2 : 1
        #expect(
            stake.offences == [
                Offence(height: Height(7), round: Round(round), kind: kind.rawValue)
            ])
        // Not paid back at the end of the term, nor by a call.
        try world.step(at: ValidatorWorld.start + 400 * ValidatorWorld.day)
        #expect(try world.call(.unstake, from: offender.address) == .validator(.noStake))
        #expect(try world.treasury() == million)
    }

    @Test mutating func aMisdeedIsPunishedOnceAndAnotherAgain() throws {
        try world.stake(million, from: offender.address)
        let call = try offender.operation(offender.prepares())
        #expect(try world.call(call, from: reporter) == nil)
        #expect(try world.call(call, from: reporter) == .validator(.alreadyPunished))
        // The same slot with other blocks, against the next stake.
        try world.stake(million, from: offender.address)
        #expect(try world.call(call, from: reporter) == .validator(.alreadyPunished))
        #expect(
            try world.call(
                try offender.operation(offender.prepares(7, 1, ("c", "d"))), from: reporter)
                == .validator(.alreadyPunished))
        #expect(try #require(try world.stakeObject(of: offender.address)).isActive)
        #expect(try world.treasury() == million)
        let other = try offender.operation(offender.prepares(7, 2))
        #expect(try world.call(other, from: reporter) == nil)
        #expect(try world.treasury() == tokens("2000000"))
    }

    @Test mutating func sixteenMisdeedsBar() throws {
        for round in 1...16 {
            try world.stake(million, from: offender.address)
            let call = try offender.operation(offender.prepares(7, UInt32(round)))
            #expect(try world.call(call, from: reporter) == nil)
        }
        #expect(
            try world.call(
                .stakeRole(.validator, termDays: 360, value: million), from: offender.address)
                == .validator(.barred))
        #expect(try world.treasury() == tokens("16000000"))
    }

    @Test mutating func onlyActiveValidatorsAreSlashed() throws {
        let call = try offender.operation(offender.prepares())
        #expect(try world.call(call, from: reporter) == .validator(.noStake))
        try world.stake(.router, million, from: offender.address)
        #expect(try world.call(call, from: reporter) == .validator(.noStake))
        #expect(try #require(try world.stakeObject(of: offender.address)).left == million)
    }

    @Test mutating func aReleasedStakeIsNotSlashed() throws {
        try world.stake(million, from: offender.address)
        let end = ValidatorWorld.start + 360 * ValidatorWorld.day
        try world.call(.heartbeat, from: offender.address, at: end - 1)
        #expect(
            try world.call(
                try offender.operation(offender.prepares()), from: reporter, at: end + 1) == nil,
            "the inbox comes before the end of the term")
        #expect(
            try world.call(try offender.operation(offender.prepares(8)), from: reporter)
                == .validator(.noStake))
    }

    /// Nothing that an honest validator signs is evidence.
    @Test mutating func whatProvesNothingTakesNothing() throws {
        try world.stake(million, from: offender.address)
        guard case .prepares(let pair) = offender.prepares(),
            case .prepares(let later) = offender.prepares(7, 2),
            case .prepares(let next) = offender.prepares(8, 1)
        else { return }
        let honest: [Evidence] = [
            .prepares(Contradiction(pair.first, pair.first)),
            .prepares(Contradiction(pair.first, later.second)),
            .prepares(Contradiction(pair.first, next.second)),
            .concealedCommit(offender.commit(1), offender.change(2, reports: 1)),
            .concealedCommit(offender.commit(2), offender.change(2, reports: nil)),
            .concealedCommit(offender.commit(1), offender.change(2, reports: nil, height: 8)),
        ]
        for evidence in honest {
            #expect(
                try world.call(try offender.operation(evidence), from: reporter)
                    == .validator(.evidenceProvesNothing))
        }
        #expect(try #require(try world.stakeObject(of: offender.address)).left == million)
    }

    @Test mutating func whatTheOffenderDidNotSignTakesNothing() throws {
        try world.stake(million, from: offender.address)
        let evidence = offender.prepares()
        var otherSet = offender
        otherSet.set = SHA256.plain(Array("another set".utf8))
        let otherChain = Offender(
            key: offender.key, chain: ChainIdentity(genesis: world.chain, chainID: 1_338))
        let forger = Offender(
            key: try PrivateKey([UInt8](repeating: 4, count: 32)), chain: offender.chain)
        let statement = PrepareStatement(
            height: Height(7), round: Round(1), digest: forger.block("c"))
        guard case .prepares(let pair) = evidence else { return }
        let forged = Evidence.prepares(
            Contradiction(pair.first, forger.sign(statement, as: offender.address)))
        let calls = [
            // Signed under one set, handed in under another.
            try #require(EvidenceReport(evidence, validators: otherSet.set)),
            try otherChain.report(otherChain.prepares()),
            try offender.report(forged),
        ]
        for report in calls {
            #expect(
                try world.call(.submitEvidence(report.encoded), from: reporter)
                    == .validator(.evidenceWrongSigner))
        }
        #expect(try #require(try world.stakeObject(of: offender.address)).left == million)
    }

    @Test mutating func bytesThatAreNoEvidenceTakeNothing() throws {
        try world.stake(million, from: offender.address)
        let good = try offender.report(offender.prepares()).encoded
        guard case .prepares(let pair) = offender.prepares() else { return }
        let swapped = RLPEncoder.list { out in
            out.append(UInt8(2))
            out.append(offender.set)
            pair.second.encode(to: &out)
            pair.first.encode(to: &out)
        }
        for bytes in [[], [0x80], Array(good.dropLast()), good + [0], swapped] {
            #expect(
                try world.call(.submitEvidence(bytes), from: reporter)
                    == .validator(.evidenceMalformed))
        }
        #expect(try #require(try world.stakeObject(of: offender.address)).left == million)
    }

    /// STAKE-1: what can be proved fits a call.
    @Test func theLongestEvidenceFitsACall() throws {
        let longest: [Evidence] = [
            offender.proposals(.max, .max), offender.prepares(.max, .max),
            .concealedCommit(
                offender.commit(.max - 1), offender.change(.max, reports: .max - 2)),
        ]
        for evidence in longest {
            let report = try offender.report(evidence)
            #expect(report.encoded.count <= ValidatorOperation.maximumEvidence)
            #expect(try EvidenceReport(encoded: report.encoded) == report)
        }
        let full = ValidatorOperation.submitEvidence(
            [UInt8](repeating: 1, count: ValidatorOperation.maximumEvidence))
        let payload = RLPEncoder.list { out in
            out.append(UInt64.max)
            out.append(full.callData)
        }
        #expect(payload.count <= BlockExecutor.callByteLimit)
    }

    @Test func aJustificationIsNoEvidenceHere() {
        let statement = ProposalStatement(
            height: Height(7), round: Round(1), parent: .zero, digest: .zero,
            justification: .zero)
        let evidence = Evidence.unjustified(
            offender.sign(statement), Justification(roundChanges: [], certificate: nil))
        #expect(EvidenceReport(evidence, validators: .zero) == nil)
    }
}
