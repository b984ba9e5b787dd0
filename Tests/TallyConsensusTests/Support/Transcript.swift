import FoundationEssentials
import TallyConsensus
import TallyPrimitives

/// A script of commands with the effects they had, as text:
///
///     commit n2 1/0 A
///     ----
///     persist 4: decision 1/0 A by n1 n2 n3
///
/// Lines that begin with `#` are comments. With `TALLY_REWRITE` in the environment the file is
/// written anew with the effects that there are, to be read before they are committed.
struct Transcript {
    let url: URL

    init(_ name: String) {
        url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Transcripts").appending(path: name)
    }

    /// - Returns: the text that the file has, the text that it should have, and what was refused.
    func replay() throws -> (expected: String, actual: String, refusals: Set<RefusalName>) {
        let expected = String(decoding: try Data(contentsOf: url), as: UTF8.self)
        var stage = Stage()
        var actual = ""
        for block in expected.split(separator: "\n\n") {
            let lines = block.split(separator: "\n").map(String.init)
            let script = lines.prefix { $0 != "----" }
            actual += script.map { $0 + "\n" }.joined()
            let commands = script.filter { !$0.hasPrefix("#") }
            if !commands.isEmpty {
                actual += "----\n"
                for command in commands {
                    actual += try stage.run(command).map { $0 + "\n" }.joined()
                }
            }
            actual += "\n"
        }
        if ProcessInfo.processInfo.environment["TALLY_REWRITE"] != nil, actual != expected {
            try Data(actual.utf8).write(to: url)
        }
        return (expected, actual, stage.refusals)
    }
}

struct ScriptError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// One machine, and what the others of its network could send to it.
struct Stage {
    private var fixture: Fixture?
    private var machine: Ibft?
    private var me = 0
    private var cache = SignatureCache()
    private var blocks: [String: ProposedBlock] = [:]
    private var waiting: [PersistToken] = []
    private var disk: [(PersistToken, [ConsensusRecord])] = []
    private var durable: [ConsensusRecord] = []
    private var head = Fixture.genesis
    private var requests: [Ibft.ValidationRequest] = []
    private var messageLimit = 1 << 16
    /// Why messages were refused so far.
    private(set) var refusals: Set<RefusalName> = []

    mutating func run(_ command: String) throws -> [String] {
        var words = command.split(separator: " ").map(String.init)
        let verb = words.removeFirst()
        switch verb {
        case "node": return try begin(words)
        case "block":
            try define(words)
            return []
        case "restart", "crash": return try restart(words)
        case "limit":
            messageLimit = Int(try word(words, 0)) ?? 0
            return []
        default: break
        }
        var effects: [Ibft.Effect] = []
        for input in try inputs(verb, words) {
            switch input {
            case .success(let input): effects += try give(input)
            case .failure(let refusal):
                refusals.insert(RefusalName(refusal))
                return ["refused: \(describe(refusal))"]
            }
        }
        return effects.map(describe)
    }

    private mutating func give(_ input: Ibft.Input) throws -> [Ibft.Effect] {
        guard let effects = machine?.handle(input) else { throw ScriptError("no node yet") }
        for effect in effects {
            if case .persist(let records, let token) = effect { disk.append((token, records)) }
            if case .validate(let request, _) = effect { requests.append(request) }
            if case .refuse(let refusal, _) = effect { refusals.insert(RefusalName(refusal)) }
            if case .decide(let decision) = effect {
                head = Ibft.Head(
                    height: decision.block.height, digest: decision.block.digest,
                    timestamp: decision.block.timestamp)
            }
        }
        return effects
    }

    // MARK: Setting the stage

