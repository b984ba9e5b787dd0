import FoundationEssentials
import TallyClient
import TallyEngine
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyRPC

/// The published views and those of the code, and what all of them have in common.
@Suite struct PublishedViewTests {
    private static func parameters(_ published: [PublishedABI.Parameter]) -> [String] {
        published.map { "\($0.canonical) \($0.name)" }
    }

    private static func parameters(_ own: [CallParameter]) -> [String] {
        own.map { "\($0.type.rawValue) \($0.name)" }
    }

    @Test func viewsAreThePublishedOnes() throws {
        let documents = try PublishedABI.documents()
        #expect(Set(documents) == Set(StillLedger.doors.keys))
        for document in documents {
            let door = try #require(StillLedger.doors[document])
            let views = CallView.all(at: door)
            let published = try PublishedABI.entries(document).filter(\.isView)
            #expect(published.map(\.signature) == views.map(\.signature), "\(document)")
            for (entry, view) in zip(published, views) {
                #expect(Self.parameters(entry.inputs) == Self.parameters(view.inputs))
                #expect(
                    Self.parameters(entry.outputs ?? []) == Self.parameters(view.outputs),
                    "\(entry.name)")
                #expect(!view.outputs.isEmpty)
            }
        }
    }

    /// As eth-utils 6.0.0 computes them from the documents.
    @Test(
        arguments: [
            ("currentEpoch()", [0x76, 0x67, 0x18, 0x08]),
            ("rewardPoolOf(uint32)", [0xe4, 0xec, 0xfd, 0xbc]),
            ("bidOf(bytes32,address)", [0xe1, 0x4a, 0xb0, 0x7a]),
            ("orderOf(bytes32)", [0xd5, 0xa0, 0x14, 0xe5]),
            ("nodeOf(address)", [0x68, 0x2a, 0x91, 0x41]),
            ("roundOf(address)", [0x8f, 0xed, 0x58, 0x13]),
            ("owedOf(address,bytes32)", [0x61, 0x0f, 0x47, 0xf6]),
            ("stakersOf(uint8)", [0xdf, 0x11, 0x18, 0xfd]),
            ("validators()", [0xca, 0x1e, 0x78, 0x19]),
        ] as [(String, [UInt8])])
    func selectorsAreTheKnownOnes(_ signature: String, _ bytes: [UInt8]) {
        #expect(Selector(signature).bytes == bytes)
        #expect(StillLedger.doors.values.contains { CallView.named(bytes, at: $0) != nil })
    }

    /// Those of transfers are RPC-40's.
    @Test func everyViewIsOnItsFamilysPage() throws {
        for document in try PublishedABI.documents() where document != "cross-shard" {
            let page = Vectors.specification("transactions/\(document).md")
            let text = try String(contentsOf: page, encoding: .utf8)
            for entry in try PublishedABI.entries(document) where entry.isView {
                let inputs = entry.inputs.map { "\($0.type) \($0.name)" }
                let row = "| `\(entry.name)(\(inputs.joined(separator: ", ")))` |"
                #expect(text.contains(row), "\(row)")
            }
        }
    }

    /// RPC-52: where there is nothing, an answer and not a refusal.
    @Test func whatIsNotThereIsZero() async throws {
        try await withObjects([]) { ledger in
            for (document, door) in StillLedger.doors where door != ReservedAddress.crossShard {
                for entry in try PublishedABI.entries(document) where entry.isView {
                    // Shard 1, and the role of validators.
                    let words = entry.inputs.map { input in
                        input.type == "address" || input.type == "bytes32"
                            ? ObjectID(owner: StillLedger.account(7), number: 1).word
                            : Hash32(number: 1)
                    }
                    let owner = Hash32(StillLedger.account(7))
                    let arguments = zip(entry.inputs, words).map {
                        $0.type == "address" ? owner : $1
                    }
                    let answer = try await ledger.view(document, entry.name, arguments)
                    guard !["currentEpoch", "emission", "validators"].contains(entry.name) else {
                        #expect(answer.values.contains { $0 != "0" })
                        continue
                    }
                    let nothing: Set = [
                        "0", "[]", "0x", Hash32.zero.description, Address.zero.description,
                    ]
                    #expect(nothing.isSuperset(of: answer.values), "\(entry.name): \(answer)")
                }
            }
        }
    }

    private func expectReverted(
        _ ledger: StillLedger, _ document: String, _ signature: String, _ words: [Hash32],
        cut: Int = 0, _ what: Comment
    ) async throws {
        let failure = try await ledger.failure(document, signature, words, cut: cut)
        #expect(
            failure == ["code": 3, "message": "execution reverted", "data": "0x"], what)
    }

    @Test func otherArgumentsRevert() async throws {
        try await withObjects([]) { ledger in
            for (document, door) in StillLedger.doors {
                for view in CallView.all(at: door) {
                    let words = view.inputs.map { _ in Hash32(number: 0) }
                    try await expectReverted(
                        ledger, document, view.signature, words + [Hash32(number: 0)],
                        "\(view.name): a word too many")
                    guard !words.isEmpty else { continue }
                    try await expectReverted(
                        ledger, document, view.signature, words, cut: 1,
                        "\(view.name): a byte too few")
                    let full = Hash32(words: (.max, .max, .max, .max))
                    try await expectReverted(
                        ledger, document, view.signature, view.inputs.map { _ in full },
                        "\(view.name): bits outside of the type")
                }
            }
            let cases: [(String, String, [Hash32])] = [
                ("validator", "stakersOf(uint8)", [Hash32(number: 0)]),
                ("validator", "stakersOf(uint8)", [Hash32(number: 3)]),
                ("epochs", "rewardPoolOf(uint32)", [Hash32(number: 3)]),
                ("job", "orderOf(bytes32)", [Hash32(words: (1, 1, 1, 1))]),
                // What another family answers, and what a transaction calls.
                ("node", "roundOf(address)", [Hash32(number: 0)]), ("node", "unstake()", []),
                ("job", "settle(bytes32)", [Hash32(number: 0)]),
            ]
            for (document, signature, words) in cases {
                try await expectReverted(
                    ledger, document, signature, words, "\(document): \(signature)")
            }
        }
    }
}
