import TallyConsensus
import TallyCrypto
import TallyPrimitives

/// Four members, of whom the input plays three, and signatures that anybody can write: one that
/// libFuzzer would have to forge keeps it from all that lies behind.
struct OpenCommittee: Sendable {
    static let chain = ChainIdentity(
        genesis: SHA256.plain(Array("genesis".utf8)), chainID: 7)
    let set: ValidatorSet
    /// Member i proposes where height + round is i modulo their number.
    let members: [Address]

    static let shared = OpenCommittee()

    private init() {
        let validators = (0..<4).map {
            Validator(address: Address(words: (0, 0, UInt32($0) + 1)), power: 1)
        }
        do throws(ValidatorSetError) {
            set = try ValidatorSet(validators, seed: Self.chain.genesis)
        } catch { preconditionFailure("four members: \(error)") }
        members = set.order.map { [set] in set.validators[$0].address }
    }

    var authenticator: Authenticator<OpenSignatures, OpenBlocks> {
        Authenticator(
            chain: Self.chain, limits: MessageLimits(bodyBytes: 4_096), scheme: OpenSignatures(),
            reader: OpenBlocks())
    }

    var sets: ValidatorSets { ValidatorSets([Height(1): set, Height(2): set]) }
    static let head = Ibft.Head(
        height: .genesis, digest: chain.genesis, timestamp: BeaconTime(milliseconds: 0))
}

/// A signature names its signer in `r`, and is good for any digest.
struct OpenSignatures: SignatureScheme {
    static func signature(_ address: Address) -> RecoverableSignature {
        guard let r = Hash32([UInt8](repeating: 0, count: 12) + address.bytes) else {
            preconditionFailure("32 bytes")
        }
        return RecoverableSignature(r: r, s: .zero, yParity: 0)
    }

    func signer(of signature: RecoverableSignature, over digest: Hash32) -> Address? {
        signature.s == .zero ? Address(signature.r.bytes.dropFirst(12)) : nil
    }
}

struct OpenSigner: VoteSigner {
    let address: Address
    func sign(_ digest: Hash32) -> RecoverableSignature { OpenSignatures.signature(address) }
}

/// Blocks of a height, a parent, a time and a number, whose digest is the number repeated.
struct OpenBlocks: BlockReader {
    init() {}

    static func body(
        _ height: UInt64, parent: Hash32, time: UInt64, number: UInt64
    ) -> [UInt8] {
        RLPEncoder.list {
            $0.append(height)
            $0.append(parent)
            $0.append(time)
            $0.append(number)
        }
    }

    static func digest(_ number: UInt64) -> Hash32 {
        Hash32(words: (number, number, number, number))
    }

    func block(body: [UInt8]) -> ProposedBlock? {
        try? RLPDecoder.list(body) { (list) throws(RLPError) in
            ProposedBlock(
                height: try list.nextHeight(), parent: try list.nextFixed(),
                digest: .zero, timestamp: try list.nextTime(), body: body
            ).named(Self.digest(try list.nextInteger()))
        }
    }
}

extension ProposedBlock {
    fileprivate func named(_ digest: Hash32) -> ProposedBlock {
        ProposedBlock(
            height: height, parent: parent, digest: digest, timestamp: timestamp, body: body)
    }
}

/// FUZZ-6
func checkMessage(_ bytes: [UInt8]) throws(Violation) {
    let committee = OpenCommittee.shared
    var cache = SignatureCache()
    let strict = Authenticator(
        chain: OpenCommittee.chain, limits: MessageLimits(bodyBytes: 4_096),
        scheme: NoSignatures(), reader: OpenBlocks())
    var empty = SignatureCache()
    try check(
        (try? strict.authenticate(bytes: bytes, sets: committee.sets, cache: &empty)) == nil,
        "FUZZ-6: a message that nobody signed")
    guard
        let found = try? committee.authenticator.authenticate(
            bytes: bytes, sets: committee.sets, cache: &cache)
    else { return }
    let message = found.message
    try check(
        bytes.count <= MessageLimits(bodyBytes: 4_096).bytes(message.kind),
        "FUZZ-2: a message beyond its limit")
    if let sender = message.sender, message.kind != .headQuery, message.kind != .headAnswer {
        try check(committee.set.contains(sender), "FUZZ-6: a vote of a stranger")
    }
    // Nested votes that count for nothing are left out, so the bytes may be fewer, once.
    let wire = message.wire
    try check(wire.count <= bytes.count, "FUZZ-1: a message grows")
    if wire.count == bytes.count {
        try check(wire == bytes, "FUZZ-1: a message has two encodings")
    }
    let again = try? committee.authenticator.authenticate(
        bytes: wire, sets: committee.sets, cache: &cache)
    try check(again?.message.wire == wire, "FUZZ-6: what was taken is not taken again")
}

private struct NoSignatures: SignatureScheme {
    func signer(of signature: RecoverableSignature, over digest: Hash32) -> Address? { nil }
}

