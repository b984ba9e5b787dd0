import Foundation
import TallyClient
import TallyCrypto
import TallyExecution
import TallyNetwork
import TallyNode
import TallyPrimitives
import TallySharding
import TallyTransactions

@testable import FuzzTargets

/// A valid input: without it libFuzzer would have to find out what an input looks like.
struct Specimen {
    let target: FuzzTarget
    let name: String
    let bytes: [UInt8]

    init(_ target: FuzzTarget, _ name: String, _ bytes: [UInt8]) {
        self.target = target
        self.name = name + ".input"
        self.bytes = bytes
    }

    init(_ target: FuzzTarget, _ name: String, _ text: String) {
        self.init(target, name, Array(text.utf8))
    }

    static func all() throws -> [Specimen] {
        let ledger = try SpecimenLedger()
        return try codecs() + envelopes() + frames() + documents() + calls() + webSockets()
            + AgreementSpecimens().all() + ledger.blocks() + ledger.proofs()
            + ledger.storedValues() + journals(ledger)
    }

    // MARK: Codecs

    private static func codecs() -> [Specimen] {
        let nested = RLPEncoder.list { out in
            out.append(UInt64(1_000))
            out.append([UInt8](repeating: 7, count: 60))
            out.list { out in out.append(Hash32.zero) }
        }
        return [
            Specimen(.rlp, "list", [0xc8, 0x83, 0x63, 0x61, 0x74, 0x83, 0x64, 0x6f, 0x67]),
            Specimen(.rlp, "nested", nested), Specimen(.rlp, "integers", [0x80, 1, 0x82, 4, 0]),
            Specimen(.rlp, "address", [0x94] + [UInt8](repeating: 9, count: 20)),
        ]
    }

    static func key(_ name: String) throws -> PrivateKey {
        try PrivateKey(SHA256.hash(.object, Array(name.utf8)))
    }

    private static func envelopes() throws -> [Specimen] {
        let key = try key("sender")
        let to = try Self.key("recipient").address
        func signed(_ type: EnvelopeType, _ operation: TransferOperation) throws -> [UInt8] {
            let target = try Self.found(operation.target)
            return Envelope(
                type: type, chainID: 1337, nonce: 3, weightLimit: 200_000,
                maxFee: Amount(2_000_000_000), maxPriorityFee: Amount(1), to: target.to,
                value: target.value, data: operation.callData
            ).signed(by: key)
        }
        let legs = [
            TransferLeg(to: to, value: Amount(5)),
            TransferLeg(
                to: to, value: Amount(7), terms: .creditBy(BeaconTime(milliseconds: 9_000))),
            TransferLeg(to: to, value: Amount(1), terms: .runAt(BeaconTime(milliseconds: 8_000))),
        ]
        return [
            Specimen(
                .envelope, "legacy", try signed(.legacy, .single(to: to, value: Amount(1 << 70)))),
            Specimen(
                .envelope, "access-list",
                try signed(.accessList, .single(to: to, value: Amount(0)))),
            Specimen(
                .envelope, "dynamic-fee",
                try signed(.dynamicFee, .single(to: to, value: Amount(1)))),
            Specimen(.envelope, "batch", try signed(.dynamicFee, .batch(legs))),
            Specimen(.envelope, "claim", try signed(.legacy, .claimEscrow)),
            Specimen(.envelope, "policy", try signed(.dynamicFee, .setCreditPolicy(.refuse))),
        ]
    }

