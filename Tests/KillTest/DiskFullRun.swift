import Foundation
import Glibc
import TallyClient
import TallyCrypto
import TallyPrimitives
import TallyTransactions

/// A node on a disk that fills up and gets space again: `tools/disk-full-test`.
struct DiskFullRun {
    let launch: NodeProcess.Launch
    /// The directory that is the small disk; the ledger lies below it.
    let disk: String

    private let book = AcknowledgedBook()
    private var nonces: [Nonce] = []
    private var problems: [String] = []
    private var refusals = 0
    private var reads = 0
    private var verified = 0
    private var kills = 0
    private var begun = 0

    /// Bytes left when the ballast is in place; less than a checkpoint needs, or than some blocks.
    private static let left = [200_000, 20_000, 60_000, 4_096, 100_000]
    private static let patience: Duration = .seconds(20)

    init(launch: NodeProcess.Launch, disk: String) {
        self.launch = launch
        self.disk = disk
    }

    /// What becomes of the node while the disk is full.
    private enum Interruption {
        case none, kill, stop
    }

    /// - Returns: whether everything was as it should be.
    mutating func run() async throws -> Bool {
        for (round, left) in Self.left.enumerated() {
            // By turns the log and the checkpoints need most of the space.
            var launch = launch
            launch.checkpointHeights = round % 2 == 0 ? 100_000 : 3
            let interruption: Interruption = [.none, .kill, .stop, .kill, .none][round]
            try await self.round(round + 1, launch, left: left, interruption)
        }
        try await finish()
        return problems.isEmpty
    }

    // MARK: A round

    private mutating func round(
        _ number: Int, _ launch: NodeProcess.Launch, left: Int, _ interruption: Interruption
    ) async throws {
        var node = try start(launch)
        defer { if node.isRunning { node.kill() } }
        var client = try RPCClient(node.rpc, timeout: Self.patience)
        try await verify(client)
        try await settle(try await send(node, client, batches: 5), client)
        try fillDisk(leaving: left)
        begun += 1
        let accepted = try await sendUntilRefused(node, client)
        try await checkReads(client)
        if interruption != .none {
            client.close()
            if interruption == .kill { node.kill() } else { try stop(node) }
            kills += interruption == .kill ? 1 : 0
            node = try start(launch)
            client = try RPCClient(node.rpc, timeout: Self.patience)
            try await verify(client)
        }
        try emptyDisk()
        try await waitUntilTaken(client)
        // Who was told that a transaction is taken finds it in a block, unless the node died.
        if interruption == .none { try await settle(accepted, client) }
        nonces = []
        try await settle(try await send(node, client, batches: 5), client)
        try await verify(client)
        client.close()
        node.kill()
        kills += 1
        say(
            "disk-full-test: round \(number): \(left) bytes left, \(accepted.count) taken before "
                + "the first refusal, \(interruption), resumed; "
                + "\(await book.order.count) final in all")
    }

    private func start(_ launch: NodeProcess.Launch) throws -> NodeProcess {
        guard let node = try NodeProcess.start(launch) else {
            throw KillTestError("the node does not start: \(launch.lastWords)")
        }
        return node
    }

    private mutating func stop(_ node: NodeProcess) throws {
        let code = node.stop()
        if code != 0 { problems.append("a stop on a full disk ended with exit code \(code)") }
    }

    // MARK: The disk

    private var ballast: String { disk + "/ballast" }

    private func fillDisk(leaving left: Int) throws {
        let descriptor = open(ballast, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw KillTestError("no ballast: errno \(errno)") }
        defer { close(descriptor) }
        var status = statvfs()
        guard statvfs(disk, &status) == 0 else { throw KillTestError("no free space to read") }
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        guard free < 1 << 30 else { throw KillTestError("\(disk) is no small disk") }
        let length = max(0, free - left) / 4_096 * 4_096
        guard posix_fallocate(descriptor, 0, off_t(length)) == 0 else {
            throw KillTestError("the ballast does not fit")
        }
    }

    private func emptyDisk() throws {
        guard unlink(ballast) == 0 else { throw KillTestError("the ballast stays") }
    }

    // MARK: Transactions

    private func raw(_ node: NodeProcess, _ sender: Int, _ nonce: Nonce) throws -> [UInt8] {
        let accounts = node.accounts
        guard let key = Hex.decode(accounts[sender].privateKey),
            let receiver = Address(hex: accounts[(sender + 1) % accounts.count].address)
        else { throw KillTestError("an account that cannot be read") }
        return Envelope(
            chainID: 1_337, nonce: nonce, weightLimit: 21_000, maxFee: Amount(1_000_000_000_000),
            maxPriorityFee: Amount(1), to: receiver, value: Amount(UInt128(1 + nonce))
        ).signed(by: try PrivateKey(key))
    }

    /// Sends one transaction of every account.
    private mutating func offer(
        _ node: NodeProcess, _ client: RPCClient
    ) async throws -> (taken: [String], refusal: RPCRemoteError?) {
        if nonces.isEmpty {
            nonces = try await client.batch(
                node.accounts.map {
                    RPCRequest("eth_getTransactionCount", [.string($0.address), "pending"])
                }
            ).map { Nonce(quantity: try $0.get().stringValue ?? "") ?? 0 }
        }
        let raws = try node.accounts.indices.map { try raw(node, $0, nonces[$0]) }
        let answers = try await client.batch(
            raws.map { RPCRequest("eth_sendRawTransaction", [.string(Hex.encode($0))]) })
        var taken: [String] = []
        var refusal: RPCRemoteError?
        for (index, answer) in answers.enumerated() {
            switch answer {
            case .success(let hash):
                taken.append(hash.stringValue ?? "")
                nonces[index] += 1
            case .failure(let error): refusal = error
            }
        }
        return (taken, refusal)
    }

