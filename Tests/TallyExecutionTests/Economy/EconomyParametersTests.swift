import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

/// ECON-19 to ECON-25.
@Suite struct EconomyParametersTests {
    private let emc = EconomyParameters.emc

    @Test(
        arguments: [
            ("supply", "2100000000", "S1:242"), ("nodes", "420000000", "S1:278"),
            ("trades", "378000000", "S1:343"), ("developers", "252000000", "S1:336"),
            ("validator stake", "1000000", "S1:396"), ("router stake", "100000", "S1:414"),
            ("compute stake", "0", "S1:431"),
        ])
    func amountsAreThoseOfEMC(name: String, amount: String, source: String) throws {
        let amounts = [
            "supply": emc.supply, "nodes": emc.nodeRewards.cap, "trades": emc.tradeRewards.cap,
            "developers": emc.developerGrants.cap, "validator stake": emc.validators.minimumStake,
            "router stake": emc.routers.minimumStake,
            "compute stake": emc.computeNodes.minimumStake,
        ]
        let expected = try tokens(amount)
        #expect(amounts[name] == expected, "\(source)")
    }

    @Test func poolsAreHalfOfTheSupply() {
        #expect(emc.nodeRewards.cap.scaled(by: 5, over: 1) == emc.supply, "20 %, S1:278")
        #expect(emc.tradeRewards.cap.scaled(by: 50, over: 9) == emc.supply, "18 %, S1:343")
        #expect(emc.developerGrants.cap.scaled(by: 25, over: 3) == emc.supply, "12 %, S1:336")
    }

