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

    /// IBFT-R7: distinct members of that set, each over this very statement.
    @Test func sealsCountOnce() throws {
        let fixture = try Fixture(4)
        let set = try #require(fixture.sets()[Height(1)])
        let digest = Hash32.zero
        func power(_ commits: [Commit], height: UInt64 = 1, round: UInt32 = 0) -> UInt64 {
            let statement = CommitStatement(
                height: Height(height), round: Round(round), digest: digest)
            return FinalCertificate(statement, commits, set: set)
                .power(in: set, Fixture.chain, TestScheme())
        }
        let seals = (0..<4).map { fixture.commit($0, 1, 0, digest) }
        #expect(power(seals) == 4)
        #expect(power(Array(seals[1...])) == 3)
        #expect(power([seals[0], seals[0], seals[0]]) == 1)
        #expect(power([seals[0], fixture.commit(1, 2, 0, digest)]) == 1, "of another height")
        #expect(power([seals[0], fixture.commit(1, 1, 1, digest)]) == 1, "of another round")
        #expect(power(seals, round: 1) == 0)
        let borrowed = Commit(
            seals[0].statement, sender: seals[1].sender, signature: seals[0].signature)
        #expect(power([seals[0], borrowed]) == 1)
    }

    @Test func doesNotOverflow() {
        let most = ValidatorSet.maximumPower
        #expect(Quorum.threshold(total: most) > most / 3 * 2)
        #expect(Quorum.faulty(total: most) < most / 3 + 1)
    }
}
