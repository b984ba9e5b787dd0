import TallyConsensus
import TallyCrypto
import TallyExecution
import TallyPrimitives
import TallySharding
import TallySimulation
import Testing

/// IBFT-R13: who votes is fixed two heights before, by whom the stakes elected, and headers carry the
/// set.
@Suite struct ElectionTests {
    private let genesis: Genesis
    private let states: [GenesisState]
    private let keys: [PrivateKey]

    init() throws {
        keys = try (1...9).map { try PrivateKey(Hash32(words: (0, 0, 0, $0))) }
        let layout = try #require(ShardLayout(shardCount: 1))
        genesis = try Genesis(
            parameters: NetworkParameters(chainID: 5, layout: layout),
            time: BeaconTime(milliseconds: 1_000), accounts: [],
            validators: keys.prefix(4).map(\.address))
        states = try genesis.states()
    }

    private func elected(_ members: Range<Int>, seed: UInt64 = 7) -> ElectedSet {
        ElectedSet(
            epoch: 3, validators: members.map { keys[$0].address }.sorted(),
            seed: Hash32(words: (seed, 0, 0, 0)))
    }

    private func block(_ core: BeaconCore, _ elected: ElectedSet?) -> BeaconHeader {
        core.propose([], now: core.head.time, proposer: .zero, elected: elected).header
    }

    /// Seals of some keys over a header, for whom `set` votes on it.
    private func seals(
        _ header: BeaconHeader, _ signers: Range<Int>, _ set: ValidatorSet
    ) -> FinalCertificate {
        let chain = ChainIdentity(genesis: genesis.hash, chainID: 5)
        let statement = CommitStatement(
            height: header.height, round: .zero, digest: header.hash)
        let digest = statement.digest(chain, validators: set.hash)
        let commits = signers.map {
            Commit(
                statement, sender: keys[$0].address, signature: keys[$0].sign(digest: digest))
        }
        return FinalCertificate(statement, commits, set: set)
    }

    @Test func theGenesisVotesUntilSomebodyIsElected() {
        let schedule = ValidatorSchedule(genesis)
        #expect(schedule.genesis.addresses == keys.prefix(4).map(\.address).sorted())
        #expect(schedule.genesis.seed == genesis.hash && schedule.last == schedule.genesis)
        #expect(schedule.set(of: nil) == schedule.genesis)
        let nobody = ElectedSet(epoch: 1, validators: [], seed: .zero)
        #expect(schedule.set(of: nobody) == schedule.genesis)
        let set = schedule.set(of: elected(2..<9))
        #expect(set.addresses == elected(2..<9).validators && set.totalPower == 7)
        #expect(set.seed == elected(2..<9).seed)
    }

    @Test func anElectionIsInForceTwoHeightsLater() throws {
        var core = BeaconCore(genesis, states: states)
        let first = block(core, nil)
        #expect(first.newValidators == nil && first.validators == core.schedule.genesis.hash)
        core.commit(first, [])

        let second = block(core, elected(4..<8))
        let set = try #require(second.newValidators)
        #expect(set.addresses == elected(4..<8).validators && second.validators == set.hash)
        #expect(core.check(second, [], mandatory: [], elected: elected(4..<8)) == nil)
        core.commit(second, [])
        #expect(core.schedule[Height(3)] == core.schedule.genesis)
        #expect(core.schedule[Height(4)] == set && core.schedule[Height(900)] == set)
        let sets = core.schedule.sets(around: core.head.height)
        #expect(sets[Height(4)] == set && sets[Height(3)] != set && sets[Height(5)] == nil)

        // Said once, and again when it is another: here the genesis's comes back.
        let third = block(core, elected(4..<8))
        #expect(third.newValidators == nil && third.validators == set.hash)
        core.commit(third, [])
        let fourth = block(core, nil)
        #expect(fourth.newValidators == core.schedule.genesis)
        core.commit(fourth, [])
        #expect(core.schedule[Height(5)] == set)
        #expect(core.schedule[Height(6)] == core.schedule.genesis)
    }

    @Test func refusesASetThatTheStakesDidNotElect() {
        let core = BeaconCore(genesis, states: states)
        let right = elected(4..<8)
        func rejection(
            _ header: BeaconHeader, _ elected: ElectedSet?
        ) -> AnchorRejection? { core.check(header, [], mandatory: [], elected: elected) }
        #expect(rejection(block(core, right), right) == nil)
        #expect(rejection(block(core, nil), right) == .wrongValidators)
        #expect(rejection(block(core, right), nil) == .wrongValidators)
        #expect(rejection(block(core, elected(4..<8, seed: 8)), right) == .wrongValidators)
        #expect(rejection(block(core, elected(3..<7)), right) == .wrongValidators)
        // A set that is named and not carried, carried and not named, or carried for nothing.
        var header = block(core, right)
        header.newValidators = nil
        #expect(rejection(header, right) == .wrongValidators)
        header = block(core, nil)
        header.newValidators = core.schedule.set(of: right)
        #expect(rejection(header, nil) == .wrongValidators)
        header.newValidators = core.schedule.genesis
        #expect(rejection(header, nil) == .wrongValidators)
    }