    /// `node n0 of 4`, `node n0 of 4 powers 5 1 1 1`, `node n0 of 4 lost`
    private mutating func begin(_ words: [String]) throws -> [String] {
        let count = Int(try word(words, 2)) ?? 0
        let isWeighted = words.count > 4 && words[3] == "powers"
        let fixture = try Fixture(
            count, powers: isWeighted ? words[4...].compactMap { UInt64($0) } : nil)
        self.fixture = fixture
        me = try member(try word(words, 0))
        (blocks, disk, durable, head) = ([:], [], [], Fixture.genesis)
        let memory: Ibft.Memory =
            words.last == "lost" ? .lost : .none
        return try start(memory)
    }

    private mutating func start(_ memory: Ibft.Memory) throws -> [String] {
        guard let fixture else { throw ScriptError("no node yet") }
        let low = head.height.value - min(head.height.value, 8)
        let sets = fixture.sets(max(1, low)...head.height.value + 2)
        machine = Ibft(
            Ibft.Configuration(chain: Fixture.chain),
            signer: TestSigner(address: fixture.members[me]),
            start: Ibft.Start(
                head: head, sets: sets, memory: memory, nonce: Fixture.chain.genesis))
        requests = []
        return try give(.start).map(describe)
    }

    /// `restart`; `restart by-log` reads the beacon log before the vote log; `restart open` finds
    /// records of open heights only, as after a checkpoint.
    private mutating func restart(_ words: [String]) throws -> [String] {
        disk = []
        switch words.first {
        case "by-log":
            let bodies = durable.filter { $0.log == .beacon }
            return try start(.records(bodies + durable.filter { $0.log == .votes }))
        case "open":
            let open = durable.filter { $0.height.map { $0 > head.height } ?? true }
            return try start(.records(open))
        default: return try start(.records(durable))
        }
    }

    /// `block A 1 genesis`, `block B 2 A time 7`
    private mutating func define(_ words: [String]) throws {
        let height = UInt64(try word(words, 1)) ?? 0
        let parent = try word(words, 2)
        let time = words.count > 4 ? UInt64(words[4]) : nil
        blocks[words[0]] = TestBlocks.make(
            height, parent: parent == "genesis" ? Fixture.genesis.digest : try block(parent).digest,
            time: time ?? height, content: words[0])
    }

    // MARK: Inputs

    private typealias Answer = Result<Ibft.Input, MessageRefusal>

    private mutating func inputs(_ verb: String, _ words: [String]) throws -> [Answer] {
        switch verb {
        case "start": return [.success(.start)]
        case "work": return [.success(.work)]
        case "built": return [.success(.built(try block(try word(words, 0))))]
        case "body": return [.success(.body(try block(try word(words, 0))))]
        case "nothing": return [.success(.nothingToBuild(try height(try word(words, 0))))]
        case "peer-head":
            let peer = words.count > 1 ? fixture?.members[try member(words[1])] : nil
            return [.success(.peerHead(try height(try word(words, 0)), from: peer))]
        case "applied":
            guard let fixture else { throw ScriptError("no node yet") }
            let height = try height(try word(words, 0))
            return [.success(.applied(height, setAfterNext: fixture.set))]
        case "valid", "invalid":
            let digest = try block(try word(words, 0)).digest
            guard let place = requests.firstIndex(where: { $0.digest == digest }) else {
                throw ScriptError("nobody asked about \(words[0])")
            }
            let request = requests.remove(at: place)
            return [.success(.validated(request, verb == "valid" ? .valid : .invalid))]
        case "persisted":
            guard let last = disk.last else { throw ScriptError("nothing to persist") }
            let count = words.isEmpty ? disk.count : Int(words[0]) ?? 0
            let token = words.isEmpty ? last.0 : disk[count - 1].0
            durable += disk.prefix(count).flatMap(\.1)
            disk.removeFirst(count)
            return [.success(.persisted(token))]
        case "timer": return [.success(.timer(try timer(words)))]
        case "padded":
            let count = Int(try word(words, 0)) ?? 0
            let message = try message(try word(words, 1), Array(words[2...]))
            return [try authenticate(message.wire + Array(repeating: 0, count: count))]
        default: return [try authenticate(try message(verb, words).wire)]
        }
    }

