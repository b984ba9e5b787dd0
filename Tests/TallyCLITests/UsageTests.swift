import Glibc
import TallyClient
import TallyNode
import TallyPrimitives
import Testing

@testable import TallyCLI

@Suite struct UsageTests {
    @Test func printsHelpWithoutArguments() async {
        let outcome = await tally()
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("USAGE: tally <subcommand>"))
        #expect(outcome.error == "")
    }

    @Test(arguments: [
        "dev", "demo", "localnet", "init", "start", "tx", "query", "genesis", "keys", "audit", "db",
        "config",
        "completions", "version",
    ])
    func everyVerbHasHelp(_ verb: String) async {
        let outcome = await tally(verb, "--help")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("USAGE: tally \(verb)"))
        let root = await tally("--help")
        #expect(root.output.contains("\n  \(verb) "))
    }

    /// Help shows values as they are typed, never as the program holds them.
    @Test func defaultsReadWell() async {
        var verbs: [[String]] = [[]]
        var count = 0
        while let verb = verbs.popLast() {
            let help = await tally(verb + ["--help"])
            #expect(help.code == 0)
            #expect(help.output.firstMatch(of: /\(default:\s+[A-Za-z]+\(/) == nil, "\(verb)")
            let lists = help.output.split(separator: "SUBCOMMANDS:\n").dropFirst()
            for line in lists.joined().split(separator: "\n") {
                let match = line.prefixMatch(of: #/\s{2}([a-z-]+)\s{2}/#)
                if let match { verbs.append(verb + [String(match.output.1)]) }
            }
            count += 1
        }
        #expect(count > 30)
    }

    @Test(arguments: ["tx", "query", "genesis", "keys", "config", "localnet"])
    func groupsPrintTheirHelp(_ verb: String) async {
        let outcome = await tally(verb)
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("SUBCOMMANDS:"))
    }

    private static let to = "0x00000000000000000000000000000000000000aa"

    @Test(arguments: [
        ["dve"], ["dev", "--shards", "0"], ["dev", "--shards", "1025"],
        ["localnet", "start", "--validators", "0"], ["localnet", "start", "--shards", "1025"],
        ["localnet", "start", "--observers", "32"], ["localnet", "kill-node"],
        ["localnet", "start", "--detach", "--until-eof"], ["localnet", "stop", "--dir", ""],
        ["dev", "--rpc-port", "65536"], ["dev", "extra"], ["demo", "--shards", "1"],
        ["init"], ["genesis", "new", "--account", "0x1=5"], ["genesis", "hash"],
        ["keys", "list", "--data-dir", "a", "--keystore-dir", "b"],
        ["keys", "list", "--data-dir", ""], ["keys", "list", "--keystore-dir", ""],
        ["init", "--data-dir", "", "--genesis", "g"],
        ["tx", "send", "--to", to, "--value", "1"],
        ["tx", "send", "--to", to, "--key-file", "k"],
        ["tx", "send", "--to", to, "--key-file", "k", "--value", "1", "--ether", "1"],
        ["tx", "send", "--to", to, "--key-file", "k", "--keystore", "k", "--value", "1"],
        ["tx", "send", "--to", "0x12", "--key-file", "k", "--value", "1"],
        ["tx", "send", "--to", to, "--key-file", "k", "--value", "-1"],
        [
            "tx", "send", "--to", to, "--key-file", "k", "--value", "1", "--gas-price", "1",
            "--max-fee", "1",
        ],
        ["tx", "status", "0x12"], ["query", "balance", "me"], ["query", "block", "first"],
    ])
    func wrongUsageIsTwo(_ arguments: [String]) async {
        let captured = CapturedConsole()
        #expect(await CommandLineTool.run(arguments, console: captured.console) == 2)
        #expect(captured.output == "")
        #expect(captured.error.contains("Usage: tally"))
        let json = CapturedConsole()
        #expect(await CommandLineTool.run(arguments + ["--json"], console: json.console) == 2)
        let error = try? JSON.parse(Array(json.error.utf8))
        #expect(error?["error"]?["code"] == "usage")
    }

    @Test func printsItsVersion() async throws {
        #expect(await tally("version").output.hasPrefix("tally \(ProgramVersion.number) "))
        #expect(await tally("--version").output == ProgramVersion.number + "\n")
        let json = try await tally("version", "--json").json
        #expect(json["version"] == .string(ProgramVersion.number))
    }

    /// As to a full disk.
    @Test func lostOutputIsAFailure() async {
        let full = CapturedConsole(fault: ENOSPC)
        #expect(await CommandLineTool.run(["version", "--json"], console: full.console) == 1)
        #expect(full.error.contains("\"code\":\"output\""))
        #expect(full.error.contains("No space left on device"))
        let refused = CapturedConsole(input: Array("00\n".utf8), fault: ENOSPC)
        #expect(await CommandLineTool.run(["tx", "decode"], console: refused.console) == 1)
        #expect(refused.error.contains("cannot write standard output"))
        let left = CapturedConsole(fault: EPIPE)
        #expect(await CommandLineTool.run(["version"], console: left.console) == 0)
    }

    /// As of `yes | tally tx decode | head`.
    @Test(arguments: [["tx", "decode"], ["keys", "verify"]])
    func endlessInputEndsWithItsReader(_ arguments: [String]) async {
        let console = Console(
            input: { _ in Array("00\n".utf8) }, output: { _ in }, error: { _ in },
            fault: { EPIPE })
        #expect(await CommandLineTool.run(arguments, console: console) == 1)
    }

    /// Port 1 of this machine: nobody listens there.
    @Test func aMissingNodeIsAFailure() async {
        let outcome = await tally("query", "info", "--rpc", "http://127.0.0.1:1")
        #expect(outcome.code == 1)
        #expect(outcome.error.hasPrefix("tally: no node listens at 127.0.0.1:1"))
        let json = await tally("query", "info", "--rpc", "http://127.0.0.1:1", "--json")
        #expect(json.code == 1)
        #expect(json.errorCode == "unreachable")
    }
}

@Suite struct EtherTests {
    @Test(arguments: [
        ("0", "0"), ("1", "1000000000000000000"), ("1.5", "1500000000000000000"),
        ("0.000000000000000001", "1"),
        (
            "340282366920938463463.374607431768211455",
            "340282366920938463463374607431768211455"
        ),
    ])
    func isExact(_ text: String, _ units: String) throws {
        let amount = try #require(Ether.amount(text))
        #expect(amount.description == units)
        #expect(Ether.text(amount) == text)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "1.2.3", "01", "0.0000000000000000001",
        "340282366920938463463.374607431768211456", "340282366920938463464", " 1",
    ])
    func refuses(_ text: String) { #expect(Ether.amount(text) == nil) }

    @Test func amountsTakeASuffix() {
        #expect(AmountArgument(argument: "2ether")?.value == Ether.amount("2"))
        #expect(AmountArgument(argument: "2")?.value.units == 2)
        #expect(AmountArgument(argument: "2wei") == nil)
    }
}
