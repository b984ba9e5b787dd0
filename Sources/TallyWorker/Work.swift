package import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// A computation that somebody has to do.
package enum Work: Hashable, Sendable {
    case round(ProofChallenge)
    case job(ObjectID, JobTerms)
    /// Of a job whose answer is to be known before anybody delivers one; named by its input.
    case task(JobTerms)

    package var id: WorkID {
        switch self {
        case .round(let challenge): .round(challenge: challenge.id)
        case .job(let order, _): .job(order)
        case .task(let terms): .task(input: terms.input)
        }
    }
}

/// Names a computation: its answer does not depend on when, or how often, it is done.
package enum WorkID: Hashable, Sendable {
    case round(challenge: Hash32)
    case job(ObjectID)
    case task(input: Hash32)
}

/// An answer to a round's challenge: what it commits to, and what it can open.
package protocol RoundAnswer: Sendable {
    var root: Hash32 { get }
    func opening(_ draw: ProofDraw) -> ProofOpening
}

extension ProofAnswer: RoundAnswer {
    package var root: Hash32 { commitment.root }
}

/// What became of a job's program.
package enum JobOutcome: Hashable, Sendable {
    case result(Hash32)
    /// The terms name nothing to run.
    case malformed(ComputeProgramError)
    /// The program made no output.
    case noResult(ProgramOutcome)

    package var result: Hash32? {
        switch self {
        case .result(let result): result
        case .malformed, .noResult: nil
        }
    }
}

/// A computation that is done.
package enum FinishedWork: Sendable {
    case round(challenge: Hash32, any RoundAnswer)
    case job(ObjectID, JobOutcome)
    case task(input: Hash32, JobOutcome)

    package var id: WorkID {
        switch self {
        case .round(let challenge, _): .round(challenge: challenge)
        case .job(let order, _): .job(order)
        case .task(let input, _): .task(input: input)
        }
    }
}

/// Does work, on the calling thread until it is done.
package struct WorkPerformer: Sendable {
    /// `nil`: no listed programs.
    package let runner: ProgramRunner?

    package init(runner: ProgramRunner?) { self.runner = runner }

    package func perform(_ work: Work) -> FinishedWork {
        switch work {
        case .round(let challenge):
            .round(challenge: challenge.id, ProofAnswer.commit(answering: challenge))
        case .job(let order, let terms): .job(order, outcome(of: terms))
        case .task(let terms): .task(input: terms.input, outcome(of: terms))
        }
    }

    private func outcome(of terms: JobTerms) -> JobOutcome {
        let program: ComputeProgram
        do throws(ComputeProgramError) { program = try ComputeProgram(terms) } catch {
            return .malformed(error)
        }
        switch program {
        case .builtIn(let task, let seed):
            return .result(ComputeProgram.result(of: task, seed: seed))
        case .listed(let call):
            let outcome = runner?.run(call) ?? .refused
            guard case .output(let output) = outcome else { return .noResult(outcome) }
            return .result(output.result)
        }
    }
}