/// FUZZ-7. The input is a list of messages, and of numbers that stand for what happens else.
func checkAgreement(_ bytes: [UInt8]) throws(Violation) {
    let committee = OpenCommittee.shared
    let authenticator = committee.authenticator
    var cache = SignatureCache()
    var run = AgreementRun()
    var input = RLPDecoder(bytes)
    try run.handle(.start)
    for _ in 0..<64 {
        guard !input.isAtEnd, !run.isHalted, let item = try? input.nextEncoded() else { return }
        guard item.count > 1 else {
            try run.happens(item.first ?? 0)
            continue
        }
        guard
            let message = try? authenticator.authenticate(
                bytes: Array(item), sets: run.machine.sets, cache: &cache)
        else { continue }
        try run.handle(.message(message))
    }
}

/// A machine, what it has asked for, and what it has signed.
private struct AgreementRun {
    var machine: Ibft
    private(set) var isHalted = false
    private var builds: [Ibft.BuildRequest] = []
    private var validations: [Ibft.ValidationRequest] = []
    private var persists: [PersistToken] = []
    private var applied: [Height] = []
    private var timers: [Ibft.Timer] = []
    private var signed: [Slot: Hash32] = [:]
    private var decided: [Height: Hash32] = [:]

    private struct Slot: Hashable {
        let kind: MessageKind
        let height: Height
        let round: Round
    }

    init() {
        let committee = OpenCommittee.shared
        machine = Ibft(
            Ibft.Configuration(chain: OpenCommittee.chain),
            signer: OpenSigner(address: committee.members[0]),
            start: Ibft.Start(
                head: OpenCommittee.head, sets: committee.sets, memory: .none,
                nonce: OpenCommittee.chain.genesis))
    }

    /// What the surroundings do of their own accord.
    mutating func happens(_ number: UInt8) throws(Violation) {
        let place = Int(number) / 8
        switch number % 8 {
        case 0: try handle(.work)
        case 1:
            guard let token = persists.last else { return }
            try handle(.persisted(token))
        case 2:
            guard let request = builds.last else { return }
            let body = OpenBlocks.body(
                request.height.value, parent: request.parent, time: request.height.value,
                number: 1_000 + request.height.value)
            guard let block = OpenBlocks().block(body: body) else { return }
            try handle(.built(block))
        case 3:
            guard let request = builds.last, !request.isMandatory else { return }
            try handle(.nothingToBuild(request.height))
        case 4:
            guard !validations.isEmpty else { return }
            try handle(.validated(validations[place % validations.count], .valid))
        case 5:
            guard !validations.isEmpty else { return }
            try handle(.validated(validations[place % validations.count], .invalid))
        case 6:
            guard !timers.isEmpty else { return }
            try handle(.timer(timers[place % timers.count]))
        default:
            guard !applied.isEmpty else { return }
            try handle(.applied(applied.removeFirst(), setAfterNext: OpenCommittee.shared.set))
        }
    }

    mutating func handle(_ input: Ibft.Input) throws(Violation) {
        for effect in machine.handle(input) { try note(effect) }
        try check(machine.storedVotes <= 200, "FUZZ-7: \(machine.storedVotes) votes are kept")
    }

    private mutating func note(_ effect: Ibft.Effect) throws(Violation) {
        switch effect {
        case .broadcast(let message), .send(let message, _): try noteSigned(message)
        case .persist(_, let token): persists.append(token)
        case .schedule(let timer, let after):
            try check(after > .zero, "FUZZ-7: a timer that does not wait")
            timers.append(timer)
            timers = timers.suffix(32)
        case .build(let request): builds.append(request)
        case .validate(let request, _): validations.append(request)
        case .decide(let decision):
            let height = decision.block.height
            try check(decided[height] == nil, "FUZZ-7: a height decided twice")
            try check(
                decision.certificate.digest == decision.block.digest,
                "FUZZ-7: a decision of another block")
            decided[height] = decision.block.digest
            applied.append(height)
        case .report(let evidence):
            try check(
                evidence.offender != machine.address, "FUZZ-7: evidence against an honest node")
        case .halt: isHalted = true
        case .sendFinal, .requestBody, .requestSync, .lateSeal, .refuse: break
        }
    }

    /// Never two statements of a kind, height and round.
    private mutating func noteSigned(_ message: Message) throws(Violation) {
        guard message.sender == machine.address else { return }
        let (round, digest): (Round, Hash32) =
            switch message {
            case .proposal(let one): (one.round, one.signed.statement.digest)
            case .prepare(let one): (one.round, one.statement.digest)
            case .commit(let one): (one.round, one.statement.digest)
            case .roundChange(let one): (one.round, one.signed.statement.prepared?.digest ?? .zero)
            case .final, .headQuery, .headAnswer: (.zero, .zero)
            }
        guard digest != .zero else { return }
        let slot = Slot(kind: message.kind, height: message.height, round: round)
        if let before = signed[slot] {
            try check(before == digest, "FUZZ-7: two statements in one round")
        }
        signed[slot] = digest
    }
}
