import TallyConsensus
import TallyCrypto
import TallyPrimitives
import Testing

/// Signatures that cost one hash: r is a hash of signer and digest, s names the signer. Nobody in a
/// test forges them by accident.
struct TestScheme: SignatureScheme {
    static func signature(_ address: Address, _ digest: Hash32) -> RecoverableSignature {
        let name = [UInt8](repeating: 0, count: 12) + address.bytes
        guard let s = Hash32(name) else { preconditionFailure("32 bytes") }
        return RecoverableSignature(
            r: SHA256.plain(address.bytes + digest.bytes), s: s, yParity: 0)
    }

    func signer(of signature: RecoverableSignature, over digest: Hash32) -> Address? {
        guard let address = Address(signature.s.bytes.dropFirst(12)),
            signature == Self.signature(address, digest)
        else { return nil }
        return address
    }
}

struct TestSigner: VoteSigner {
    let address: Address

    /// No member of any fixture.
    static let stranger = TestSigner(address: Address.zero)

    func sign(_ digest: Hash32) -> RecoverableSignature { TestScheme.signature(address, digest) }

    func sign<Content: Statement>(_ statement: Content, validators: Hash32) -> Signed<Content> {
        let digest = statement.digest(Fixture.chain, validators: validators)
        return Signed(statement, sender: address, signature: sign(digest))
    }
}

/// Blocks of a height, a parent, a time and any content: rlp of the four.
struct TestBlocks: BlockReader {
    static func make(
        _ height: UInt64, parent: Hash32, time: UInt64 = 0, content: String
    ) -> ProposedBlock {
        let body = RLPEncoder.list {
            $0.append(height)
            $0.append(parent)
            $0.append(time)
            $0.append(Array(content.utf8))
        }
        return ProposedBlock(
            height: Height(height), parent: parent, digest: SHA256.plain(body),
            timestamp: BeaconTime(milliseconds: time), body: body)
    }

    func block(body: [UInt8]) -> ProposedBlock? {
        try? RLPDecoder.list(body) { (list) throws(RLPError) in
            let height = try list.nextHeight()
            let parent: Hash32 = try list.nextFixed()
            let time = try list.nextTime()
            _ = try list.nextString()
            return ProposedBlock(
                height: height, parent: parent, digest: SHA256.plain(body), timestamp: time,
                body: body)
        }
    }
}

/// A chain identity, members and the messages they could send.
struct Fixture: Sendable {
    static let chain = ChainIdentity(genesis: SHA256.plain(Array("genesis".utf8)), chainID: 7)
    static let genesis = Ibft.Head(
        height: .genesis, digest: chain.genesis, timestamp: BeaconTime(milliseconds: 0))

    let set: ValidatorSet
    /// Member i proposes where height + round is i modulo their number.
    let members: [Address]

    init(_ count: Int, powers: [UInt64]? = nil, seed: UInt8 = 1) throws {
        let seed = SHA256.plain([seed])
        let addresses = try (0..<count).map {
            try #require(Address([UInt8](repeating: 0, count: 18) + [1, UInt8($0)]))
        }
        let equal = try ValidatorSet(addresses.map { .init(address: $0, power: 1) }, seed: seed)
        members = equal.order.map { equal.validators[$0].address }
        let weighted = members.enumerated().map {
            Validator(address: $1, power: powers?[$0] ?? 1)
        }
        set = try ValidatorSet(weighted, seed: seed)
    }

    func sets(_ heights: ClosedRange<UInt64> = 1...2) -> ValidatorSets {
        ValidatorSets(Dictionary(uniqueKeysWithValues: heights.map { (Height($0), set) }))
    }

    func authenticator(bodyBytes: Int = 1 << 16) -> Authenticator<TestScheme, TestBlocks> {
        Authenticator(
            chain: Self.chain, limits: MessageLimits(bodyBytes: bodyBytes), scheme: TestScheme(),
            reader: TestBlocks())
    }

    func sign<Content: Statement>(
        _ statement: Content, _ member: Int, chain: ChainIdentity = Self.chain,
        validators: Hash32? = nil
    ) -> Signed<Content> {
        let digest = statement.digest(chain, validators: validators ?? set.hash)
        return Signed(
            statement, sender: members[member],
            signature: TestScheme.signature(members[member], digest))
    }

    func prepare(_ member: Int, _ height: UInt64, _ round: UInt32, _ digest: Hash32) -> Prepare {
        sign(
            PrepareStatement(height: Height(height), round: Round(round), digest: digest), member)
    }

    func commit(_ member: Int, _ height: UInt64, _ round: UInt32, _ digest: Hash32) -> Commit {
        sign(CommitStatement(height: Height(height), round: Round(round), digest: digest), member)
    }

    func certificate(
        _ height: UInt64, _ round: UInt32, _ digest: Hash32, by signers: [Int]
    ) -> PreparedCertificate {
        PreparedCertificate(
            round: Round(round), digest: digest,
            endorsements: signers.map { prepare($0, height, round, digest) }.map {
                Endorsement(sender: $0.sender, signature: $0.signature)
            }.sorted { $0.sender < $1.sender })
    }

    func change(
        _ member: Int, _ height: UInt64, _ round: UInt32, _ prepared: PreparedCertificate? = nil
    ) -> RoundChange {
        RoundChange(
            sign(
                RoundChangeStatement(
                    height: Height(height), round: Round(round), prepared: prepared?.report),
                member),
            certificate: prepared)
    }

    func proposal(
        _ member: Int, _ round: UInt32, _ block: ProposedBlock,
        _ justification: Justification? = nil
    ) -> Proposal {
        let statement = ProposalStatement(
            height: block.height, round: Round(round), parent: block.parent, digest: block.digest,
            justification: justification?.hash ?? .zero)
        return Proposal(sign(statement, member), justification: justification, block: block)
    }

    func final(_ round: UInt32, _ block: ProposedBlock, by signers: [Int]) -> Final {
        let statement = CommitStatement(
            height: block.height, round: Round(round), digest: block.digest)
        let pairs = signers.map {
            (set.index(of: members[$0]) ?? 0, sign(statement, $0).signature)
        }.sorted { $0.0 < $1.0 }
        return Final(
            certificate: FinalCertificate(
                height: block.height, round: Round(round), digest: block.digest,
                signers: pairs.map(\.0), seals: pairs.map(\.1)),
            block: block)
    }
}
