import FoundationEssentials
import TallyConsensus
import TallyPrimitives
import TallyTesting
import Testing

/// Bytes of messages and records (IBFT-C1 to IBFT-C4, IBFT-L3).
@Suite struct MessageCodecTests {
    private struct Samples {
        let fixture: Fixture
        let messages: [(name: String, message: Message)]
        let records: [(name: String, record: ConsensusRecord)]

        init() throws {
            let fixture = try Fixture(4)
            let block = TestBlocks.make(1, parent: Fixture.genesis.digest, time: 5, content: "A")
            let certificate = fixture.certificate(1, 0, block.digest, by: [1, 2, 3])
            let plain = fixture.change(2, 1, 1)
            let full = fixture.change(3, 1, 1, certificate)
            let free = Justification(
                roundChanges: [1, 2, 3].map { fixture.change($0, 1, 1).signed }, certificate: nil)
            let bound = Justification(
                roundChanges: [plain.signed, full.signed, fixture.change(1, 1, 1).signed],
                certificate: certificate)
            let first = fixture.proposal(1, 0, block)
            let later = fixture.proposal(2, 1, block, bound)
            let nonce = Fixture.chain.genesis
            let query = fixture.sign(
                HeadQueryStatement(height: Height(3), nonce: nonce), 1, validators: .zero)
            let answer = fixture.sign(
                HeadAnswerStatement(height: Height(3), digest: block.digest, nonce: nonce), 1,
                validators: .zero)
            let prepare = fixture.prepare(1, 1, 0, block.digest)
            let commit = fixture.commit(1, 1, 300, block.digest)
            let final = fixture.final(0, block, by: [1, 2, 3])
            self.fixture = fixture
            messages = [
                ("proposal of round 0", .proposal(first)),
                ("proposal free to choose", .proposal(fixture.proposal(2, 1, block, free))),
                ("proposal of a prepared block", .proposal(later)),
                ("prepare", .prepare(prepare)),
                ("commit of round 300", .commit(commit)),
                ("round change without report", .roundChange(plain)),
                ("round change with report", .roundChange(full)),
                ("final", .final(final)),
                ("head query", .headQuery(query)),
                ("head answer", .headAnswer(answer)),
            ]
            records = [
                ("proposal record of round 0", .proposal(first.signed, nil)),
                ("proposal record of a prepared block", .proposal(later.signed, bound)),
                ("prepare record", .prepare(prepare)),
                ("commit record", .commit(commit, certificate)),
                ("round change record without report", .roundChange(plain)),
                ("round change record with report", .roundChange(full)),
                ("observing record", .observing(nonce: nonce, until: nil)),
                ("observing record until 7", .observing(nonce: nonce, until: Height(7))),
                ("undecided record", .undecided(block)),
                ("decision record", .decision(final.certificate)),
            ]
        }

        var all: [(name: String, bytes: [UInt8])] {
            messages.map { ($0.name, $0.message.wire) }
                + records.map { ($0.name, $0.record.encoded) }
        }
    }

    /// `Golden/messages.txt`: a line of name, and bytes in lines of 64 digits.
    @Test func everyShapeHasItsGoldenBytes() throws {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Golden/messages.txt")
        var text = ""
        for (name, bytes) in try Samples().all {
            text += name + "\n"
            let digits = Array(Hex.encode(bytes).dropFirst(2))
            for start in stride(from: 0, to: digits.count, by: 64) {
                text += String(digits[start..<min(start + 64, digits.count)]) + "\n"
            }
            text += "\n"
        }
        if ProcessInfo.processInfo.environment["TALLY_REWRITE"] != nil {
            try Data(text.utf8).write(to: url)
        }
        #expect(try String(decoding: Data(contentsOf: url), as: UTF8.self) == text)
    }

    private func authenticate(
        _ bytes: [UInt8], bodyBytes: Int = 1 << 16
    ) throws -> Result<Authenticated, MessageRefusal> {
        let fixture = try Fixture(4)
        var cache = SignatureCache()
        do throws(MessageRefusal) {
            return .success(
                try fixture.authenticator(bodyBytes: bodyBytes).authenticate(
                    bytes: bytes, sets: fixture.sets(), cache: &cache))
        } catch { return .failure(error) }
    }