    private func timer(_ words: [String]) throws -> Ibft.Timer {
        switch try word(words, 0) {
        case "round":
            let (height, round) = try slot(try word(words, 1))
            return .round(height, round)
        case "heartbeat": return .heartbeat(try height(try word(words, 1)))
        case "retransmission": return .retransmission(try height(try word(words, 1)))
        case "head-query": return .headQuery
        default: throw ScriptError("no timer \(words)")
        }
    }

    private mutating func authenticate(_ bytes: [UInt8]) throws -> Answer {
        guard let fixture, let machine else { throw ScriptError("no node yet") }
        do throws(MessageRefusal) {
            return .success(
                .message(
                    try fixture.authenticator(bodyBytes: messageLimit).authenticate(
                        bytes: bytes, sets: machine.sets, cache: &cache)))
        } catch { return .failure(error) }
    }

    // MARK: Messages

    /// `proposal n1 1/0 A`; `proposal n2 1/1 B changes n0 n1:A@0 n3 cert A@0 n0 n1 n3`;
    /// `prepare n2 1/0 A`; `commit n2 1/0 A`; `round-change n2 1/1`;
    /// `round-change n2 1/1 cert A@0 n0 n1 n3`; `final 1/0 A n1 n2 n3`; `head-query n1 0`;
    /// `head-answer n1 4 A`. `claiming n3` behind a vote puts another sender on the envelope,
    /// `chain other` signs it for another ledger, `as stranger` by who is no member, `body B` swaps
    /// the body. `padded 300 prepare n1 1/0 A` has so many bytes more.
    private func message(_ verb: String, _ words: [String]) throws -> Message {
        guard let fixture else { throw ScriptError("no node yet") }
        if verb == "final" {
            let (_, round) = try slot(try word(words, 0))
            return .final(
                fixture.final(
                    round.value, try block(try word(words, 1)), by: try words[2...].map(member)))
        }
        let sender = try member(try word(words, 0))
        switch verb {
        case "head-query":
            return .headQuery(
                fixture.sign(
                    HeadQueryStatement(
                        height: try height(try word(words, 1)), nonce: Fixture.chain.genesis),
                    sender, validators: .zero))
        case "head-answer":
            return .headAnswer(
                fixture.sign(
                    HeadAnswerStatement(
                        height: try height(try word(words, 1)),
                        digest: words[2] == "genesis"
                            ? Fixture.genesis.digest : try block(words[2]).digest,
                        nonce: words.last == "stale" ? .zero : Fixture.chain.genesis),
                    sender, validators: .zero))
        default: break
        }
        let (height, round) = try slot(try word(words, 1))
        switch verb {
        case "proposal": return .proposal(try proposal(sender, height, round, words))
        case "prepare":
            let statement = PrepareStatement(
                height: height, round: round, digest: try block(words[2]).digest)
            return .prepare(try envelope(statement, sender, words))
        case "commit":
            let statement = CommitStatement(
                height: height, round: round, digest: try block(words[2]).digest)
            return .commit(try envelope(statement, sender, words))
        case "round-change":
            let certificate = try certificate(height, words)
            var report = certificate?.report
            if let place = words.firstIndex(of: "reporting") {
                report = try self.report(words[place + 1])
            }
            let statement = RoundChangeStatement(height: height, round: round, prepared: report)
            return .roundChange(
                RoundChange(try envelope(statement, sender, words), certificate: certificate))
        default: throw ScriptError("no command \(verb)")
        }
    }

    private func envelope<Content: Statement>(
        _ statement: Content, _ sender: Int, _ words: [String]
    ) throws -> Signed<Content> {
        guard let fixture else { throw ScriptError("no node yet") }
        let other = ChainIdentity(genesis: .zero, chainID: 8)
        let signed = fixture.sign(
            statement, sender, chain: words.suffix(2) == ["chain", "other"] ? other : Fixture.chain)
        if words.suffix(2) == ["as", "stranger"] {
            return TestSigner.stranger.sign(statement, validators: fixture.set.hash)
        }
        guard let place = words.firstIndex(of: "claiming") else { return signed }
        let claimed = try member(words[place + 1])
        return Signed(
            statement, sender: fixture.members[claimed], signature: signed.signature)
    }