    private mutating func send(
        _ node: NodeProcess, _ client: RPCClient, batches: Int
    ) async throws -> [String] {
        var hashes: [String] = []
        for _ in 0..<batches {
            let (taken, refusal) = try await offer(node, client)
            if let refusal { problems.append("refused with space there: \(refusal)") }
            hashes += taken
        }
        return hashes
    }

    private mutating func sendUntilRefused(
        _ node: NodeProcess, _ client: RPCClient
    ) async throws -> [String] {
        var hashes: [String] = []
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            let (taken, refusal) = try await offer(node, client)
            hashes += taken
            guard let refusal else { continue }
            for _ in 0..<20 {
                try await checkRefusal(refusal)
                let again = try await offer(node, client)
                guard let next = again.refusal, again.taken.isEmpty else {
                    problems.append("a full disk took \(again.taken.count) transactions")
                    break
                }
                try await checkRefusal(next)
            }
            return hashes
        }
        throw KillTestError("\(hashes.count) transactions taken and the disk is still not full")
    }

    private mutating func checkRefusal(_ error: RPCRemoteError) async throws {
        refusals += 1
        guard error.code == -32_002, error.data?["reason"] == "diskFull",
            error.data?["retryable"] == true
        else {
            problems.append("refused with another error: \(error)")
            return
        }
    }

    // MARK: Checks

    /// Waits until all are final.
    private mutating func settle(_ hashes: [String], _ client: RPCClient) async throws {
        var open = hashes
        let deadline = ContinuousClock.now + Self.patience
        while !open.isEmpty, ContinuousClock.now < deadline {
            let receipts = try await LoadClient.receipts(client, Array(open.prefix(100)))
            await book.acknowledge(receipts)
            let done = Set(receipts.map(\.hash))
            open.removeAll { done.contains($0) }
        }
        if !open.isEmpty { problems.append("\(open.count) transactions do not become final") }
    }

    /// What was acknowledged is still read while nothing can be written.
    private mutating func checkReads(_ client: RPCClient) async throws {
        try await verify(client)
        let info = try await client.call("node_info")
        if info["takesTransactions"] != false { problems.append("node_info hides it: \(info)") }
        for method in ["eth_blockNumber", "eth_gasPrice", "eth_chainId"] {
            _ = try await client.call(method)
            reads += 1
        }
    }

    private mutating func waitUntilTaken(_ client: RPCClient) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            if try await client.call("node_info")["takesTransactions"] == true { return }
            try await ContinuousClock().sleep(for: .milliseconds(20))
        }
        throw KillTestError("the node does not go on though there is space")
    }

    /// Everything ever acknowledged is where it was.
    private mutating func verify(_ client: RPCClient) async throws {
        let known = await book.toVerify(recent: .max, sample: 0, seed: 0)
        for start in stride(from: 0, to: known.count, by: 100) {
            let part = known[start..<min(start + 100, known.count)]
            let found = try await LoadClient.receipts(client, part.map(\.hash))
            let positions = Dictionary(found.map { ($0.hash, $0.position) }) { first, _ in first }
            for (hash, position) in part where positions[hash] != position {
                problems.append("\(hash) was at \(position) and is not there")
            }
        }
        reads += known.count
        verified += known.count
    }

    private mutating func finish() async throws {
        let node = try start(launch)
        let client = try RPCClient(node.rpc, timeout: Self.patience)
        try await verify(client)
        client.close()
        if node.stop() != 0 { problems.append("an orderly stop failed") }
        let audit = Process()
        audit.executableURL = URL(filePath: launch.executable)
        audit.arguments = ["audit", "supply", "--data-dir", launch.directory, "--deep"]
        audit.environment = ["PATH": "/usr/bin:/bin"]
        audit.standardOutput = FileHandle.nullDevice
        try audit.run()
        audit.waitUntilExit()
        if audit.terminationStatus != 0 {
            problems.append("the audit ended with exit code \(audit.terminationStatus)")
        }
        try await report()
    }

    private mutating func report() async throws {
        let log = try String(contentsOfFile: launch.log, encoding: .utf8).split(separator: "\n")
        let full = log.filter { $0.contains("the disk is full") }
        let again = log.filter { $0.contains("there is space again") }
        let inLog = full.filter { $0.contains("beacon log") }.count
        // A start on a full disk finds out again.
        if full.count < begun || full.count > begun + 3 || again.count < begun - 3 {
            problems.append("the log tells of \(full.count) shortages, \(again.count) ends")
        }
        say(
            """
            disk-full-test: \(begun) shortages (the log says so \(full.count) times: \(inLog) of \
            the beacon log, \(full.count - inLog) of a checkpoint; \(again.count) ends), \
            \(refusals) refusals checked, \(reads) reads meanwhile and after, \(kills) kills
            disk-full-test: \(await book.order.count) transactions acknowledged, \(verified) \
            looked up again, lost \(problems.filter { $0.contains("is not there") }.count); \
            audit clean
            """)
        problems += await book.surprises
        for problem in problems.prefix(20) { say("disk-full-test: PROBLEM: \(problem)") }
    }
}
