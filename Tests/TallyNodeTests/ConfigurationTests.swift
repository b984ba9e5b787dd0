import Logging
import TallyJournal
import TallyNetwork
import TallyNode
import TallyPrimitives
import Testing

@Suite struct ConfigurationTests {
    private func load(
        _ scratch: Scratch, file: String? = nil, environment: [String: String] = [:],
        flags: [Setting: String] = [:]
    ) throws -> NodeConfiguration {
        if let file { try scratch.write(file, to: "config.toml") }
        return try NodeConfiguration.load(
            flags: flags.merging([.dataDirectory: scratch.path]) { $1 }, environment: environment)
    }

    @Test func flagBeatsVariableBeatsFileBeatsDefault() throws {
        let scratch = try Scratch()
        #expect(try load(scratch).rpcPort == 8545)
        let file = "[rpc]\nport = 1\n"
        #expect(try load(scratch, file: file).rpcPort == 1)
        let environment = ["TALLY_RPC_PORT": "2", "PATH": "/bin"]
        #expect(try load(scratch, environment: environment).rpcPort == 2)
        let flags = [Setting.rpcPort: "3"]
        #expect(try load(scratch, environment: environment, flags: flags).rpcPort == 3)
    }

    @Test func everySettingCanStandInTheFile() throws {
        let configuration = try load(
            try Scratch(),
            file: """
                [rpc]
                host = "::1"
                port = 0
                [checkpoint]
                transactions = 10
                bytes = 20
                heights = 30
                [log]
                level = "debug"
                format = "json"
                [key]
                file = "k"
                password-file = "p"
                [duties]
                hidden-price = 5000
                hidden-share = 10
                hidden-key-file = "h"
                """)
        #expect(configuration.hiddenTasks.maximumEscrow == Amount(5_000))
        #expect(configuration.hiddenTasks.shareBps == 10)
        #expect(configuration.hiddenTasks.keyFile == "h")
        #expect(configuration.rpcHost == "::1")
        #expect(configuration.rpcPort == 0)
        #expect(configuration.checkpoints.transactions == 10)
        #expect(configuration.checkpoints.bytes == 20)
        #expect(configuration.checkpoints.heights == 30)
        #expect(configuration.logLevel == .debug)
        #expect(configuration.logFormat == .json)
        #expect(configuration.keyFile == "k")
        #expect(configuration.passwordFile == "p")
    }

