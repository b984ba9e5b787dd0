import TallyBench
import TallyCrypto
import TallyPrimitives
import TallyTransactions

/// The bound of every rate of signed transactions: `ecdsa_recover` and nothing else.
struct RecoverBound: Sendable {
    private let work: [(digest: Hash32, signature: RecoverableSignature)]

    /// - Parameter raws: signed transactions; digests and signatures are taken out of them first.
    init(_ raws: some Sequence<[UInt8]>) throws {
        work = try raws.map { raw in
            let (envelope, signature) = try Envelope.decode(raw)
            return (envelope.signingHash, signature)
        }
    }

    /// Recoveries a second with every core busy.
    func perSecond() async throws -> Double {
        let start = Clocks.wall
        let recovered = await inParallel(work) {
            (try? $0.signature.recover(digest: $0.digest)) != nil
        }
        let elapsed = Clocks.wall - start
        guard recovered.allSatisfy({ $0 }) else { throw BenchError("a signature is not one") }
        return Double(work.count) / elapsed
    }

    /// Recoveries in a second of one core's time.
    func perCoreSecond() throws -> Double {
        let start = Clocks.thread
        for item in work { _ = try item.signature.recover(digest: item.digest) }
        return Double(work.count) / (Clocks.thread - start)
    }
}
