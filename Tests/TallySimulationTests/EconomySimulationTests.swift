import Testing

@testable import TallySimulation

/// SIM-43 to SIM-45: economies from seeds.
@Suite struct EconomySimulationTests {
    @Test(arguments: 1...8) func keepsEveryRule(seed: UInt64) throws {
        let outcome = try EconomySimulation.run(seed: seed)
        #expect(outcome.heights == 162)
        #expect(outcome.failures.count > 10, "seed \(seed)")
    }

    /// What planted bugs need happens in few seeds.
    @Test func everythingHappens() throws {
        var events: [String: Int] = [:]
        for seed in UInt64(1)...12 {
            let outcome = try EconomySimulation.run(seed: seed)
            events.merge(outcome.events, uniquingKeysWith: +)
        }
        let missing = Self.everything.subtracting(events.keys)
        #expect(missing.isEmpty)
    }

    private static let everything: Set<String> = [
        "NodeRegistered", "NodeUpdated", "NodeRetired", "NodeStaked", "NodeUnstaked", "NodeActive",
        "NodeOffline", "NodePenalised", "RewardsClaimed", "ChallengeOpened", "ProofSubmitted",
        "ProofDrawn", "ProofRevealed", "ProofAttested", "ProofMeasured", "ProofMissed", "ProofVoid",
        "JobCreated", "BidPlaced", "BidClosed", "JobAssigned", "JobDelivered", "JobDisputed",
        "JobSampled", "ArbiterDrawn", "VerdictCommitted", "VerdictRevealed", "JobDecided",
        "TaskRevealed", "JobPaid", "LeaseFunded", "LeasePaused", "LeaseResumed", "JobClosed",
        "OfferListed", "OfferRepriced", "OfferClosed", "OfferTaken", "TradeExecuted", "TradeOwed",
        "TradeRewarded", "StakePlaced", "StakeRenewed", "StakeReleased", "Heartbeat",
        "RolePenalised", "StakeForfeited", "ImpeachmentVoted", "EpochClosed", "EpochMinted",
        "RewardsArrived", "PayoutSent", "PayoutPaid",
    ]

    @Test(arguments: 1...6) func networkWithAnEconomyKeepsEveryRule(seed: UInt64) {
        let result = Simulation.run(seed: seed, options: SimulationOptions(economy: true))
        print(seed, result.heights, result.transactions, result.receipts, result.seeds)
        #expect(result.failure == nil, "\(result.command): \(result.scenario)")
    }
}
