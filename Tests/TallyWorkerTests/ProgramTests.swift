import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallyTransactions
import Testing

@testable import TallyWorker

@Suite struct ProgramTests {
    static let id = ObjectID(owner: .zero, number: 1)

    static func chain(_ segments: UInt32 = 8) throws -> ProofTask {
        .chain(try ChainTask(segments: segments, stepsPerSegment: 4, openings: 2))
    }

    static func matrix() throws -> ProofTask { .matrix(try MatrixTask(size: 32, openings: 1)) }

    func error(_ program: JobProgram, _ spec: [UInt8]) -> ComputeProgramError? {
        do throws(ComputeProgramError) {
            _ = try ComputeProgram(jobTerms(program, spec))
            return nil
        } catch { return error }
    }

    func outcome(_ program: JobProgram, _ spec: [UInt8]) throws -> JobOutcome {
        let work = Work.job(Self.id, jobTerms(program, spec))
        guard case .job(Self.id, let outcome) = WorkPerformer(runner: nil).perform(work) else {
            throw Unexpected()
        }
        return outcome
    }

    struct Unexpected: Error {}

    @Test func builtInResultIsTheRootOfNobodysChallenge() throws {
        for (program, task) in [
            (JobProgram.hashChain, try Self.chain()), (.matrixProduct, try Self.matrix()),
        ] {
            #expect(
                try ComputeProgram(jobTerms(program, task.encoded))
                    == .builtIn(task, seed: jobInput))
            let challenge = ProofChallenge(task: task, seed: jobInput, node: .zero, round: 0)
            let root = ProofAnswer.commit(answering: challenge).commitment.root
            #expect(try outcome(program, task.encoded) == .result(root))
        }
    }

    /// Computed by another program from TASK-3, TASK-7 and ENC-4 would be better; that the rule did not
    /// change is what it shows.
    @Test func resultDependsOnTheSeed() throws {
        let task = try Self.chain()
        #expect(
            ComputeProgram.result(of: task, seed: .zero)
                != ComputeProgram.result(of: task, seed: jobInput))
    }

    @Test func rejectsSpecificationOfAnotherKind() throws {
        let (chain, matrix) = (try Self.chain().encoded, try Self.matrix().encoded)
        #expect(error(.hashChain, matrix) == .wrongKind(expected: .chain, actual: .matrix))
        #expect(error(.matrixProduct, chain) == .wrongKind(expected: .matrix, actual: .chain))
        let hash = ProofTask.hash(try HashTask(prefixBits: 1, solutions: 1))
        #expect(error(.hashChain, hash.encoded) == .wrongKind(expected: .chain, actual: .hash))
        #expect(
            try outcome(.hashChain, matrix)
                == .malformed(.wrongKind(expected: .chain, actual: .matrix)))
    }

    @Test func rejectsSpecificationThatDoesNotDecode() throws {
        let chain = try Self.chain().encoded
        #expect(error(.hashChain, chain + [0]) == .encoding(.trailingBytes))
        #expect(error(.listed, try listed("echo") + [0]) == .encoding(.trailingBytes))
        for program in JobProgram.allCases {
            guard case .encoding = error(program, []) else {
                Issue.record("\(program) of nothing")
                continue
            }
        }
    }

    @Test(arguments: ["", "A", "a/b", "a b", "é", String(repeating: "a", count: 65)])
    func rejectsProgramName(name: String) {
        #expect(ProgramName(name) == nil)
        let spec = RLPEncoder.list { out in
            out.append(name.utf8)
            out.append([UInt8]())
        }
        guard case .encoding = error(.listed, spec) else {
            Issue.record("taken: \(name)")
            return
        }
    }

    @Test func readsListedCall() throws {
        let name = try #require(ProgramName("a-1_b.c"))
        let call = ListedCall(name: name, input: [1, 2, 3])
        #expect(try ComputeProgram(jobTerms(.listed, call.encoded)) == .listed(call))
        #expect(try ListedCall(encoded: call.encoded) == call)
    }

    @Test func listedProgramWithoutRunnerIsRefused() throws {
        #expect(try outcome(.listed, listed("echo")) == .noResult(.refused))
    }

    @Test func resultIsOfStatusAndOutput() {
        let output = ProgramOutput(status: 3, bytes: [7, 8])
        #expect(output.result == SHA256.plain([0x63, 3, 7, 8]))
    }

    @Test func runsOnlyWhatItHasAndCanFinish() throws {
        let name = try #require(ProgramName("echo"))
        let programs = RunnablePrograms(names: [name], maximumSteps: 32)
        #expect(programs.canRun(jobTerms(.listed, try listed("echo"))))
        #expect(!programs.canRun(jobTerms(.listed, try listed("other"))))
        #expect(programs.canRun(jobTerms(.hashChain, try Self.chain(8).encoded)))
        #expect(!programs.canRun(jobTerms(.hashChain, try Self.chain(9).encoded)))
        #expect(!programs.canRun(jobTerms(.hashChain, [1])))
    }
}
