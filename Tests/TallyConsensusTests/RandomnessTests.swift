import TallyConsensus
import TallyPrimitives
import Testing

/// IBFT-R19
@Suite struct RandomnessTests {
    private let secret = Fixture.chain.genesis

    @Test func chainRevealsBackwards() {
        var chain = RevealChain(commitment: RevealChain.value(secret: secret, steps: 3))
        let wrong = RevealChain.value(secret: secret, steps: 1)
        let before = chain
        let skipped = chain.reveal(wrong)
        #expect(!skipped && chain == before, "no step may be left out")
        for steps in [2, 1, 0] {
            let revealed = chain.reveal(RevealChain.value(secret: secret, steps: steps))
            #expect(revealed)
        }
        let again = chain.reveal(secret)
        #expect(!again, "the chain is used up")
    }

    @Test func mixDependsOnOrder() {
        var (one, other) = (RandomnessMix(.zero), RandomnessMix(.zero))
        let (x, y) = (RevealChain.step(.zero), RevealChain.step(secret))
        one.absorb(x)
        one.absorb(y)
        other.absorb(y)
        other.absorb(x)
        #expect(one != other)
    }

    @Test func drawWaitsForMoreThanTheFaulty() throws {
        let fixture = try Fixture(7)
        var draw = PendingDraw()
        for member in [0, 0, 1, 0] {
            draw.revealed(by: fixture.members[member])
            #expect(!draw.isReady(fixture.set))
        }
        draw.revealed(by: fixture.members[2])
        #expect(draw.isReady(fixture.set) && draw.builders.count == 3)
    }
}
