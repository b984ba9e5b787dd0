import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import Testing

/// Real engines, real sockets, real clocks.
@Suite(.serialized) struct SocketAgreementTests {
    @Test(.timeLimit(.minutes(1)))
    func fourValidatorsAgreeOnWhatOneWasGiven() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let network = try SocketNetwork(validators: 4)
            for index in 0..<4 { try await network.start(index, in: &group) }
            for nonce in 0..<3 as Range<UInt64> {
                let raws = network.round(nonce)
                // NET-13: the others have them from whom they were given to.
                try await network.submit(raws, to: Int(nonce))
                try await network.haveAll(raws)
            }
            try network.expectAgreement()
            for engine in network.engines {
                for account in network.accounts {
                    #expect(try engine.publisher.current.account(account.address).nonce == 3)
                }
            }
            await network.stopAll()
            try await group.waitForAll()
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func threeGoOnAndTheFourthCatchesUp() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let network = try SocketNetwork(validators: 4)
            for index in 0..<4 { try await network.start(index, in: &group) }
            let first = network.round(0)
            try await network.submit(first, to: 0)
            try await network.haveAll(first)
            let left = try #require(network.running[2]).engine.publisher.current.height
            await network.stop(2)
            // Further than sets are kept, and than one request brings.
            var nonce: UInt64 = 1
            let far = Height(left.value + CatchUp.window + 4)
            while try #require(network.running[0]).engine.publisher.current.height < far {
                let raws = network.round(nonce)
                nonce += 1
                try await network.submit(raws, to: 0)
                try await network.haveAll(raws)
            }
            try await network.start(2, in: &group)
            let last = network.round(nonce)
            try await network.submit(last, to: 0)
            try await network.haveAll(last)
            try network.expectAgreement()
            await network.stopAll()
            try await group.waitForAll()
        }
    }
}
