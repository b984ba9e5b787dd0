import Foundation
import TallyClient
import TallyCrypto
import TallyPrimitives

/// A node in a process of its own, running `tally dev`.
struct DemoNode: Sendable {
    /// A funded account.
    struct Account: Sendable {
        let key: PrivateKey
        let address: Address
        let shard: ShardID
    }

    let rpc: String
    let chainID: ChainID
    let accounts: [Account]
    private let child: Process?
    /// The node stops when this end of its input closes: also when this process is killed.
    private let input: Pipe?

    var process: Int32 { child?.processIdentifier ?? getpid() }

    /// Starts this very program as a node, and waits until it is ready.
    static func start(directory: String, shards: Int) async throws -> DemoNode {
        let child = Process()
        child.executableURL = URL(
            fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/exe"))
        child.arguments = [
            "dev", "--data-dir", directory, "--rpc-port", "0", "--shards", String(shards),
            "--json", "--log-level", "warning", "--until-eof",
        ]
        child.environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("TALLY_")
        }
        let (input, output) = (Pipe(), Pipe())
        child.standardInput = input
        child.standardOutput = output
        try child.run()
        let line = await firstLine(of: output.fileHandleForReading)
        guard let node = DemoNode(ready: line, child: child, input: input) else {
            try? input.fileHandleForWriting.close()
            child.waitUntilExit()
            throw CommandFailure("demo", "the node did not start")
        }
        return node
    }

    /// A node that somebody else runs.
    init(rpc: String, chainID: ChainID, accounts: [Account]) {
        self.rpc = rpc
        self.chainID = chainID
        self.accounts = accounts
        child = nil
        input = nil
    }

    /// - Parameter ready: the line that `tally dev --json` prints.
    init?(ready: [UInt8], child: Process, input: Pipe) {
        guard let json = try? JSON.parse(ready), let rpc = json["rpc"]?.stringValue,
            let chainID = json["chainId"]?.uint64Value, let list = json["accounts"]?.arrayValue
        else { return nil }
        var accounts: [Account] = []
        for account in list {
            guard let secret: Hash32 = account["privateKey"]?.fixedBytes(),
                let key = try? PrivateKey(secret), let shard = account["shard"]?.uint64Value
            else { return nil }
            accounts.append(
                Account(
                    key: key, address: key.address, shard: ShardID(UInt16(clamping: shard))))
        }
        self.rpc = rpc
        self.chainID = chainID
        self.accounts = accounts
        self.child = child
        self.input = input
    }

    /// Asks the node to stop and waits for its end.
    /// - Returns: its exit code.
    func stop() async -> Int32 {
        guard let child else { return 0 }
        child.terminate()
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                child.waitUntilExit()
                continuation.resume(returning: child.terminationStatus)
            }
        }
    }

    /// Everything before the first line end, or before the end of the stream.
    private static func firstLine(of handle: FileHandle) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var line: [UInt8] = []
                while true {
                    let data = handle.availableData
                    line.append(contentsOf: data)
                    if data.isEmpty || line.contains(UInt8(ascii: "\n")) { break }
                }
                continuation.resume(
                    returning: Array(line.prefix { $0 != UInt8(ascii: "\n") }))
            }
        }
    }
}
