package import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// What an order asks to be run, read from its terms (WORK-1, WORK-2).
package enum ComputeProgram: Hashable, Sendable {
    /// A task of the ledger's own kinds: everybody has the program.
    case builtIn(ProofTask, seed: Hash32)
    /// A program of the provider's list.
    case listed(ListedCall)

    /// - Throws: `.encoding` for a specification that does not decode, `.wrongKind` for one of
    ///   another task than the order's program.
    package init(_ terms: JobTerms) throws(ComputeProgramError) {
        switch terms.program {
        case .hashChain: self = try Self.builtIn(terms, .chain)
        case .matrixProduct: self = try Self.builtIn(terms, .matrix)
        case .listed:
            do throws(RLPError) {
                self = .listed(try ListedCall(encoded: terms.spec))
            } catch { throw .encoding(error) }
        }
    }

    private static func builtIn(
        _ terms: JobTerms, _ kind: ProofKind
    ) throws(ComputeProgramError) -> ComputeProgram {
        let task: ProofTask
        do throws(RLPError) { task = try ProofTask(encoded: terms.spec) } catch {
            throw .encoding(error)
        }
        guard task.kind == kind else { throw .wrongKind(expected: kind, actual: task.kind) }
        return .builtIn(task, seed: terms.input)
    }

    /// The result of a task: the root of its answer (WORK-1). The challenge is nobody's, so that a
    /// provider and all arbiters find the same.
    ///
    /// It works on the calling thread until it is done.
    package static func result(of task: ProofTask, seed: Hash32) -> Hash32 {
        let challenge = ProofChallenge(task: task, seed: seed, node: .zero, round: 0)
        return ProofAnswer.commit(answering: challenge).commitment.root
    }
}

/// Why an order's terms name nothing to run.
package enum ComputeProgramError: Error, Hashable, Sendable {
    case encoding(RLPError)
    case wrongKind(expected: ProofKind, actual: ProofKind)
}

extension ProofTask {
    /// Hashes one after another, products, or hashes on average: how long a task takes.
    package var steps: UInt64 {
        switch self {
        case .chain(let task): task.steps
        case .matrix(let task): task.products
        case .hash(let task): UInt64(task.solutions) << UInt64(task.prefixBits)
        }
    }
}

/// What somebody is able and willing to run. Whoever asks for more finds nobody to do it.
package struct RunnablePrograms: Hashable, Sendable {
    package var names: Set<ProgramName>
    /// Most steps of a built-in task.
    package var maximumSteps: UInt64

    package init(names: Set<ProgramName> = [], maximumSteps: UInt64) {
        self.names = names
        self.maximumSteps = maximumSteps
    }

    package func canRun(_ terms: JobTerms) -> Bool {
        do throws(ComputeProgramError) {
            return switch try ComputeProgram(terms) {
            case .builtIn(let task, _): task.steps <= maximumSteps
            case .listed(let call): names.contains(call.name)
            }
        } catch { return false }
    }
}