    /// S1:280: 43,200 blocks of 2 s are the epoch that networks have anyway, 90 of them a period.
    @Test func epochIsADay() throws {
        let layout = try #require(ShardLayout(shardCount: 1))
        let network = NetworkParameters(chainID: 1, layout: layout)
        #expect(network.epochMilliseconds == 43_200 * 2_000, "S1:280")
        #expect(emc.trade.epochsPerPeriod == 90, "S1:347")
        #expect(3_888_000 / 43_200 == emc.trade.epochsPerPeriod, "S1:280")
        let first = try tokens("64800000")
        #expect(
            emc.nodeRewards.schedule
                == .fibonacci(FibonacciDecay(first: first, isCumulative: true, epochsPerPeriod: 90)),
            "S1:280, S1:287")
        #expect(emc.tradeRewards.schedule == .none, "by demand")
        #expect(emc.developerGrants.schedule == .none, "by vote, S1:337")
    }

    @Test func ratesAndThresholdsAreThoseOfEMC() {
        #expect(emc.decimals == 8)
        #expect(emc.referenceMilliseconds == 15_000, "S1:304")
        #expect(emc.trade.feeBps == 2_000, "S1:345")
        #expect(emc.trade.rewardBps == 10_000, "S1:345")
        #expect(emc.trade.ratioScale == 1_000, "S1:361")
        #expect(emc.firstValidators == 13, "S1:391")
        #expect(emc.impeachBps == 5_000, "S1:398, S1:416, S1:432")
        #expect(emc.proposalBps == 5_000, "S1:307, S1:337")
    }

    @Test(
        arguments: [
            ("999999.99999999", 360, "stake"), ("1000000", 359, "term"), ("1000000", 360, ""),
            ("5000000", 720, ""),
        ] as [(String, UInt32, String)])
    func validatorsStakeAMillionForAYear(stake: String, days: UInt32, lack: String) throws {
        let stake = try tokens(stake)
        let refusals: [String: StakeRefusal] = [
            "stake": .stakeTooSmall(minimum: try tokens("1000000")),
            "term": .termTooShort(minimumDays: 360),
        ]
        #expect(emc.validators.refusal(of: stake, termDays: days) == refusals[lack], "S1:396-397")
    }

    @Test func routersAndComputeNodesStakeLess() throws {
        let stake = try tokens("100000")
        let less = try #require(stake.subtracting(Amount(1)))
        #expect(emc.routers.refusal(of: stake, termDays: 180) == nil, "S1:414")
        #expect(emc.routers.refusal(of: less, termDays: 180) == .stakeTooSmall(minimum: stake))
        #expect(
            emc.routers.refusal(of: stake, termDays: 179) == .termTooShort(minimumDays: 180),
            "S1:415")
        #expect(emc.computeNodes.refusal(of: .zero, termDays: 7) == nil, "S1:431")
        #expect(
            emc.computeNodes.refusal(of: .zero, termDays: 0) == .termTooShort(minimumDays: 1))
    }

    struct RenewalRow: Sendable {
        let source: String
        let role: String
        let days: UInt32
        let before: UInt32
        let isAllowed: Bool
    }

    @Test(
        arguments: [
            RenewalRow(source: "S1:397", role: "v", days: 180, before: 0, isAllowed: true),
            RenewalRow(source: "S1:397", role: "v", days: 179, before: 0, isAllowed: false),
            RenewalRow(source: "S1:397", role: "v", days: 180, before: 1, isAllowed: false),
            RenewalRow(source: "S1:415", role: "r", days: 90, before: 0, isAllowed: true),
            RenewalRow(source: "S1:415", role: "r", days: 90, before: .max, isAllowed: true),
            RenewalRow(source: "S1:415", role: "r", days: 89, before: 0, isAllowed: false),
            RenewalRow(source: "ECON-21", role: "c", days: .max, before: 0, isAllowed: false),
        ])
    func renewalsDependOnTheRole(row: RenewalRow) throws {
        let rules = ["v": emc.validators, "r": emc.routers, "c": emc.computeNodes]
        let renewal = try #require(rules[row.role]).renewal
        let isAllowed = renewal.allows(termDays: row.days, after: row.before)
        #expect(isAllowed == row.isAllowed, "\(row.source)")
    }

    @Test(
        arguments: [(0, 13), (12, 13), (13, 16), (14, 16), (15, 16), (16, 19), (.max, nil)]
            as [(UInt32, UInt32?)])
    func validatorsGrowToThreeFPlusOne(count: UInt32, next: UInt32?) {
        #expect(ValidatorGrowth.next(after: count, first: emc.firstValidators) == next, "S1:391")
        #expect(next.map(ValidatorGrowth.isComplete) ?? true)
    }

    @Test(
        arguments: [(0, 0, false), (6, 12, false), (7, 12, true), (6, 13, false), (7, 13, true)]
            as [(UInt64, UInt64, Bool)])
    func impeachmentNeedsMoreThanHalf(votes: UInt64, total: UInt64, isReached: Bool) {
        #expect(
            Majority.isReached(votes: votes, of: total, bps: emc.impeachBps) == isReached, "S1:398")
    }

    @Test func tokensHaveDecimals() throws {
        let million = try tokens("1000000")
        #expect(EconomyParameters.tokens(1_000_000, decimals: emc.decimals) == million)
        #expect(EconomyParameters.tokens(7, decimals: 0) == Amount(7))
        #expect(EconomyParameters.tokens(4, decimals: 38) == nil)
    }

    // MARK: Faults

    @Test func emcHasNoFault() { #expect(emc.faults.isEmpty) }

    struct FaultRow: Sendable {
        let fault: EconomyFault
        let change: @Sendable (inout EconomyParameters) -> Void

        init(_ fault: EconomyFault, _ change: @escaping @Sendable (inout EconomyParameters) -> Void)
        {
            self.fault = fault
            self.change = change
        }
    }

    private static let schedules: [FaultRow] = [
        FaultRow(.lengthZero(.nodeRewards)) {
            $0.nodeRewards.schedule = .fibonacci(
                FibonacciDecay(first: .zero, isCumulative: false, epochsPerPeriod: 0))
        },
        FaultRow(.lengthZero(.tradeRewards)) {
            $0.tradeRewards.schedule = .linear(LinearVesting(lock: 1, duration: 0))
        },
        FaultRow(.lengthZero(.developerGrants)) {
            $0.developerGrants.schedule = .halfLife(HalfLifeVesting(halfLife: 0))
        },
        FaultRow(.lengthZero(.nodeRewards)) {
            $0.nodeRewards.schedule = .annualGeometric(
                GeometricDecay(decayBps: 100, epochsPerYear: 0))
        },
        FaultRow(.decayOutOfRange(.nodeRewards)) {
            $0.nodeRewards.schedule = .annualGeometric(
                GeometricDecay(decayBps: 99, epochsPerYear: 1))
        },
        FaultRow(.decayOutOfRange(.nodeRewards)) {
            $0.nodeRewards.schedule = .annualGeometric(
                GeometricDecay(decayBps: 10_001, epochsPerYear: 1))
        },
    ]

    private static let rules: [FaultRow] = [
        FaultRow(.decimalsOutOfRange) { $0.decimals = 19 },
        FaultRow(.poolsExceedSupply) { $0.supply = Amount(1_049_999_999 * 100_000_000) },
        FaultRow(.poolsExceedSupply) { $0.developerGrants.cap = .max },
        FaultRow(.referenceTimeZero) { $0.referenceMilliseconds = 0 },
        FaultRow(.rateZero(.validator)) { $0.validatorPower.stake = .zero },
        FaultRow(.rateZero(.router)) { $0.routerPower.power = .zero },
        FaultRow(.rateZero(.computeNode)) { $0.computeStake.power = .zero },
        FaultRow(.multipliersOutOfOrder) { $0.multipliers.rows.swapAt(0, 1) },
        FaultRow(.multipliersOutOfOrder) { $0.multipliers.rows[1].termDays = 7 },
        FaultRow(.multipliersOutOfOrder) { $0.multipliers.rows[0].termDays = 0 },
        FaultRow(.tooManyMultipliers(maximum: 64)) {
            $0.multipliers.rows = (1...65).map { .init(termDays: $0, bps: 10_000) }
        },
        FaultRow(.multiplierOutOfRange) { $0.multipliers.rows[3].bps = 0 },
        FaultRow(.multiplierOutOfRange) { $0.multipliers.rows[3].bps = 1_000_001 },
        FaultRow(.termZero(.computeNode)) { $0.computeNodes.minimumTermDays = 0 },
        FaultRow(.renewalZero(.validator)) { $0.validators.renewal = .once(minimumDays: 0) },
        FaultRow(.renewalZero(.router)) { $0.routers.renewal = .unlimited(minimumDays: 0) },
        FaultRow(.penaltyStepZero(.router)) { $0.routers.penaltyStepMilliseconds = 0 },
        FaultRow(.validatorsIncomplete) { $0.firstValidators = 12 },
        FaultRow(.validatorsIncomplete) { $0.firstValidators = 1 },
        FaultRow(.thresholdOutOfRange) { $0.impeachBps = 4_999 },
        FaultRow(.thresholdOutOfRange) { $0.proposalBps = 10_000 },
        FaultRow(.feeOutOfRange) { $0.trade.feeBps = 10_001 },
        FaultRow(.rewardOutOfRange) { $0.trade.rewardBps = 10_001 },
        FaultRow(.ratioScaleOutOfRange) { $0.trade.ratioScale = 1 },
        FaultRow(.ratioScaleOutOfRange) { $0.trade.ratioScale = 1_000_001 },
        FaultRow(.tradePeriodZero) { $0.trade.epochsPerPeriod = 0 },
    ]

    @Test(arguments: schedules + rules)
    func namesEachFault(row: FaultRow) {
        var parameters = emc
        row.change(&parameters)
        #expect(parameters.faults == [row.fault])
        #expect(!row.fault.description.isEmpty)
    }

    // MARK: Encoding

    @Test func decodesWhatItEncodes() throws {
        #expect(try EconomyParameters(encoded: emc.encoded) == emc)
        for row in Self.schedules + Self.rules where row.fault != .tooManyMultipliers(maximum: 64) {
            var parameters = emc
            row.change(&parameters)
            #expect(try EconomyParameters(encoded: parameters.encoded) == parameters)
            #expect(parameters.encoded != emc.encoded)
        }
    }

    @Test func encodingIsThatOfTheRule() {
        #expect(emc.trade.encoded == [0xca, 0x82, 7, 208, 0x82, 39, 16, 0x82, 3, 232, 90])
        #expect(RenewalRule.once(minimumDays: 180).encoded == [0xc3, 1, 0x81, 180])
        #expect(RenewalRule.never.encoded == [0xc1, 0x80])
        #expect(EmissionSchedule.none.encoded == [0xc1, 0x80])
        let schedule = EmissionSchedule.fibonacci(
            FibonacciDecay(first: Amount(1), isCumulative: true, epochsPerPeriod: 90))
        #expect(schedule.encoded == [0xc4, 1, 1, 1, 90])
        let geometric = GeometricDecay(decayBps: 1_500, epochsPerYear: 365)
        #expect(
            EmissionSchedule.annualGeometric(geometric).encoded
                == [0xc7, 2, 0x82, 5, 220, 0x82, 1, 109])
        let vesting = LinearVesting(lock: 1, cliff: 2, duration: 3)
        #expect(EmissionSchedule.linear(vesting).encoded == [0xc4, 5, 1, 2, 3])
        #expect(EmissionSchedule.halfLife(HalfLifeVesting(halfLife: 9)).encoded == [0xc2, 6, 9])
    }

    @Test func refusesOtherEncodings() {
        #expect(throws: RLPError.trailingBytes) {
            try EconomyParameters(encoded: emc.encoded + [0])
        }
        #expect(throws: RLPError.unknownValue(3)) { try EmissionSchedule(encoded: [0xc1, 3]) }
        #expect(throws: RLPError.unknownValue(2)) {
            try EmissionSchedule(encoded: [0xc4, 1, 1, 2, 90])
        }
        #expect(throws: RLPError.unknownValue(3)) { try RenewalRule(encoded: [0xc1, 3]) }
        #expect(throws: RLPError.trailingBytes) { try RenewalRule(encoded: [0xc2, 0x80, 1]) }
        #expect(throws: RLPError.truncated) { try RenewalRule(encoded: [0xc1, 1]) }
        var many = emc
        many.multipliers.rows = (1...65).map { .init(termDays: $0, bps: 10_000) }
        let bytes = many.encoded
        #expect(throws: RLPError.tooLong(limit: 64)) { try EconomyParameters(encoded: bytes) }
    }
}
