import Foundation

/// Where a process dies, as the library in `Shim` sees it from its system calls.
enum KillPhase: UInt32, CaseIterable {
    /// At a random moment, by a signal from here.
    case anywhere = 0
    /// While a record is written to the log.
    case logWrite = 1
    /// While it is synced.
    case fsync = 2
    /// After that, before the next record is written: state in memory, snapshot, answers.
    case apply = 3
    /// While pages, meta page or sync of a checkpoint are written.
    case checkpoint = 4
    /// It does not die, but from now on what is written to its log is lost: a control.
    case forget = 5
}

/// Which system calls count.
enum KillOperation: UInt32 {
    case any = 0
    case write = 1
    case sync = 2
    case metaPage = 3
}

/// Relative to the system call.
enum KillMoment: UInt32, CaseIterable {
    case before, during, after
}

struct KillPlan {
    var phase: KillPhase
    /// The n-th operation of the phase from now, from 1.
    var countdown: UInt32
    var moment: KillMoment
    /// Into the sync or the apply.
    var delayMicroseconds: UInt32
    var operation = KillOperation.any
}

/// The file through which the library is told, and tells. Words of 32 bits: phase, countdown,
/// moment, delay, operation, phase died in, operation died at.
struct KillControl {
    let path: String

    /// No plan: the process runs.
    func clear() throws { try Data(count: 28).write(to: URL(filePath: path)) }

    func arm(_ plan: KillPlan) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.seek(toOffset: 4)
        try file.write(
            contentsOf: words([
                plan.countdown, plan.moment.rawValue, plan.delayMicroseconds,
                plan.operation.rawValue,
            ]))
        // Last: it is what makes the plan one.
        try file.seek(toOffset: 0)
        try file.write(contentsOf: words([plan.phase.rawValue]))
    }

    /// Where the process died; `.anywhere` when the library did not kill it.
    func outcome() throws -> (phase: KillPhase, operation: KillOperation) {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        func word(_ index: Int) -> UInt32 {
            bytes[index * 4..<index * 4 + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        return (
            KillPhase(rawValue: word(5)) ?? .anywhere, KillOperation(rawValue: word(6)) ?? .any
        )
    }

    private func words(_ values: [UInt32]) -> Data {
        Data(
            values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        )
    }
}

/// Prints a line at once, also into a file or pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
