import TallyCLI
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallySharding
import Testing

@Suite struct DirectoryVerbTests {
    private static let account = "0x00000000000000000000000000000000000000aa"

    @Test func genesisIsWrittenCheckedAndNamed() async throws {
        let scratch = try Scratch()
        let file = scratch["genesis.json"]
        let made = await tally(
            "genesis", "new", "--chain-id", "7", "--shards", "2", "--name", "test",
            "--account", "\(Self.account)=2ether", "--validator", Self.account, "--out", file)
        #expect(made.code == 0, "\(made.error)")
        let checked = try await tally("genesis", "validate", file, "--json").json
        #expect(checked["valid"] == true)
        #expect(checked["chainId"] == 7)
        #expect(checked["shards"] == 2)
        #expect(checked["supply"] == "2000000000000000000")
        let hash = await tally("genesis", "hash", file)
        #expect(hash.output == (checked["hash"]?.stringValue ?? "") + "\n")
    }

    @Test func genesisFaultsNameFileAndField() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("{\"shard\": 2}", to: "genesis.json")
        let outcome = await tally("genesis", "validate", file, "--json")
        #expect(outcome.code == 1)
        #expect(outcome.errorCode == "genesis")
        #expect(outcome.error.contains("'shard'"))
        #expect(outcome.error.contains(file))
    }

    @Test func initMakesAValidatorOnce() async throws {
        let scratch = try Scratch()
        let password = try scratch.write("secret\n", to: "password")
        let genesis = scratch["genesis.json"]
        #expect(
            await tally("genesis", "new", "--account", "\(Self.account)=1", "--out", genesis).code
                == 0)
        let arguments = [
            "init", "--data-dir", scratch["ledger"], "--genesis", genesis, "--password-file",
            password, "--json",
        ]
        let console = CapturedConsole()
        #expect(await CommandLineTool.run(arguments, console: console.console) == 0)
        let made = try JSON.parse(Array(console.output.utf8))
        let keys = try await tally("keys", "list", "--data-dir", scratch["ledger"], "--json").json
        #expect(keys["addresses"] == made["validators"])
        let document = try DataDirectory(path: scratch["ledger"]).genesis()
        #expect(
            made["validators"]
                == .array(document.genesis.validators.map { .string($0.description) }))
        #expect(made["genesisHash"] == .string(document.genesis.hash.description))
        let again = CapturedConsole()
        #expect(await CommandLineTool.run(arguments, console: again.console) == 1)
        #expect(again.error.contains("there is a ledger in"))
    }

    @Test func startNeedsALedger() async throws {
        let scratch = try Scratch()
        let outcome = await tally("start", "--data-dir", scratch["none"])
        #expect(outcome.code == 1)
        #expect(outcome.error.contains("there is no ledger in"))
        #expect(try Files.entries(of: scratch.path) == [])
    }

    /// NET-27
    @Test func startTellsWhatKeyItMisses() async throws {
        let scratch = try Scratch()
        let ledger = scratch["ledger"]
        let network = DevNetwork(layout: try #require(ShardLayout(shardCount: 1)))
        try DataDirectory(path: ledger)
            .create(network.genesis(time: BeaconTime(milliseconds: 1)))
        let folder = KeyFolder(path: ledger + "/keys")
        func start(_ flags: String...) async -> Outcome {
            await tally(["start", "--data-dir", ledger, "--json"] + flags)
        }
        #expect(await start().error.contains("there is no key of \(network.validator.address)"))
        #expect(await start("--observe").error.contains("tally keys new"))
        let cost = try ScryptCost(n: 2, r: 8, p: 1)
        _ = try folder.add(network.accounts[0].key, password: "a", cost: cost)
        let stranger = await start()
        #expect(stranger.errorCode == "node")
        #expect(stranger.error.contains("no validator of this network"))
        #expect(stranger.error.contains("--observe"))
        _ = try folder.add(network.validator, password: "a", cost: cost)
        #expect(await start("--observe").error.contains("--key-file"))
        let password = try scratch.write("a\n", to: "password")
        let voting = await start(
            "--observe", "--password-file", password, "--key-file",
            "\(folder.path)/\(network.validator.address).json")
        #expect(voting.errorCode == "node")
        #expect(voting.error.contains("would vote"))
    }

    @Test func devRefusesAnotherNumberOfShards() async throws {
        let scratch = try Scratch()
        let network = DevNetwork(layout: try #require(ShardLayout(shardCount: 2)))
        try DataDirectory(path: scratch["ledger"])
            .create(network.genesis(time: BeaconTime(milliseconds: 1)))
        let outcome = await tally(
            "dev", "--data-dir", scratch["ledger"], "--shards", "3", "--json")
        #expect(outcome.code == 1)
        #expect(outcome.errorCode == "shards")
    }

    @Test func devRefusesALedgerOfSomebodyElse() async throws {
        let scratch = try Scratch()
        let file = scratch["genesis.json"]
        _ = await tally("genesis", "new", "--validator", Self.account, "--out", file)
        let made = await tally("init", "--data-dir", scratch["ledger"], "--genesis", file)
        #expect(made.code == 0, "\(made.error)")
        #expect(made.output.contains("Put the validator's keystore file into"))
        let outcome = await tally("dev", "--data-dir", scratch["ledger"], "--json")
        #expect(outcome.errorCode == "notDev")
    }

    @Test func unknownSettingsStopTheStart() async throws {
        let scratch = try Scratch()
        _ = try scratch.write("[rpc]\nprot = 1\n", to: "config.toml")
        let outcome = await tally("dev", "--data-dir", scratch.path, "--json")
        #expect(outcome.code == 1)
        #expect(outcome.errorCode == "configuration")
        #expect(outcome.error.contains("did you mean 'rpc.port'"))
    }
}
