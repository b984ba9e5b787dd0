import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyPrimitives
import TallySharding
import TallyTransactions
import Testing

@testable import TallyNetwork

/// A validator's answers to a peer that the test speaks for.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PeerServiceTests {
    /// Runs validator 0 of four, and gives `body` a connection with it as validator 1.
    private func withPeer(
        of existing: SocketNetwork? = nil,
        _ body: (SocketNetwork, RunningValidator, PeerLink) async throws -> Void
    ) async throws {
        let network = try existing ?? SocketNetwork(validators: 4)
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await network.start(0, in: &group)
            let validator = try #require(network.running[0])
            var configuration = network.transportConfiguration(1)
            // Where the validator does not dial it: this connection is the only one.
            configuration.listen = PeerPlace(host: "127.0.0.1", port: 0)
            let transport = try await PeerTransport.bind(
                configuration, clock: SystemClock()
            ) { _ in }
            transport.start()
            for await link in transport.established {
                try await body(network, validator, link)
                break
            }
            await transport.stop()
            await network.stopAll()
            try await group.waitForAll()
        }
    }

    /// Frames until one fits.
    private func first<Found>(
        _ link: PeerLink, _ find: (PeerFrame) -> Found?
    ) async -> Found? {
        while let frames = await link.received() {
            for frame in frames { if let found = find(frame) { return found } }
        }
        return nil
    }

    @Test func answersWhatItHas() async throws {
        try await withPeer { network, validator, link in
            link.send(.bodyRequest(Fixtures.hash("a block that nobody has")))
            let answer = await first(link) { frame in
                if case .body(let digest, let body) = frame { (digest, body) } else { nil }
            }
            #expect(answer?.0 == Fixtures.hash("a block that nobody has"))
            #expect(answer?.1 == nil)
            // Nothing is decided: no FINAL comes, and what was asked after it is answered.
            link.send(.finalsRequest(first: Height(1), last: Height(16)))
            link.send(.bodyRequest(.zero))
            let next = await first(link) { frame in
                switch frame {
                case .body(let digest, nil): digest
                case .block: Fixtures.hash("a block")
                default: nil
                }
            }
            #expect(next == .zero)
        }
    }

    /// IBFT-R14: what is said of a height whose set it does not know is a hint.
    @Test func asksForWhatItMisses() async throws {
        try await withPeer { network, validator, link in
            let final = FinalCertificate(
                height: Height(40), round: .zero, digest: .zero, signers: [0],
                seals: [Fixtures.signature])
            link.send(
                PeerFrame(
                    .final(
                        Final(
                            certificate: final,
                            block: ProposedBlock(
                                height: Height(40), parent: .zero, digest: .zero,
                                timestamp: BeaconTime(milliseconds: 0), body: [])))))
            // It holds height 39 for final now, and wants to know how.
            let wanted = await first(link) { frame in
                if case .finalsRequest(let first, let last) = frame { [first, last] } else { nil }
            }
            #expect(wanted == [Height(1), Height(16)])
        }
    }

    /// NET-11: of decisions that are in no memory any more.
    @Test func givesFinalsOfBeforeItsStart() async throws {
        let network = try SocketNetwork(validators: 4)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<4 { try await network.start(index, in: &group) }
            let raws = network.round(0)
            try await network.submit(raws, to: 0)
            try await network.haveAll(raws)
            await network.stopAll()
            try await group.waitForAll()
        }
        try await withPeer(of: network) { network, validator, link in
            let snapshot = validator.engine.publisher.current
            #expect(await validator.engine.beacon.final(of: Height(1)) == nil, "not in memory")
            link.send(.finalsRequest(first: Height(1), last: Height(1)))
            let wire = await first(link) { frame in
                if case .block(let wire) = frame { wire } else { nil }
            }
            let final = try #require(try snapshot.final(Height(1)))
            #expect(wire == Message.final(final).wire)
        }
    }

    /// A block outlined by a peer, of transactions of which only the first is here (NET-28).
    private func outline(_ network: SocketNetwork, known: [UInt8]) throws -> (
        PeerFrame, Hash32, [SignedBytes]
    ) {
        let transactions = try ([known] + network.round(7)).map {
            try Transaction(raw: $0, chainID: 1337)
        }
        let fixture = try OutlineFixture(transactions)
        let outline = BlockOutline(
            fixture.block, isNamed: transactions.indices.map { $0 != 1 })
        return (
            .outline(OutlinedProposal.wire(fixture.proposal, outline)), outline.digest,
            transactions.map(SignedBytes.init)
        )
    }

    /// NET-28: the proposal is whole then, and judged: its proposer is no validator.
    @Test func asksForWhatAnOutlineNamesAndItLacks() async throws {
        try await withPeer { network, validator, link in
            let mine = network.round(0)[0]
            try await network.submit([mine], to: 0)
            let (frame, digest, transactions) = try outline(network, known: mine)
            link.send(frame)
            let asked = await first(link) { frame in
                if case .missingRequest(digest, let positions) = frame { positions } else { nil }
            }
            #expect(asked == Array(2...8))
            link.send(.missing(digest, Array(transactions[2...])))
            let found = await validator.notices.first { notice -> PeerRefusal? in
                if case .offence(_, let refusal) = notice { refusal } else { nil }
            }
            let proposer = try Fixtures.key("sender").address
            #expect(found == .message(.notAValidator(proposer)))
        }
    }

    /// NET-28
    @Test func answersForABlockThatIsGone() async throws {
        try await withPeer { network, validator, link in
            link.send(.missingRequest(.zero, [0, 5]))
            let answer = await first(link) { frame in
                if case .missing(let digest, let found) = frame { (digest, found) } else { nil }
            }
            #expect(answer?.0 == .zero)
            #expect(answer?.1 == [])
        }
    }

    enum Lie: CaseIterable {
        case malformedVote, foreignVote, unaskedBody, malformedTransaction
        case malformedOutline, unaskedTransactions, wrongTransactions
    }

    /// NET-15
    @Test(arguments: Lie.allCases)
    func countsLiesAgainstThePeer(_ lie: Lie) async throws {
        try await withPeer { network, validator, link in
            let peer = network.keys[1].address
            let refusal: PeerRefusal
            switch lie {
            case .malformedVote:
                link.send(.vote([0xc1, 0x80]))
                refusal = .message(.malformed(.unknownValue(0)))
            case .foreignVote:
                let stranger = try Fixtures.key("stranger")
                let vote = PrepareStatement(height: Height(1), round: .zero, digest: .zero)
                link.send(
                    PeerFrame(
                        .prepare(
                            Prepare(
                                vote, sender: stranger.address, signature: Fixtures.signature))))
                refusal = .message(.notAValidator(stranger.address))
            case .unaskedBody:
                link.send(.body(.zero, [0xc0]))
                refusal = .unaskedBody(.zero)
            case .malformedOutline:
                link.send(.outline([0xc1, 0x01]))
                refusal = .malformed(.outline, .expectedList)
            case .unaskedTransactions:
                link.send(.missing(.zero, []))
                refusal = .unaskedBody(.zero)
            case .wrongTransactions:
                let (frame, digest, transactions) = try outline(network, known: network.round(0)[0])
                link.send(frame)
                link.send(.missing(digest, transactions.reversed()))
                refusal = .wrongBody(digest)
            case .malformedTransaction:
                link.send(.transactions([[0xc0]]))
                refusal = .malformedTransaction
            }
            let found = await validator.notices.first { notice -> PeerRefusal? in
                if case .offence(peer, let refusal) = notice { refusal } else { nil }
            }
            #expect(found == refusal)
        }
    }
}