    static func found<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Missing() }
        return value
    }

    struct Missing: Error {}

    private static func frames() -> [Specimen] {
        let hash = SHA256.plain(Array("body".utf8))
        let frames: [PeerFrame] = [
            .ping(1 << 40), .pong(0), .vote([0xc1, 2]), .block([0xc2, 1, 0x80]),
            .head(Height(300), digest: hash), .bodyRequest(hash), .body(hash, [1, 2, 3]),
            .body(hash, nil), .finalsRequest(first: Height(5), last: Height(20)),
            .transactions([[1, 2, 3], [], [0x7f]]), .outline([0xc2, 1, 0x80]),
            .missingRequest(hash, [0, 7, 8, 30]), .missing(hash, []), .goodbye(3),
        ]
        return [
            Specimen(.frames, "every-kind", [0] + frames.flatMap(\.bytes)),
            Specimen(.frames, "pieces", [12] + frames.prefix(4).flatMap(\.bytes)),
            Specimen(.frames, "greeting", [1] + greetingFrame() + PeerFrame.ping(5).bytes),
        ]
    }

    private static func journals(_ ledger: SpecimenLedger) -> [Specimen] {
        let record = AgreementSpecimens().undecidedRecord
        return [
            Specimen(.journal, "file", [0] + journalSegment([[1, 2, 3], record, []])),
            Specimen(.journal, "changed-byte", [1, 0, 100, 4, 1, 2, 3, 0xff, 4, 5, 6, 0xff, 7]),
            Specimen(.journal, "early-end", [1, 0, 150, 0, 1, 2, 3, 0xff, 4, 5, 6, 0xff, 7]),
            Specimen(.journal, "payload", [2] + record + record),
        ]
    }

    // MARK: Documents

    private static func documents() throws -> [Specimen] {
        let address = try key("peer").address
        let layout = try found(ShardLayout(shardCount: 2))
        let document = DevNetwork(layout: layout).genesis(time: BeaconTime(milliseconds: 5_000))
        let settings = """
            [rpc]
            host = "127.0.0.1"
            port = 8545

            [peer]
            listen = "[::1]:8600"
            places = "\(address)@10.0.0.2:8600"
            role = 'observer'
            observers = "\(address)"

            [checkpoint]
            transactions = 10_000
            bytes = 0x100000
            heights = 100

            [log]
            level = "debug"
            format = "json"
            """
        let keystore = try KeystoreFile(
            encrypting: key("kept"), password: "p", cost: ScryptCost(n: 2, r: 8, p: 1),
            random: { count throws(SecureRandomError) in
                (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0) }
            })
        let pbkdf2 = String(decoding: keystore.json(), as: UTF8.self)
            .replacing("\"kdf\":\"scrypt\"", with: "\"kdf\":\"pbkdf2\"")
            .replacing("\"n\":2,\"p\":1,\"r\":8", with: "\"c\":262144,\"prf\":\"hmac-sha256\"")
        return [
            Specimen(.configuration, "every-setting", settings),
            Specimen(
                .configuration, "inline", "rpc = { port = 1 }\n\"log\".\"level\" = \"info\"\n"),
            Specimen(.genesis, "dev", document.text),
            Specimen(
                .genesis, "least",
                "{\"timeMilliseconds\":1,\"accounts\":[],\"validators\":[\"\(address)\"]}"),
            Specimen(.keystore, "scrypt", keystore.json()), Specimen(.keystore, "pbkdf2", pbkdf2),
            Specimen(
                .json, "values",
                "[null,true,-1,18446744073709551615,1.5e-3,"
                    + "\"a\\u00e9\\ud83d\\ude00\\n\",{\"a\":[]}]"),
            Specimen(
                .json, "texts",
                "[\"0x0\",\"0xabc\",\"0x00ff\",\"340282366920938463463374607431768211455\","
                    + "\"\(address)\"]"),
        ]
    }

    private static func calls() -> [Specimen] {
        let address = "0x00000000000000000000000000000000000000aa"
        let hash = "0x" + String(repeating: "1", count: 64)
        let calls: [(String, String)] = [
            ("eth_chainId", "[]"), ("eth_getBalance", "[\"\(address)\",\"latest\"]"),
            ("eth_getTransactionCount", "[\"\(address)\",\"pending\"]"),
            ("eth_getBlockByNumber", "[\"0x0\",true]"),
            ("eth_getBlockByHash", "[\"\(hash)\",false]"),
            ("eth_feeHistory", "[\"0x2\",\"latest\",[10,50.5]]"),
            ("eth_estimateGas", "[{\"to\":\"\(address)\",\"value\":\"0x1\",\"data\":\"0x\"}]"),
            (
                "eth_call",
                "[{\"to\":\"0x000000000000000000000000000000000000c001\",\"data\":\"0x01020304\"},"
                    + "\"latest\"]"
            ),
            ("eth_sendRawTransaction", "[\"0x02f86d\"]"),
            ("eth_getTransactionByHash", "[\"\(hash)\"]"), ("eth_getCode", "[\"\(address)\"]"),
            ("eth_getTransactionByBlockNumberAndIndex", "[\"earliest\",\"0x0\"]"),
            ("shard_list", "[]"), ("shard_getTransactionStatus", "[\"\(hash)\",\"final\",5]"),
            ("shard_getAccountProof", "[\"\(address)\",\"latest\"]"),
            ("node_info", "{}"), ("rpc.discover", "[]"), ("nothing", "{\"a\":1}"),
        ]
        func call(_ index: Int, _ one: (String, String)) -> String {
            "{\"jsonrpc\":\"2.0\",\"id\":\(index),\"method\":\"\(one.0)\",\"params\":\(one.1)}"
        }
        let single = calls.enumerated().map { index, one in
            Specimen(.jsonRPC, one.0, call(index, one))
        }
        let batch = calls.prefix(3).enumerated().map(call).joined(separator: ",")
        let notification = "{\"jsonrpc\":\"2.0\",\"method\":\"eth_chainId\"}"
        return single + [
            Specimen(.jsonRPC, "batch", "[\(batch),\(notification),1]"),
            Specimen(.jsonRPC, "notification", notification),
            Specimen(.jsonRPC, "empty-batch", "[]"),
        ]
    }

    private static func webSockets() -> [Specimen] {
        func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
            let mask: [UInt8] = [1, 2, 3, 4]
            let count: [UInt8] =
                payload.count < 126
                ? [0x80 | UInt8(payload.count)]
                : [0xfe, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
            return [first] + count + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
        }
        let call = Array("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"}".utf8)
        let subscribe = Array(
            ("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"eth_subscribe\",\"params\":"
                + "[\"newHeads\"]}").utf8)
        return [
            Specimen(.webSocket, "call", frame(0x81, call)),
            Specimen(.webSocket, "subscribe", frame(0x81, subscribe) + frame(0x82, call)),
            Specimen(
                .webSocket, "parts",
                frame(1, Array(call.prefix(10))) + frame(0x89, [1, 2])
                    + frame(0x80, Array(call.dropFirst(10)))),
            Specimen(.webSocket, "close", frame(0x8a, []) + frame(0x88, [3, 0xe8])),
            Specimen(
                .webSocket, "long", frame(0x81, call + [UInt8](repeating: 0x20, count: 200))),
        ]
    }
}
