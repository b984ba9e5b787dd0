import TallyClient
import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyCLI

/// One transaction that eth-account signed; numbers are decimal text.
private struct SignedVector: Decodable {
    let name: String
    let type: UInt8
    let chainId: String
    let nonce: String
    let gas: String
    let maxFeePerGas: String
    let maxPriorityFeePerGas: String
    let to: String
    let value: String
    let data: String
    let raw: String
    let hash: String
    let sender: String
    let v: String
    let r: String
    let s: String
}

@Suite struct DecodeVerbTests {
    private static let key: PrivateKey = {
        guard let key = try? PrivateKey([UInt8](repeating: 0x46, count: 32)) else {
            preconditionFailure("in range")
        }
        return key
    }()

    private func answers(_ outcome: Outcome) throws -> [JSON] {
        try outcome.output.split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
    }

    private static func quantity(_ decimal: String) -> JSON {
        .string(UInt128(decimal).map { Hex.quantity($0) } ?? "none")
    }

    @Test func explainsWhatOthersSigned() async throws {
        let vectors: [SignedVector] = try Vectors.json("transactions/eth-account.json")
        #expect(vectors.count == 60)
        let outcome = await tally(
            ["tx", "decode"], input: vectors.map(\.raw).joined(separator: "\n") + "\n")
        #expect(outcome.code == 0)
        let answers = try answers(outcome)
        #expect(answers.count == 60)
        for (vector, answer) in zip(vectors, answers) {
            #expect(answer["hash"] == .string(vector.hash), "\(vector.name)")
            #expect(answer["sender"] == .string(vector.sender), "\(vector.name)")
            #expect(answer["type"] == Self.quantity("\(vector.type)"), "\(vector.name)")
            #expect(answer["to"] == .string(vector.to), "\(vector.name)")
            #expect(answer["input"] == .string(vector.data), "\(vector.name)")
            for (name, value) in [
                ("chainId", vector.chainId), ("nonce", vector.nonce), ("value", vector.value),
                ("gasLimit", vector.gas),
            ] {
                #expect(answer[name] == Self.quantity(value), "\(vector.name)")
            }
            let isDynamic = vector.type == 2
            let price = Self.quantity(vector.maxFeePerGas)
            #expect(answer["gasPrice"] == (isDynamic ? nil : price), "\(vector.name)")
            #expect(answer["maxFeePerGas"] == (isDynamic ? price : nil), "\(vector.name)")
            #expect(
                answer["maxPriorityFeePerGas"]
                    == (isDynamic ? Self.quantity(vector.maxPriorityFeePerGas) : nil))
            let signature = try #require(answer["signature"])
            #expect(signature["r"] == .string(vector.r), "\(vector.name)")
            #expect(signature["s"] == .string(vector.s), "\(vector.name)")
            #expect(signature["v"] == Self.quantity(vector.v), "\(vector.name)")
            #expect(answer["operation"]?["family"] == "transfer", "\(vector.name)")
        }
    }

    private static func signed(_ operation: TransferOperation) throws -> String {
        let target = try #require(operation.target)
        let envelope = Envelope(
            chainID: 1337, nonce: 7, weightLimit: 10_000_000, maxFee: Amount(5),
            maxPriorityFee: Amount(1), to: target.to, value: target.value,
            data: operation.callData)
        return Hex.encode(envelope.signed(by: key))
    }

    @Test func explainsEveryOperation() async throws {
        let to = Address(words: (0, 0, 0xaa))
        let legs = [
            TransferLeg(to: to, value: Amount(1)),
            TransferLeg(
                to: to, value: Amount(.max >> 1),
                terms: .creditBy(BeaconTime(milliseconds: 1_000))),
            TransferLeg(to: to, value: Amount(3), terms: .runAt(BeaconTime(milliseconds: 16))),
        ]
        let text = "0x00000000000000000000000000000000000000aa"
        let expected: [(TransferOperation, JSON)] = [
            (
                .single(to: to, value: Amount(255)),
                ["family": "transfer", "kind": "single", "to": .string(text), "value": "0xff"]
            ),
            (
                .batch(legs),
                [
                    "family": "transfer", "kind": "batch",
                    "legs": [
                        ["to": .string(text), "value": "0x1"],
                        [
                            "to": .string(text), "value": "0x7fffffffffffffffffffffffffffffff",
                            "creditBy": "0x3e8",
                        ],
                        ["to": .string(text), "value": "0x3", "runAt": "0x10"],
                    ],
                ]
            ),
            (.claimEscrow, ["family": "transfer", "kind": "claimEscrow"]),
            (
                .setCreditPolicy(.refuse),
                ["family": "transfer", "kind": "setCreditPolicy", "policy": "refuse"]
            ),
            (
                .setCreditPolicy(.accept),
                ["family": "transfer", "kind": "setCreditPolicy", "policy": "accept"]
            ),
        ]
        for (operation, json) in expected {
            let outcome = await tally(["tx", "decode", try Self.signed(operation)])
            #expect(outcome.code == 0, "\(outcome.output)")
            #expect(try outcome.json["operation"] == json)
        }
    }

    @Test func refusedLinesAreAnsweredAndDoNotStopTheOthers() async throws {
        let good = try Self.signed(.claimEscrow)
        let lines = [
            good, "zz", "", String(good.dropLast(2)), String(good.dropFirst(2)), "0x", "0x00",
            good + "00", String(repeating: "a", count: 600_000), " \t" + good + " ", " ", good,
        ]
        let outcome = await tally(["tx", "decode"], input: lines.joined(separator: "\n"))
        #expect(outcome.code == 1)
        #expect(outcome.error == "tally: 8 of 12 transactions are refused\n")
        let codes = try answers(outcome).map { $0["error"]?["code"]?.stringValue }
        #expect(
            codes == [
                nil, "notHex", "empty", "truncated", nil, "empty", "unsupportedType",
                "trailingBytes", "oversized", nil, "empty", nil,
            ])
        let other = await tally(["tx", "decode", "--chain-id", "1", good])
        #expect(other.code == 1)
        #expect(try other.json["error"]?["code"] == "wrongChainId")
        for id in ["1337", "0x539"] {
            #expect(await tally("tx", "decode", "--chain-id", id, good).code == 0)
        }
        for id in ["0", "0x0", "0x", "0x0539", "-1", "18446744073709551616"] {
            #expect(await tally("tx", "decode", "--chain-id", id, good).code == 2)
        }
    }

    /// A legacy transaction signed as before EIP-155.
    @Test func aTransactionOfNoChainIsRefused() async throws {
        let example =
            "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000"
            + "8025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f"
            + "761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
        #expect(await tally("tx", "decode", example).code == 0)
        let outcome = await tally("tx", "decode", example.replacing("8025a0", with: "801ba0"))
        #expect(outcome.code == 1)
        #expect(try outcome.json["error"]?["code"] == "missingChainId")
    }
}