    private func proposal(
        _ sender: Int, _ height: Height, _ round: Round, _ words: [String]
    ) throws -> Proposal {
        guard let fixture else { throw ScriptError("no node yet") }
        let block = try block(words[2])
        var justification: Justification?
        if let place = words.firstIndex(of: "changes") {
            let list = words[(place + 1)...].prefix { !["cert", "body"].contains($0) }
            justification = Justification(
                roundChanges: try list.map { try nested($0, height, round) },
                certificate: try certificate(height, words))
        }
        let proposal = fixture.proposal(sender, round.value, block, justification)
        let signed = try envelope(proposal.signed.statement, sender, words)
        let body = try words.firstIndex(of: "body").map { try self.block(words[$0 + 1]) }
        return Proposal(signed, justification: justification, block: body ?? block)
    }

    /// `n0`, `n0:A@0`, `n0:A@0/2` for another round than that of the proposal
    private func nested(
        _ text: String, _ height: Height, _ round: Round
    ) throws -> Signed<RoundChangeStatement> {
        guard let fixture else { throw ScriptError("no node yet") }
        let target = text.split(separator: "/").map(String.init)
        let parts = target[0].split(separator: ":").map(String.init)
        let other = target.count > 1 ? UInt32(target[1]).map(Round.init) : nil
        return fixture.sign(
            RoundChangeStatement(
                height: height, round: other ?? round,
                prepared: parts.count > 1 ? try report(parts[1]) : nil),
            try member(parts[0]))
    }

    private func certificate(_ height: Height, _ words: [String]) throws -> PreparedCertificate? {
        guard let place = words.firstIndex(of: "cert"), let fixture else { return nil }
        let report = try report(words[place + 1])
        let signers = words[(place + 2)...].prefix { $0.hasPrefix("n") }
        return fixture.certificate(
            height.value, report.round.value, report.digest, by: try signers.map(member))
    }

    // MARK: Words

    private func word(_ words: [String], _ place: Int) throws -> String {
        guard words.indices.contains(place) else { throw ScriptError("too few words: \(words)") }
        return words[place]
    }

    private func member(_ name: String) throws -> Int {
        guard name.hasPrefix("n"), let index = Int(name.dropFirst()), let fixture,
            fixture.members.indices.contains(index)
        else { throw ScriptError("no member \(name)") }
        return index
    }

    private func block(_ name: String) throws -> ProposedBlock {
        guard let block = blocks[name] else { throw ScriptError("no block \(name)") }
        return block
    }

    private func height(_ text: String) throws -> Height {
        guard let value = UInt64(text) else { throw ScriptError("no height \(text)") }
        return Height(value)
    }

    /// `1/0`: height and round
    private func slot(_ text: String) throws -> (Height, Round) {
        let parts = text.split(separator: "/").map(String.init)
        guard parts.count == 2, let round = UInt32(parts[1]) else {
            throw ScriptError("no height and round: \(text)")
        }
        return (try height(parts[0]), Round(round))
    }

    /// `A@0`
    private func report(_ text: String) throws -> PreparedReport {
        let parts = text.split(separator: "@").map(String.init)
        guard parts.count == 2, let round = UInt32(parts[1]) else {
            throw ScriptError("no report: \(text)")
        }
        return PreparedReport(round: Round(round), digest: try block(parts[0]).digest)
    }

    private var names: Names {
        var digests: [Hash32: String] = [Fixture.genesis.digest: "genesis"]
        for (name, block) in blocks { digests[block.digest] = name }
        return Names(members: fixture?.members ?? [], set: fixture?.set, digests: digests)
    }

    private func describe(_ effect: Ibft.Effect) -> String { names.text(effect) }
    private func describe(_ refusal: MessageRefusal) -> String { names.text(refusal) }
}
