import TallyClient
import TallyNode
import TallyPrimitives

/// A node of a localnet.
struct LocalnetNode: Hashable, Sendable {
    enum Role: String, Hashable, Sendable {
        case validator, observer
    }

    /// `node-1` and on.
    let id: String
    let role: Role
    let address: Address
    let rpcPort: Int
    let peerPort: Int
    /// The last that was started; `nil` once it was seen to have ended.
    var process: ProcessMark?

    var rpc: String { "http://127.0.0.1:\(rpcPort)" }
    var isRunning: Bool { process?.isRunning ?? false }
    /// Its number, while it runs.
    var pid: Int32? { isRunning ? process?.pid : nil }

    static func id(_ number: Int) -> String { "node-\(number)" }
}

/// `localnet.json`: the nodes and their processes (LOCAL-7).
struct LocalnetState: Hashable, Sendable {
    static let version: UInt64 = 1

    let genesisHash: Hash32
    let shards: Int
    /// Whether everything that the file names was made.
    var isFinished: Bool
    var nodes: [LocalnetNode]

    func count(_ role: LocalnetNode.Role) -> Int { nodes.count { $0.role == role } }

    /// - Parameter name: an id, or its number alone.
    /// - Throws: `.unknownNode`.
    func index(of name: String) throws(LocalnetError) -> Int {
        let found = nodes.firstIndex { $0.id == name || $0.id == "node-" + name }
        guard let found else { throw .unknownNode(id: name, known: nodes.map(\.id)) }
        return found
    }

    // MARK: The file

    var json: JSON {
        [
            "version": JSON(Self.version), "finished": .bool(isFinished),
            "genesisHash": .string(genesisHash.description), "shards": JSON(shards),
            "nodes": .array(nodes.map(\.json)),
        ]
    }

    /// - Parameter file: for messages.
    /// - Throws: `.damaged`, `.unknownVersion`.
    init(_ bytes: [UInt8], file: String) throws(LocalnetError) {
        let json: JSON
        do throws(JSONError) {
            json = try JSON.parse(bytes)
        } catch { throw .damaged(file: file, reason: "\(error)") }
        guard let version = json["version"]?.uint64Value else {
            throw .damaged(file: file, reason: "it states no version")
        }
        guard version == Self.version else { throw .unknownVersion(file: file, found: version) }
        guard let hash: Hash32 = json["genesisHash"]?.fixedBytes(),
            let shards = json["shards"]?.uint64Value,
            let isFinished = json["finished"]?.boolValue, let list = json["nodes"]?.arrayValue
        else { throw .damaged(file: file, reason: "a field is missing or malformed") }
        var nodes: [LocalnetNode] = []
        for (index, json) in list.enumerated() {
            // LOCAL-10: ids become paths, and none but ours is believed.
            guard let node = LocalnetNode(json: json), node.id == LocalnetNode.id(index + 1) else {
                throw .damaged(file: file, reason: "node \(index + 1) is malformed")
            }
            nodes.append(node)
        }
        self.init(
            genesisHash: hash, shards: Int(clamping: shards), isFinished: isFinished, nodes: nodes)
    }

    init(genesisHash: Hash32, shards: Int, isFinished: Bool, nodes: [LocalnetNode]) {
        self.genesisHash = genesisHash
        self.shards = shards
        self.isFinished = isFinished
        self.nodes = nodes
    }
}

extension LocalnetNode {
    fileprivate var json: JSON {
        [
            "id": .string(id), "role": .string(role.rawValue),
            "address": .string(address.description), "rpcPort": JSON(rpcPort),
            "peerPort": JSON(peerPort),
            "process": process.map {
                [
                    "pid": JSON($0.pid), "startTicks": JSON($0.startTicks),
                    "boot": .string($0.boot),
                ]
            } ?? .null,
        ]
    }

    fileprivate init?(json: JSON) {
        func port(_ name: String) -> Int? {
            json[name]?.uint64Value.flatMap(UInt16.init(exactly:)).map(Int.init)
        }
        guard let id = json["id"]?.stringValue,
            let role = json["role"]?.stringValue.flatMap(Role.init(rawValue:)),
            let address: Address = json["address"]?.fixedBytes(), let rpcPort = port("rpcPort"),
            let peerPort = port("peerPort"), let process = json["process"]
        else { return nil }
        var mark: ProcessMark?
        if !process.isNull {
            guard let pid = process["pid"]?.uint64Value.flatMap(Int32.init(exactly:)),
                let ticks = process["startTicks"]?.uint64Value,
                let boot = process["boot"]?.stringValue
            else { return nil }
            mark = ProcessMark(pid: pid, startTicks: ticks, boot: boot)
        }
        self.init(
            id: id, role: role, address: address, rpcPort: rpcPort, peerPort: peerPort,
            process: mark)
    }
}
