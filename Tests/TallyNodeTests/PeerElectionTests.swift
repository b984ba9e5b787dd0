import Foundation
import TallyClient
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyNetwork
import TallyNode
import TallyPrimitives
import TallyRPC
import TallySharding
import TallyTransactions
import Testing

/// A node joins a network that runs, stakes, and votes in the place of another (STAKE-13, JOIN-2).
@Suite(.serialized, .timeLimit(.minutes(4))) struct PeerElectionTests {
    private static let newcomer = 4
    private static let loser = 3

    private func network() throws -> PeerTestNetwork {
        try PeerTestNetwork(validators: 4, observers: 1) { parameters in
            var economy = EconomyParameters.emc
            economy.firstValidators = 4
            economy.validators.minimumStake = Amount(1_000)
            economy.validators.minimumTermDays = 1
            parameters.economy = economy
            parameters.epochMilliseconds = NetworkParameters.minimumEpochOfEconomy
            parameters.heartbeatMilliseconds = 1_000
            parameters.minimumBaseFee = Amount(1)
        }
    }

    private func stake(_ key: PrivateKey, _ amount: UInt64) -> [UInt8] {
        let operation = ValidatorOperation.stakeRole(
            .validator, termDays: 1, value: Amount(UInt128(amount)))
        return Envelope(
            chainID: DevNetwork.chainID, nonce: 0, weightLimit: 200_000, maxFee: Amount(1_000),
            maxPriorityFee: Amount(1), to: operation.target.to, value: operation.target.value,
            data: operation.callData
        ).signed(by: key)
    }

    /// The newest block once `isDone` of it, within two minutes.
    private func block(
        _ client: LedgerClient, _ isDone: (JSON) -> Bool
    ) async throws -> JSON {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            let block = try await client.call("beacon_block")
            if isDone(block) { return block }
        }
        Issue.record("it does not come")
        return .null
    }

    private func signers(_ block: JSON) -> [JSON] {
        (block["finality"]?["seals"]?.arrayValue ?? []).compactMap { $0["validator"] }
    }

    @Test func whoStakesVotesInThePlaceOfAnother() async throws {
        let network = try network()
        let genesis = network.genesis.genesis
        let newcomer: JSON = .string(network.keys[Self.newcomer].address.description)
        let loser: JSON = .string(network.keys[Self.loser].address.description)
        var final = JSON.null
        try await network.run { group in
            var clients: [LedgerClient] = []
            for index in 0..<5 { clients.append(try await network.start(index, in: &group)) }
            for index in [0, 1, 2, Self.newcomer] {
                _ = try await clients[index].send(
                    raw: stake(network.keys[index], 5_000 + UInt64(index)))
            }
            // Sealed by the newcomer, which no set of the genesis has.
            final = try await block(clients[Self.loser]) { signers($0).contains(newcomer) }
            #expect(!signers(final).contains(loser))
            // Who lost its place follows, and what it takes is settled by the others.
            let hash = try await clients[Self.loser].send(raw: network.transfer(0))
            while try await !clients[Self.loser].status(of: hash, waitUntil: .settled).isSettled {}
            let info = try await clients[Self.newcomer].call("node_info")
            #expect(info["role"] == "observer", "as it was started")
        }
        try check(final, genesis)
        for index in [0, Self.loser, Self.newcomer] {
            let report = try SupplyAudit.run(
                directory: network.directory(index), genesis: genesis, isDeep: true)
            #expect(report.findings.isEmpty, "node \(index): \(report.findings)")
        }
        try checkSnapshots(network, genesis)
        try await checkRoles(network)
    }

    /// PROOF-18: nobody is asked, and nothing may be left out.
    private func check(_ document: JSON, _ genesis: Genesis) throws {
        let (header, _) = try HeaderDocument.beaconHeader(document)
        let seals = try FinalityDocument.verify(document, of: header, genesis)
        #expect(seals?.quorum == 3 && seals?.total == 4)
        let finality = try #require(document["finality"])
        #expect(finality["elections"]?.arrayValue?.isEmpty == false)
        let members = try #require(finality.objectValue?.members)
        let bare = members.map {
            $0.key == "elections" ? JSONObject.Member("elections", []) : $0
        }
        let changed = try #require(document.objectValue?.members).map {
            $0.key == "finality"
                ? JSONObject.Member("finality", .object(JSONObject(bare))) : $0
        }
        let error = #expect(throws: ProofDocumentError.self) {
            try FinalityDocument.verify(.object(JSONObject(changed)), of: header, genesis)
        }
        guard case .notFinal(_, quorum: 3) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    /// SNAP-6: a snapshot shows its sets, and what is restored from it shows them again.
    private func checkSnapshots(_ network: PeerTestNetwork, _ genesis: Genesis) throws {
        let scratch = try Scratch()
        let path = scratch.path + "-snapshot"
        try FileManager.default.createDirectory(
            atPath: scratch.path, withIntermediateDirectories: true)
        let made = try Snapshot.create(
            directory: network.directory(0), genesis: genesis, path: path)
        #expect(made.validators == 4 && made.seals >= 3)
        _ = try Snapshot.restore(path, into: scratch.path, genesis: genesis)
        let again = try Snapshot.create(
            directory: scratch.path, genesis: genesis, path: path + "-again")
        #expect(again.beacon == made.beacon)

        // Nothing of it can be left out, or said twice.
        let code = { () -> String in
            do throws(SnapshotError) {
                _ = try Snapshot.verify(path, genesis: genesis)
                return "good"
            } catch { return error.code }
        }
        #expect(code() == "good")
        let elections = URL(filePath: path + "/elections-000000.rlp")
        let good = Array(try Data(contentsOf: elections))
        for (bytes, refusal) in [([], "tooFewSeals"), (good + good, "elections")] {
            try Data(bytes).write(to: elections)
            try state(bytes, of: elections.lastPathComponent, in: path)
            #expect(code() == refusal)
        }
    }

    /// Makes the manifest fit a file.
    private func state(_ bytes: [UInt8], of name: String, in path: String) throws {
        let file = URL(filePath: path + "/manifest.json")
        var manifest = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        var files = try #require(manifest["files"] as? [[String: Any]])
        let index = try #require(files.firstIndex { $0["name"] as? String == name })
        files[index]["bytes"] = bytes.count
        files[index]["sha256"] = String(SHA256.plain(bytes).description.dropFirst(2))
        manifest["files"] = files
        try JSONSerialization.data(withJSONObject: manifest).write(to: file)
    }

    /// NET-27: the ledger knows whose key is a validator's.
    private func checkRoles(_ network: PeerTestNetwork) async throws {
        await #expect {
            _ = try await network.open(Self.newcomer, knowing: [])
        } throws: {
            guard case .votingObserver(network.keys[Self.newcomer].address) = $0 as? NodeError
            else { return false }
            return true
        }
        let node = try await network.open(Self.newcomer, knowing: []) {
            $0.peers.role = .validator
        }
        #expect(node.height > .genesis)
    }
}
