import Glibc

// Runs seeds of a simulation until one fails; `tools/planted-bugs` says which, and reads the answer.
//
//   PlantedBugRun SIMULATION FIRST COUNT

/// Why a seed failed: which checker found what.
struct Finding: Error {
    let checker: String
    let detail: String

    init(_ checker: String, _ detail: String) {
        self.checker = checker
        self.detail = detail
    }

    /// The name of an enum's case is the name of what was checked.
    init(_ error: any Error) {
        let text = "\(error)"
        checker = String(text.prefix { $0.isLetter || $0.isNumber })
        detail = text
    }
}

/// At once: the process may not live to say more.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

let arguments = CommandLine.arguments.dropFirst()
let simulations: [String: @Sendable (UInt64) throws -> Void] = [
    "ledger": LedgerRun.run, "crash": CrashRun.run, "economy": EconomyRun.run,
    "network": NetworkRun.run,
]
guard arguments.count == 3, let run = simulations[CommandLine.arguments[1]],
    let first = UInt64(CommandLine.arguments[2]), let count = UInt64(CommandLine.arguments[3])
else {
    say("usage: PlantedBugRun \(simulations.keys.sorted().joined(separator: "|")) FIRST COUNT")
    exit(2)
}
for seed in first..<(first + count) {
    say("@\(seed)")
    do {
        try run(seed)
    } catch {
        let finding = error as? Finding ?? Finding(error)
        let detail = finding.detail.split(separator: "\n").joined(separator: " ")
        say("failed: seed \(seed): \(finding.checker): \(detail)")
        exit(1)
    }
}
say("passed: \(count) seeds")