    @Test func readsWhatItWrote() throws {
        let samples = try Samples()
        for (name, message) in samples.messages {
            let read = try authenticate(message.wire).get().message
            #expect(read.wire == message.wire, "\(name)")
        }
        for (name, record) in samples.records {
            let read = try ConsensusRecord(encoded: record.encoded)
            #expect(read == record && read.encoded == record.encoded, "\(name)")
        }
    }

    /// Whatever is changed in a message, it is refused, and what is left of it too.
    @Test func refusesEveryChangedByte() throws {
        for (name, message) in try Samples().messages {
            let bytes = message.wire
            for i in bytes.indices {
                var changed = bytes
                changed[i] ^= 1
                guard case .success(let read) = try authenticate(changed) else { continue }
                // One wrong signature among others is left out: with four there is none to spare,
                // but ROUND-CHANGEs beyond those of a quorum may be.
                Issue.record("\(name): byte \(i) may be anything, \(read.message.kind)")
            }
            for count in bytes.indices {
                #expect(throws: MessageRefusal.self) {
                    _ = try authenticate(Array(bytes.prefix(count))).get()
                }
            }
        }
    }

    @Test func refusesTrailingBytes() throws {
        for (name, message) in try Samples().messages {
            let result = try authenticate(message.wire + [0x80])
            #expect(result == .failure(.malformed(.trailingBytes)), "\(name)")
        }
        for (name, record) in try Samples().records {
            #expect(throws: RLPError.trailingBytes, "\(name)") {
                _ = try ConsensusRecord(encoded: record.encoded + [0x80])
            }
        }
    }

    @Test func refusesUnknownKinds() throws {
        for kind: UInt8 in [0, 8, 127] {
            let bytes = RLPEncoder.list { $0.append(kind) }
            #expect(try authenticate(bytes) == .failure(.malformed(.unknownValue(UInt64(kind)))))
        }
        // One kind in the clothes of another.
        let prepare = try Samples().messages[3].message.wire
        var bytes = prepare
        bytes[2] = MessageKind.roundChange.rawValue
        guard case .failure(.malformed) = try authenticate(bytes) else {
            Issue.record("a PREPARE passed for a ROUND-CHANGE")
            return
        }
        // PREPARE and COMMIT have one form: the signature tells them apart (IBFT-R2).
        bytes[2] = MessageKind.commit.rawValue
        let sender = try Fixture(4).members[1]
        #expect(try authenticate(bytes) == .failure(.wrongSigner(claimed: sender)))
    }

    /// Size is looked at before anything else (IBFT-R12).
    @Test func refusesWhatIsTooLong() throws {
        let limits = MessageLimits(bodyBytes: 100)
        let longest = limits.bytes(.proposal)
        let flood = [UInt8](repeating: 0xff, count: longest + 1)
        #expect(
            try authenticate(flood, bodyBytes: 100)
                == .failure(.tooLong(bytes: longest + 1, limit: longest)))
        let vote = RLPEncoder.list {
            $0.append(MessageKind.prepare.rawValue)
            $0.append([UInt8](repeating: 1, count: 300))
        }
        #expect(
            try authenticate(vote) == .failure(.tooLong(bytes: vote.count, limit: 256)))
    }

    /// A full set fits: the bounds bound nothing honest.
    @Test func roomForTheLargestSet() throws {
        let fixture = try Fixture(64)
        let block = TestBlocks.make(1, parent: .zero, content: "A")
        let certificate = fixture.certificate(1, 0, block.digest, by: Array(0..<64))
        let change = Message.roundChange(fixture.change(0, 1, 1, certificate)).wire
        let share = (MessageLimits(bodyBytes: 0).bytes(.roundChange) - 384) / 512
        #expect(change.count <= 384 + 64 * share)
    }
}
