import FuzzTargets
import Glibc

/// libFuzzer's loop, which the linker takes from the toolchain.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The target that `TALLY_FUZZ_TARGET` names, under libFuzzer, whose options are the arguments.
@main struct Fuzz {
    static let target: FuzzTarget = {
        guard let name = getenv("TALLY_FUZZ_TARGET"),
            let target = FuzzTarget(rawValue: String(cString: name))
        else {
            let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
            preconditionFailure("TALLY_FUZZ_TARGET is one of: \(names)")
        }
        return target
    }()

    static func main() async throws {
        if CommandLine.arguments.dropFirst().first == "--list" {
            for target in FuzzTarget.allCases { print(target.rawValue) }
            return
        }
        try await target.prepare()
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(
            runDriver(&count, &arguments) { start, count in
                let input = Array(UnsafeBufferPointer(start: start, count: count))
                do throws(Violation) { try Fuzz.target.run(input) } catch {
                    // Unoptimised only, a precondition says what it is.
                    let words = Array("\(error)\n".utf8)
                    _ = write(STDERR_FILENO, words, words.count)
                    abort()
                }
                return 0
            })
    }
}