    /// Joined with a name, an empty path would be the root of the machine.
    @Test func aDirectoryHasAName() throws {
        #expect(
            throws: ConfigurationError.malformed(
                .flag("--data-dir"), value: "", expected: "a path")
        ) {
            try NodeConfiguration.load(
                flags: [.dataDirectory: ""], environment: ["TALLY_DATA_DIR": "a"])
        }
        #expect(
            throws: ConfigurationError.malformed(
                .environment("TALLY_DATA_DIR"), value: "", expected: "a path")
        ) { try NodeConfiguration.resolved(flags: [:], environment: ["TALLY_DATA_DIR": ""]) }
    }

    @Test func givenDefaultsYield() throws {
        let scratch = try Scratch()
        var defaults = NodeConfiguration(dataDirectory: scratch.path)
        defaults.logLevel = .error
        defaults.rpcPort = 1
        let configuration = try NodeConfiguration.load(
            flags: [.rpcPort: "2"], environment: [:], defaults: defaults)
        #expect(configuration.dataDirectory == scratch.path)
        #expect(configuration.logLevel == .error)
        #expect(configuration.rpcPort == 2)
    }

    @Test func directoryComesFromTheEnvironment() throws {
        let scratch = try Scratch()
        let configuration = try NodeConfiguration.load(
            flags: [:], environment: ["TALLY_DATA_DIR": scratch.path])
        #expect(configuration.dataDirectory == scratch.path)
        #expect(throws: ConfigurationError.noDataDirectory) {
            try NodeConfiguration.load(flags: [:], environment: [:])
        }
    }

    @Test(arguments: [
        ("[rpc]\nprot = 1\n", "rpc.prot", "rpc.port"), ("port = 1\n", "port", "rpc.port"),
        ("data-dir = \"x\"\n", "data-dir", nil),
        ("[zzzzzzzz]\nqqqqqq = 1\n", "zzzzzzzz.qqqqqq", nil),
    ])
    func refusesUnknownKey(_ file: String, _ key: String, _ nearest: String?) throws {
        let scratch = try Scratch()
        let error = #expect(throws: ConfigurationError.self) { try load(scratch, file: file) }
        guard case .unknownKey(let origin, let hint) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(origin == .file(path: scratch["config.toml"], key: key))
        if let nearest { #expect(hint == nearest || key == "port") }
    }

    @Test func readsPlacesOfPeers() throws {
        let scratch = try Scratch()
        let first = "0x00000000000000000000000000000000000000aa"
        let second = "0x00000000000000000000000000000000000000bb"
        let peers = try load(
            scratch,
            file:
                "[peer]\nlisten = \"[::1]:7\"\nplaces = \"\(first)@10.0.0.2:8600, \(second)@[::2]:1\"\n"
        ).peers
        #expect(peers.listen == PeerPlace(host: "::1", port: 7))
        #expect(
            peers.places == [
                try #require(Address(hex: first)): PeerPlace(host: "10.0.0.2", port: 8600),
                try #require(Address(hex: second)): PeerPlace(host: "::2", port: 1),
            ])
    }

    @Test func readsWhoObserves() throws {
        let scratch = try Scratch()
        let first = "0x00000000000000000000000000000000000000aa"
        let second = "0x00000000000000000000000000000000000000bb"
        #expect(try load(scratch, file: "").peers.role == .validator)
        let peers = try load(
            scratch, file: "[peer]\nrole = \"observer\"\nobservers = \"\(first), \(second)\"\n"
        ).peers
        #expect(peers.role == .observer)
        #expect(
            peers.observers == [
                try #require(Address(hex: first)), try #require(Address(hex: second)),
            ])
        #expect(try load(scratch, file: "[peer]\nobservers = \"\"\n").peers.observers == [])
    }

    @Test func refusesUnknownVariable() throws {
        let scratch = try Scratch()
        #expect(
            throws: ConfigurationError.unknownKey(
                .environment("TALLY_RPC_PROT"), nearest: "TALLY_RPC_PORT")
        ) { try load(scratch, environment: ["TALLY_RPC_PROT": "1"]) }
        // The address that other verbs ask is no setting of a node.
        #expect(throws: Never.self) { try load(scratch, environment: ["TALLY_RPC": "x"]) }
    }

    @Test(arguments: [
        (Setting.rpcPort, "65536"), (.rpcPort, "-1"), (.rpcHost, ""), (.logLevel, "loud"),
        (.logFormat, "xml"), (.checkpointBytes, "0"), (.checkpointHeights, "x"),
        (.peerListen, "host"), (.peerListen, ":1"), (.peerListen, "h:65536"),
        (.peerListen, "::1:80"), (.peerPlaces, "h:1"), (.peerPlaces, "0xaa@h:1"),
        (.peerPlaces, "0x00000000000000000000000000000000000000aa@h:0"),
        (.hiddenPrice, "-1"), (.hiddenPrice, "1.5"), (.hiddenShare, "10001"),
        (.hiddenShare, ""), (.hiddenKeyFile, ""),
        (.peerRole, "Observer"), (.peerRole, ""), (.peerObservers, "0xaa"),
        (
            .peerObservers,
            "0x00000000000000000000000000000000000000aa,"
                + "0x00000000000000000000000000000000000000aa"
        ),
        (
            .peerPlaces,
            "0x00000000000000000000000000000000000000aa@h:1,"
                + "0x00000000000000000000000000000000000000aa@h:2"
        ),
    ])
    func refusesMalformedValue(_ setting: Setting, _ value: String) throws {
        let scratch = try Scratch()
        let error = #expect(throws: ConfigurationError.self) {
            try load(scratch, environment: [setting.environmentName: value])
        }
        guard case .malformed(let origin, value, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(origin == .environment(setting.environmentName))
    }

    /// The library ends the process over a table whose name begins with none of its characters.
    @Test(arguments: [
        "[rpc\n", "[!]\n", "a = 1\n [ \u{e9}]\n", "[[.a]]\n", "[\n", "[", "\u{feff}[=]\n", "[]\n",
    ])
    func refusesWhatIsNoTOML(_ file: String) throws {
        let scratch = try Scratch()
        let error = #expect(throws: ConfigurationError.self) { try load(scratch, file: file) }
        guard case .notTOML(scratch["config.toml"], _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func refusesListsAsValues() throws {
        let scratch = try Scratch()
        #expect(
            throws: ConfigurationError.malformed(
                .file(path: scratch["config.toml"], key: "rpc.port"), value: "array",
                expected: "a string or an integer")
        ) { try load(scratch, file: "[rpc]\nport = [1]\n") }
    }
}
