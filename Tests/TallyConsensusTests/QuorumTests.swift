import TallyConsensus
import TallyPrimitives
import Testing

/// IBFT-R1, recounted by brute force.
@Suite struct QuorumTests {
    @Test(arguments: 1...100) func twoQuorumsShareMoreThanTheFaulty(total: Int) {
        let total = UInt64(total)
        let quorum = Quorum.threshold(total: total)
        let faulty = Quorum.faulty(total: total)
        #expect(3 * faulty < total && 3 * (faulty + 1) >= total, "F is the most below a third")
        #expect(3 * quorum > 2 * total && 3 * (quorum - 1) <= 2 * total, "Q is the least above 2/3")
        #expect(2 * quorum - total > faulty, "two quorums share an honest validator")
        #expect(total - faulty >= quorum, "the honest ones are a quorum")
    }

    /// Where N is not 3F + 1, 2F + 1 is too little.
    @Test(arguments: [(1, 1, 0), (2, 2, 0), (3, 3, 0), (4, 3, 1), (5, 4, 1), (6, 5, 1), (7, 5, 2)])
    func knowsSmallNetworks(total: UInt64, quorum: UInt64, faulty: UInt64) {
        #expect(Quorum.threshold(total: total) == quorum)
        #expect(Quorum.faulty(total: total) == faulty)
    }

    @Test func doesNotOverflow() {
        let most = ValidatorSet.maximumPower
        #expect(Quorum.threshold(total: most) > most / 3 * 2)
        #expect(Quorum.faulty(total: most) < most / 3 + 1)
    }
}
