import TallyClient
import TallyNode
import Testing

@testable import TallyCLI

@Suite struct ConfigVerbTests {
    @Test func showsEverySettingAndItsOrigin() async throws {
        let scratch = try Scratch()
        _ = try scratch.write(
            "# a comment\n[rpc]\nport = 1\n\n[key]\npassword-file = \"/p\"\n", to: "config.toml")
        let outcome = await tally(
            "config", "show", "--data-dir", scratch.path, "--log-level", "debug", "--origin",
            "--json")
        let settings = try #require(try outcome.json["settings"]?.arrayValue)
        #expect(settings.count == Setting.allCases.count)
        func setting(_ name: String) -> JSON? {
            settings.first { $0["name"] == .string(name) }
        }
        #expect(setting("rpc.host")?["origin"] == ["kind": "default"])
        #expect(setting("rpc.host")?["value"] == "127.0.0.1")
        #expect(setting("rpc.port")?["value"] == "1")
        let file = scratch["config.toml"]
        #expect(
            setting("rpc.port")?["origin"]
                == ["kind": "file", "path": .string(file), "line": 3])
        #expect(setting("key.password-file")?["origin"]?["line"] == 6)
        #expect(
            setting("log.level")?["origin"] == ["kind": "flag", "name": "--log-level"])
        #expect(setting("key.file")?["value"] == .null)
        let text = await tally("config", "show", "--data-dir", scratch.path, "--origin")
        #expect(lines(text).contains(["rpc.port", "1", "\(file):3"]))
        #expect(lines(text).contains(["key.file", "-", "default"]))
        let plain = await tally("config", "show", "--data-dir", scratch.path)
        #expect(!plain.output.contains("default"))
        #expect(lines(plain).contains(["rpc.port", "1"]))
    }

    /// Who a node is and whom it meets, too.
    @Test func takesTheFlagsOfStart() async throws {
        let scratch = try Scratch()
        let outcome = await tally(
            "config", "show", "--data-dir", scratch.path, "--peer-listen", "1.2.3.4:5",
            "--observe", "--password-file", "p", "--json", "--origin")
        let settings = try #require(try outcome.json["settings"]?.arrayValue)
        for (name, value, flag) in [
            ("peer.listen", "1.2.3.4:5", "--peer-listen"), ("peer.role", "observer", "--observe"),
            ("key.password-file", "p", "--password-file"),
        ] {
            let setting = settings.first { $0["name"] == .string(name) }
            #expect(setting?["value"] == .string(value))
            #expect(setting?["origin"] == ["kind": "flag", "name": .string(flag)], "\(name)")
        }
    }

    private func lines(_ outcome: Outcome) -> [[Substring]] {
        outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
    }

    @Test func variablesAreNamed() throws {
        let resolved = try NodeConfiguration.resolved(
            flags: [:], environment: ["TALLY_RPC_PORT": "7"])
        let port = try #require(resolved.first { $0.setting == .rpcPort })
        #expect(port.value == "7")
        #expect(port.origin == .environment("TALLY_RPC_PORT"))
        #expect(resolved.first { $0.setting == .dataDirectory }?.value == nil)
        let line = SettingLine(port, isSecret: false)
        #expect(SettingLine.text([line], withOrigin: true).hasSuffix("variable TALLY_RPC_PORT"))
    }

    @Test func secretsAreNotShown() {
        let setting = ResolvedSetting(setting: .rpcHost, value: "hunter2", origin: nil)
        let line = SettingLine(setting, isSecret: true)
        #expect(line.json(withOrigin: true)["value"] == "(redacted)")
        #expect(!SettingLine.text([line], withOrigin: true).contains("hunter2"))
        let none = SettingLine(
            ResolvedSetting(setting: .rpcHost, value: nil, origin: nil), isSecret: true)
        #expect(none.json(withOrigin: false)["value"] == .null)
    }

    @Test func faultsStopIt() async throws {
        let scratch = try Scratch()
        _ = try scratch.write("[rpc]\nport = 70000\n", to: "config.toml")
        let outcome = await tally("config", "show", "--data-dir", scratch.path, "--json")
        #expect(outcome.code == 1)
        #expect(outcome.errorCode == "configuration")
    }

    @Test(
        arguments: [
            ("a = 1", "a", 1), ("[t]\na = 1", "t.a", 2), ("[ t ]\n\n  \"a\"=1", "t.a", 3),
            ("t.a = 1", "t.a", 1), ("#[t]\na = 1", "a", 2), ("t = { a = 1 }", "t.a", nil),
            ("b = 1", "a", nil),
        ] as [(String, String, Int?)])
    func findsTheLine(_ text: String, _ key: String, _ line: Int?) throws {
        let scratch = try Scratch()
        let path = try scratch.write(text, to: "config.toml")
        #expect(ConfigurationFile.line(of: key, in: path) == line)
    }
}

@Suite struct CompletionsVerbTests {
    @Test(arguments: ["bash", "zsh", "fish"])
    func everyShellHasAScript(_ shell: String) async throws {
        let outcome = await tally("completions", shell)
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("tally"))
        for verb in ["demo", "keys", "verify", "completions"] {
            #expect(outcome.output.contains(verb), "\(verb)")
        }
        let json = try await tally("completions", shell, "--json").json
        #expect(json["script"]?.stringValue.map { $0 + "\n" } == outcome.output)
    }

    @Test func otherShellsAreWrongUsage() async {
        #expect(await tally("completions", "csh").code == 2)
        #expect(await tally("completions").code == 2)
    }
}