    @Test func headersKeepTheirSet() throws {
        let core = BeaconCore(genesis, states: states)
        for elected in [nil, elected(2..<9)] {
            let header = block(core, elected)
            #expect(try BeaconHeader(encoded: header.encoded) == header)
        }
        var set = RLPEncoder()
        core.schedule.genesis.encode(to: &set)
        #expect(try ValidatorSet(encoded: set.bytes) == core.schedule.genesis)
        // Members in another order, or twice, are no set.
        for members in [[1, 0], [0, 0], []] {
            let addresses = keys.map(\.address).sorted()
            let bytes = RLPEncoder.list(capacity: 128) { out in
                out.list { out in
                    for member in members {
                        out.list { out in
                            out.append(addresses[member])
                            out.append(UInt64(1))
                        }
                    }
                }
                out.append(Hash32.zero)
            }
            #expect(throws: RLPError.unknownValue(UInt64(members.count))) {
                try ValidatorSet(encoded: bytes)
            }
        }
    }

    /// The books keep the sets that agreement is given, and no more.
    @Test func booksKeepTheSetsOfRecentHeights() throws {
        var core = BeaconCore(genesis, states: states)
        for height in 1...30 as ClosedRange<Int> {
            let members = height % 6 < 3 ? 1..<5 : 5..<9
            core.commit(block(core, elected(members, seed: UInt64(height / 3))), [])
            let read = try BeaconCore(genesis, encodedBooks: core.encodedBooks)
            #expect(read.schedule == core.schedule && core.schedule.changes.count <= 5)
            #expect(
                read.schedule.sets(around: read.head.height)
                    == core.schedule.sets(around: core.head.height))
        }
        #expect(core.schedule[Height(32)] != core.schedule[Height(29)])
    }

    /// PROOF-18.
    @Test func setsLeadFromTheGenesisToALaterOne() throws {
        var core = BeaconCore(genesis, states: states)
        var sealed: [(BeaconHeader, FinalCertificate)] = []
        for members in [2..<6, 2..<6, 4..<8, 4..<8, 5..<9] {
            let header = block(core, elected(members))
            let set = core.schedule[header.height]
            let signers = keys.indices.filter { set.contains(keys[$0].address) }
            let first = try #require(signers.first)
            sealed.append((header, seals(header, first..<(first + 3), set)))
            core.commit(header, [])
        }
        let elections = sealed.filter { $0.0.newValidators != nil }
        #expect(elections.count == 3)
        var chain = ElectionChain(genesis)
        for (header, certificate) in elections { try chain.append(header, certificate) }
        #expect(chain.schedule == core.schedule)

        chain = ElectionChain(genesis)
        let (first, certificate) = elections[0]
        #expect(throws: ElectionChainError.noElection(Height(2))) {
            try chain.append(sealed[1].0, sealed[1].1)
        }
        let few = seals(first, 0..<2, chain.schedule.genesis)
        #expect(throws: ElectionChainError.tooFewSeals(Height(1), power: 2, quorum: 3)) {
            try chain.append(first, few)
        }
        #expect(throws: ElectionChainError.tooFewSeals(Height(1), power: 0, quorum: 3)) {
            try chain.append(first, elections[1].1)
        }
        // Whoever is elected does not seal the own election.
        let own = try #require(first.newValidators)
        let strangers = seals(first, 2..<6, own)
        #expect(throws: ElectionChainError.tooFewSeals(Height(1), power: 0, quorum: 3)) {
            try chain.append(first, strangers)
        }
        var other = first
        other.chain = .zero
        #expect(throws: ElectionChainError.otherChain(.zero)) {
            try chain.append(other, certificate)
        }
        try chain.append(first, certificate)
        #expect(throws: ElectionChainError.order(Height(1))) {
            try chain.append(first, certificate)
        }
        // One that was left out: the next is sealed by a set that nobody knows.
        let error = #expect(throws: ElectionChainError.self) {
            try chain.append(elections[2].0, elections[2].1)
        }
        guard case .tooFewSeals(Height(5), _, quorum: 3) = error else {
            return #expect(Bool(false), "\(String(describing: error))")
        }
    }
}
