import BenchSupport
import Foundation
import Glibc
import TallyBench

/// Why something was not measured.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The clocks and counters that figures are made from.
enum Clocks {
    static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

    /// Seconds since some moment, going on evenly.
    static var wall: Double { seconds(CLOCK_MONOTONIC) }
    /// Seconds of processor time of this process, in user and in kernel mode.
    static var process: Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }
    /// Of the calling thread.
    static var thread: Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        let status = clock_gettime(clock, &time)
        precondition(status == 0, "every Linux has these clocks")
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Seconds of processor time of another process.
    static func process(_ id: Int32) throws(BenchError) -> Double {
        guard let ticks = ProcessFiles.cpuTicks(stat: try read("/proc/\(id)/stat")) else {
            throw BenchError("no processor time in /proc/\(id)/stat")
        }
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Bytes that this process had written to disks.
    static func bytesWritten() throws(BenchError) -> UInt64 {
        guard let bytes = ProcessFiles.bytesWritten(io: try read("/proc/self/io")) else {
            throw BenchError("no bytes written in /proc/self/io")
        }
        return bytes
    }

    static func read(_ path: String) throws(BenchError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch { throw BenchError("cannot read \(path): \(error)") }
    }
}

/// What is under way, for whoever waits.
func progress(_ text: String) {
    FileHandle.standardError.write(Data("bench: \(text)\n".utf8))
}

/// A new directory below the temporary one, removed afterwards.
func withDirectory<Result>(
    _ body: (String) async throws -> Result
) async throws -> Result {
    let path = NSTemporaryDirectory() + "tally-bench-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
