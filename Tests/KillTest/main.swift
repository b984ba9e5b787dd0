import Foundation

// KillTest TALLY SHIM DIRECTORY [CYCLES [SEED]]: see tools/kill-test. No cycles: the control.
// KillTest --disk-full TALLY DISK LOG: see tools/disk-full-test.
let arguments = CommandLine.arguments
guard arguments.count >= 4 else {
    say("usage: KillTest TALLY SHIM DIRECTORY [CYCLES [SEED]]")
    exit(2)
}
if arguments[1] == "--disk-full", arguments.count == 5 {
    do {
        var run = DiskFullRun(
            launch: NodeProcess.Launch(
                executable: arguments[2], directory: arguments[3] + "/ledger", shim: nil,
                control: KillControl(path: ""), log: arguments[4]), disk: arguments[3])
        exit(try await run.run() ? 0 : 1)
    } catch {
        say("disk-full-test: \(error)")
        exit(1)
    }
}
let directory = arguments[3]
let cycles = arguments.count > 4 ? Int(arguments[4]) ?? 50 : 50
let seed = arguments.count > 5 ? UInt64(arguments[5]) ?? 1 : UInt64.random(in: 1...1_000_000)
do {
    var run = KillRun(
        launch: NodeProcess.Launch(
            executable: arguments[1], directory: directory + "/ledger", shim: arguments[2],
            control: KillControl(path: directory + "/control"), log: directory + "/node.log"),
        cycles: cycles, seed: seed)
    exit(try await cycles == 0 ? (run.runControl() ? 0 : 1) : (run.run() ? 0 : 1))
} catch {
    say("kill-test: seed \(seed): \(error)")
    exit(1)
}
