import Synchronization
import TallyConsensus
import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct AuthenticatorTests {
    private let block = TestBlocks.make(1, parent: Fixture.genesis.digest, content: "A")

    private func refusal(_ message: Message, _ fixture: Fixture) -> MessageRefusal? {
        var cache = SignatureCache()
        do throws(MessageRefusal) {
            _ = try fixture.authenticator().authenticate(
                message, sets: fixture.sets(), cache: &cache)
            return nil
        } catch { return error }
    }

    @Test func refusesStrangers() throws {
        let fixture = try Fixture(4)
        let wider = try Fixture(5)
        // The fifth address is not among the four.
        let stranger = try #require(wider.members.first { !fixture.members.contains($0) })
        let statement = PrepareStatement(height: Height(1), round: .zero, digest: block.digest)
        let digest = statement.digest(Fixture.chain, validators: fixture.set.hash)
        let prepare = Prepare(
            statement, sender: stranger, signature: TestScheme.signature(stranger, digest))
        #expect(refusal(.prepare(prepare), fixture) == .notAValidator(stranger))
    }

    /// A vote is good for its ledger, set, height, round and kind alone (IBFT-R2).
    @Test func refusesVotesMadeForSomethingElse() throws {
        let fixture = try Fixture(4)
        let statement = CommitStatement(height: Height(1), round: .zero, digest: block.digest)
        let good = fixture.sign(statement, 1)
        #expect(refusal(.commit(good), fixture) == nil)
        let elsewhere = [
            fixture.sign(statement, 1, chain: .init(genesis: .zero, chainID: 7)),
            fixture.sign(statement, 1, chain: .init(genesis: Fixture.chain.genesis, chainID: 8)),
            fixture.sign(statement, 1, validators: .zero),
            Commit(
                CommitStatement(height: Height(2), round: .zero, digest: block.digest),
                sender: good.sender, signature: good.signature),
            Commit(
                CommitStatement(height: Height(1), round: Round(1), digest: block.digest),
                sender: good.sender, signature: good.signature),
            Commit(
                statement, sender: good.sender,
                signature: fixture.prepare(1, 1, 0, block.digest).signature),
        ]
        for commit in elsewhere {
            #expect(
                refusal(.commit(commit), fixture) == .wrongSigner(claimed: fixture.members[1]))
        }
    }

    /// A PREPARE seen before is not recovered again inside a certificate.
    @Test func recoversEachSignatureOnce() throws {
        let fixture = try Fixture(4)
        let counter = Counter()
        let authenticator = Authenticator(
            chain: Fixture.chain, limits: MessageLimits(bodyBytes: 1000),
            scheme: CountingScheme(counter: counter), reader: TestBlocks())
        var cache = SignatureCache()
        for i in 1...3 {
            _ = try authenticator.authenticate(
                .prepare(fixture.prepare(i, 1, 0, block.digest)), sets: fixture.sets(),
                cache: &cache)
        }
        #expect(counter.value == 3)
        let certificate = fixture.certificate(1, 0, block.digest, by: [1, 2, 3])
        _ = try authenticator.authenticate(
            .roundChange(fixture.change(1, 1, 1, certificate)), sets: fixture.sets(),
            cache: &cache)
        #expect(counter.value == 4)
    }

    @Test func cacheIsBounded() throws {
        let fixture = try Fixture(4)
        var cache = SignatureCache(limit: 10)
        for round in 0..<100 {
            let prepare = fixture.prepare(1, 1, UInt32(round), block.digest)
            _ = try fixture.authenticator().authenticate(
                .prepare(prepare), sets: fixture.sets(), cache: &cache)
            #expect(cache.count <= 20)
        }
    }

    /// The signatures of the product do what those of the tests do.
    @Test func recoversSecp256k1() throws {
        let keys = try (1...4).map { try PrivateKey([UInt8](repeating: UInt8($0), count: 32)) }
        let set = try ValidatorSet(
            keys.map { .init(address: $0.address, power: 1) }, seed: .zero)
        let signer = KeySigner(keys[0])
        let statement = CommitStatement(height: Height(1), round: .zero, digest: block.digest)
        let digest = statement.digest(Fixture.chain, validators: set.hash)
        let commit = Commit(statement, sender: signer.address, signature: signer.sign(digest))
        let authenticator = Authenticator(
            chain: Fixture.chain, limits: MessageLimits(bodyBytes: 1000),
            scheme: RecoverableScheme(), reader: TestBlocks())
        let sets = ValidatorSets([Height(1): set])
        var cache = SignatureCache()
        let read = try authenticator.authenticate(
            bytes: Message.commit(commit).wire, sets: sets, cache: &cache)
        #expect(read.message == .commit(commit))
        let forged = Commit(statement, sender: keys[1].address, signature: commit.signature)
        #expect(throws: MessageRefusal.wrongSigner(claimed: keys[1].address)) {
            _ = try authenticator.authenticate(.commit(forged), sets: sets, cache: &cache)
        }
    }
}

private final class Counter: Sendable {
    private let storage = Mutex(0)
    var value: Int { storage.withLock { $0 } }
    func increment() { storage.withLock { $0 += 1 } }
}

private struct CountingScheme: SignatureScheme {
    let counter: Counter

    func signer(of signature: RecoverableSignature, over digest: Hash32) -> Address? {
        counter.increment()
        return TestScheme().signer(of: signature, over: digest)
    }
}
