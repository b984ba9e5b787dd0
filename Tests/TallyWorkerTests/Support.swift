import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyWorker

let jobInput = SHA256.plain([9])

func jobTerms(
    _ program: JobProgram, _ spec: [UInt8], _ pricing: JobPricing = .fixed,
    price: UInt128 = 1_000, bidsUntil: UInt64 = 1_000_000, duration: UInt64 = 60_000
) -> JobTerms {
    JobTerms(
        program: program, pricing: pricing, input: jobInput, sealed: .zero,
        price: Amount(price), bidsUntil: BeaconTime(milliseconds: bidsUntil),
        duration: duration, spec: spec)
}

/// The specification of a call of a listed program.
func listed(_ name: String, _ input: [UInt8] = []) throws -> [UInt8] {
    ListedCall(name: try #require(ProgramName(name)), input: input).encoded
}

/// The `number`th account of one of four shards.
func account(_ shard: UInt64, _ number: UInt64 = 1) -> Address {
    Address(words: (shard << 62 | number, 0, 9))
}

extension [WorkerAction] {
    var operations: [TallyTransactions.Operation] {
        compactMap { if case .submit(let operation) = $0 { operation } else { nil } }
    }

    var work: [Work] {
        compactMap { if case .compute(let work) = $0 { work } else { nil } }
    }
}

extension TallyTransactions.Operation {
    /// The nodes that are attested.
    var attested: [Address] {
        guard case .proof(.attest(let entries)) = self else { return [] }
        return entries.map(\.node)
    }

    /// The number of the order that a bid is on.
    var bidOn: UInt64? {
        guard case .job(.placeBid(let order, _, _)) = self else { return nil }
        return order.number
    }
}

extension ProofTask {
    /// Of microseconds.
    static let tiny: ProofTask = {
        do throws(ProofTaskError) {
            return .chain(try ChainTask(segments: 8, stepsPerSegment: 2, openings: 2))
        } catch { preconditionFailure("in range: \(error)") }
    }()
}

extension EconomyParameters {
    /// That of EMC with tiny tasks, rounds of a minute and windows of 20 s.
    static let small: EconomyParameters = {
        var economy = emc
        economy.rounds = RoundRule(
            task: .tiny, everyMilliseconds: 60_000, commitMilliseconds: 10_000,
            revealMilliseconds: 10_000, attestMilliseconds: 10_000, attesters: 5)
        economy.jobs = JobRule(
            bondBps: 1_000, disputeMilliseconds: 20_000, arbitrationMilliseconds: 20_000,
            sampleBps: 0, slashBps: 5_000, arbiters: 5)
        return economy
    }()
}
