import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyWorker

@Suite struct ProgramTests {
    static let chain = [UInt8]([0xc8, 1, 4, 0x80])

    func terms(_ program: JobProgram, _ spec: [UInt8]) -> JobTerms {
        JobTerms(
            program: program, pricing: .fixed, input: SHA256.plain([9]), sealed: .zero,
            price: Amount(1), bidsUntil: BeaconTime(milliseconds: 1), duration: 1, spec: spec)
    }

    func error(_ terms: JobTerms) -> ComputeProgramError? {
        do throws(ComputeProgramError) {
            _ = try ComputeProgram(terms)
            return nil
        } catch { return error }
    }

    @Test func builtInResultIsTheRootOfNobodysChallenge() throws {
        for (program, task) in [
            (
                JobProgram.hashChain,
                ProofTask.chain(try ChainTask(segments: 8, stepsPerSegment: 4, openings: 2))
            ),
            (.matrixProduct, .matrix(try MatrixTask(size: 32, openings: 1))),
        ] {
            let terms = terms(program, task.encoded)
            #expect(try ComputeProgram(terms) == .builtIn(task, seed: SHA256.plain([9])))
            let root = ProofAnswer.commit(
                answering: ProofChallenge(
                    task: task, seed: SHA256.plain([9]), node: .zero, round: 0)
            ).commitment.root
            let id = ObjectID(owner: .zero, number: 1)
            guard case .job(id, let outcome) = WorkPerformer(runner: nil).perform(.job(id, terms))
            else {
                Issue.record("another kind of work")
                return
            }
            #expect(outcome == .result(root))
        }
    }
}
