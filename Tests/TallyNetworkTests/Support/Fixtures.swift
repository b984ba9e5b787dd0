import Synchronization
import TallyConsensus
import TallyCrypto
import TallyNetwork
import TallyPrimitives

/// Keys and chains of the tests.
enum Fixtures {
    static let chain = ChainIdentity(genesis: hash("genesis"), chainID: 1337)

    static func hash(_ name: String) -> Hash32 { SHA256.hash(.object, Array(name.utf8)) }

    static func key(_ name: String) throws -> PrivateKey { try PrivateKey(hash(name)) }

    /// Of nobody.
    static let signature = RecoverableSignature(
        r: hash("r"), s: Hash32.zero, yParity: 0)

    /// By ascending address.
    static func keys(_ count: Int) throws -> [PrivateKey] {
        try (0..<count).map { try key("validator \($0)") }.sorted { $0.address < $1.address }
    }

    static func hello(
        _ key: PrivateKey, chain: ChainIdentity = chain, role: PeerRole = .validator,
        fingerprint: Hash32, height: Height = .genesis
    ) -> PeerHello {
        PeerHello(
            PeerStatement(chain: chain, fingerprint: fingerprint, role: role), height: height,
            signer: KeySigner(key))
    }
}

/// Things that happened, for who waits for one of them.
final class Happenings<Event: Sendable>: Sendable {
    private let events: AsyncStream<Event>
    private let input: AsyncStream<Event>.Continuation

    init() { (events, input) = AsyncStream.makeStream() }

    func add(_ event: Event) { input.yield(event) }

    /// The next one that fits; others before it are passed over.
    func first<Found>(_ find: (Event) -> Found?) async -> Found? {
        for await event in events {
            if let found = find(event) { return found }
        }
        return nil
    }
}
