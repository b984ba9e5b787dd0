import TallyClient
import TallyPrimitives
import TallySharding
import TallyState
import TallyTesting
import TallyTransactions
import Testing

@testable import TallyExecution
@testable import TallyRPC

private typealias Planted = StillLedger.Planted
private typealias Row = [String: String]

private func account(_ number: UInt8) -> Address { StillLedger.account(number) }
private func word(_ number: UInt8) -> Hash32 { Hash32(account(number)) }
private func time(_ milliseconds: UInt64) -> BeaconTime { BeaconTime(milliseconds: milliseconds) }
private func hash(_ number: UInt64) -> Hash32 { Hash32(words: (number, number, number, number)) }
private func text(_ address: Address) -> String { address.description }

private let zero = Hash32.zero.description
private let nobody = Address.zero.description

extension [String: String] {
    /// These, and other values of some of them.
    fileprivate func but(_ other: [String: String]) -> [String: String] {
        merging(other) { $1 }
    }
}

/// Views of nodes, rounds, trades, stakes and epochs (RPC-52). Those of jobs are beside this file.
@Suite struct ComputeViewTests {
    // MARK: Nodes

    private static func node(_ owner: Address, _ state: NodeState) -> ComputeNode {
        var outage = NodeOutage(lastSeen: time(21))
        outage.missedInARow = 22
        var reputation = NodeReputation()
        (reputation.passed, reputation.missed) = (23, 24)
        (reputation.deliveries, reputation.failures) = (25, 26)
        return ComputeNode(
            owner: owner, key: hash(1), spec: hash(2), state: state, outage: outage,
            reputation: reputation, rounds: 27)
    }

    private static func planted(_ node: ComputeNode) -> Planted {
        Planted(node.owner, ComputeNode.objectKey(of: node.owner), node.object)
    }

    @Test func nodesAreToldInEveryState() async throws {
        let power = ComputePower(tenThousandths: 14_451)
        let states: [NodeState] = [
            .pending, .active(power), .offline(since: time(31), power), .retired,
        ]
        // Two of them on each shard.
        let owners: [UInt8] = [1, 2, 200, 201]
        let nodes = zip(owners, states).map { Self.planted(Self.node(account($0), $1)) }
        try await withObjects(nodes) { ledger in
            let row: Row = [
                "power": "0", "offlineSince": "0", "key": "\(hash(1))", "spec": "\(hash(2))",
                "rounds": "27", "lastSeen": "21", "missedInARow": "22", "passed": "23",
                "missed": "24", "deliveries": "25", "failures": "26",
            ]
            let expected = [
                row.but(["state": "1"]), row.but(["state": "2", "power": "14451"]),
                row.but(["state": "3", "power": "14451", "offlineSince": "31"]),
                row.but(["state": "4"]),
            ]
            for (owner, expected) in zip(owners, expected) {
                try await ledger.expect("node", "nodeOf", [word(owner)], gives: expected)
            }
        }
    }

    @Test func whatANodeStakesAndEarnsIsTold() async throws {
        var staked = Self.node(account(1), .pending)
        staked.stake = NodeStake(
            amount: Amount(41), staked: .max, termDays: 43, since: time(44), until: time(.max),
            release: 45)
        // 100 units of weight since epoch 3, from an index of 0, and 5 beside.
        var earned = RLPDecoder(
            RLPEncoder.list { out in
                out.append(Amount(5))
                out.list { out in
                    out.list { out in
                        out.append(UInt64(3))
                        out.append(UInt64(100))
                        UInt256.zero.encode(to: &out)
                    }
                }
            })
        staked.rewards = try RewardAccount(from: &earned)
        var pool = RewardPool(next: 4)
        let isChanged = pool.change(from: .zero, to: RewardWeight(units: 100), in: 3)
        let residue = try pool.receive(Amount(200))
        #expect(isChanged && residue == .zero)
        let objects = [
            Self.planted(staked), Self.planted(Self.node(account(200), .retired)),
            Planted(account(1), RewardPool.key, try #require(pool.object)),
        ]
        try await withObjects(objects) { ledger in
            try await ledger.expect(
                "node", "stakeOf", [word(1)],
                gives: [
                    "amount": "41", "staked": "\(UInt128.max)", "termDays": "43", "since": "44",
                    "until": "\(UInt64.max)",
                ])
            try await ledger.expect(
                "node", "rewardOf", [word(1)],
                gives: [
                    "claimable": "205", "weight": "100",
                ])
            try await ledger.expect(
                "epochs", "rewardPoolOf", [Hash32(number: 0)],
                gives: [
                    "nextEpoch": "5", "weight": "100", "index": "\(UInt128(2) << 64)",
                    "value": "200",
                ])
            // A node without a stake, on a shard without a pool.
            let none = try await ledger.view("node", "stakeOf", [word(200)])
            #expect(Set(none.values) == ["0"])
            let nothing = try await ledger.view("node", "rewardOf", [word(200)])
            #expect(nothing == ["claimable": "0", "weight": "0"])
        }
    }

    /// The index has 256 bits.
    @Test func indexesAreToldInFull() throws {
        let index = UInt256(high: 1, low: 2)
        #expect(try ABIAnswer.scalar(index.word, "uint256") == "\(index.word)")
    }

    // MARK: Rounds

    private static let opening = RoundOpening(seed: hash(3), at: time(51), deadline: time(52))
    private static let commitment = RoundCommitment(root: hash(4), at: time(53), drawFrom: 54)
    private static let draw = RoundDraw(
        seed: hash(5), deadline: time(55),
        attesters: [
            RoundAttester(address: account(11), milliseconds: 56),
            RoundAttester(address: account(12), milliseconds: nil),
        ])

    private static let rounds: [RoundState] = [
        .idle(next: time(50)), .bound(drawFrom: 49), .open(opening),
        .committed(opening, commitment), .drawn(opening, commitment, draw),
        .revealed(opening, commitment, draw, deadline: time(57)),
    ]

    /// Of the owners from 1.
    private static func planted(
        _ rounds: [(state: RoundState, last: RoundOutcome?)]
    ) -> [Planted] {
        rounds.enumerated().map { number, round in
            let owner = account(UInt8(number + 1))
            let object = ProofRound(
                node: owner, number: UInt64(number), state: round.state, entry: 1,
                last: round.last
            ).object
            return Planted(owner, ProofRound.objectKey(of: owner), object)
        }
    }

    @Test func roundsAreToldInEveryState() async throws {
        let idle: Row = [
            "next": "0", "drawFrom": "0", "seed": zero, "opened": "0", "commitBy": "0",
            "root": zero, "committed": "0", "drawSeed": zero, "revealBy": "0", "attestBy": "0",
        ]
        let open = idle.but(["seed": "\(hash(3))", "opened": "51", "commitBy": "52"])
        let committed = open.but(["root": "\(hash(4))", "committed": "53"])
        let drawn = committed.but(["drawSeed": "\(hash(5))", "revealBy": "55"])
        let expected = [
            idle.but(["next": "50"]), idle.but(["drawFrom": "49"]), open,
            committed.but(["drawFrom": "54"]), drawn, drawn.but(["attestBy": "57"]),
        ]
        try await withObjects(Self.planted(Self.rounds.map { ($0, nil) })) { ledger in
            for (number, expected) in expected.enumerated() {
                try await ledger.expect(
                    "proof", "roundOf", [word(UInt8(number + 1))],
                    gives: expected.but(["state": "\(number + 1)", "round": "\(number)"]))
            }
            let attesters: Row = [
                "attesters": "[\(text(account(11))),\(text(account(12)))]",
                "milliseconds": "[56,0]",
            ]
            for (owner, attesters) in [
                (4, ["attesters": "[]", "milliseconds": "[]"]), (5, attesters), (6, attesters),
            ] {
                try await ledger.expect(
                    "proof", "attestersOf", [word(UInt8(owner))], gives: attesters)
            }
        }
    }

    @Test func outcomesOfRoundsAreTold() async throws {
        let power = ComputePower(tenThousandths: 10_001)
        let outcomes: [RoundOutcome?] = [
            nil, .attested(milliseconds: 61, power), .void, .missed,
        ]
        let idle = RoundState.idle(next: time(1))
        try await withObjects(Self.planted(outcomes.map { (idle, $0) })) { ledger in
            for (number, outcome) in outcomes.enumerated() {
                let isMeasured = outcome == outcomes[1]
                try await ledger.expect(
                    "proof", "lastRoundOf", [word(UInt8(number + 1))],
                    gives: [
                        "outcome": "\(number)", "milliseconds": isMeasured ? "61" : "0",
                        "power": isMeasured ? "10001" : "0",
                    ])
            }
        }
    }

    // MARK: Trades

    @Test func offersAndOwedTradesAreTold() async throws {
        let seller = account(200)
        let offer = Offer(
            id: ObjectID(owner: seller, number: 8), resource: .network, specification: hash(6),
            pricePerUnit: .max, units: .max, until: time(71))
        var book = OfferBook(seller: seller)
        for number: UInt64 in [8, 9] { book.append(number) }
        let owed = OwedTrade(
            trade: ObjectID(owner: account(1), number: 3), seller: seller,
            buyerReward: Amount(72), providerReward: Amount(73), epoch: 74)
        let objects = [
            Planted(seller, Offer.key(offer.id), offer.object),
            Planted(seller, OfferBook.key(of: seller), try #require(book.object)),
            // At the seller's, whoever bought (TRADE-1).
            Planted(seller, OwedTrade.key(owed.trade), owed.object),
        ]
        try await withObjects(objects) { ledger in
            try await ledger.expect(
                "trade", "offerOf", [offer.id.word],
                gives: [
                    "seller": text(seller), "resource": "5", "spec": "\(hash(6))",
                    "pricePerUnit": "\(UInt128.max)", "units": "\(UInt64.max)", "until": "71",
                ])
            let second = ObjectID(owner: seller, number: 9).word
            try await ledger.expect(
                "trade", "offersOf", [Hash32(seller)],
                gives: [
                    "offers": "[\(offer.id.word),\(second)]"
                ])
            try await ledger.expect(
                "trade", "owedOf", [Hash32(seller), owed.trade.word],
                gives: [
                    "buyer": text(account(1)), "buyerReward": "72", "providerReward": "73",
                    "epoch": "74",
                ])
        }
    }

    // MARK: Stakes

    private static func stake(
        _ owner: Address, _ role: StakeRole, _ phase: RoleStake.Phase
    ) -> RoleStake {
        RoleStake(
            id: ObjectID(owner: owner, number: 2), role: role, left: Amount(81),
            staked: Amount(82), termDays: 83, since: time(84), until: time(85), phase: phase,
            lastSeen: time(86), charged: 87, votes: [account(3), account(4)],
            offences: [Offence(height: Height(1), round: Round(2), kind: 1)])
    }

    @Test func stakesAreToldInEveryPhase() async throws {
        let phases: [RoleStake.Phase] = [
            .active, .renewed(times: 3), .released(at: time(88)),
            .forfeited(.impeachment, at: time(89)),
        ]
        var objects: [Planted] = []
        for (number, phase) in phases.enumerated() {
            let owner = account(UInt8(number + 1))
            let stake = Self.stake(owner, number == 0 ? .validator : .router, phase)
            objects.append(Planted(nil, RoleStake.key(of: owner), stake.object))
        }
        let row: Row = [
            "role": "2", "amount": "81", "staked": "82", "termDays": "83", "since": "84",
            "until": "85", "renewals": "0", "ended": "0", "reason": "0", "lastSeen": "86",
            "votes": "2", "offences": "1",
        ]
        let expected = [
            row.but(["state": "1", "role": "1"]), row.but(["state": "2", "renewals": "3"]),
            row.but(["state": "3", "ended": "88"]),
            row.but(["state": "4", "ended": "89", "reason": "2"]),
        ]
        try await withObjects(objects) { ledger in
            for (number, expected) in expected.enumerated() {
                let owner = account(UInt8(number + 1))
                let id = ObjectID(owner: owner, number: 2).word
                let answer = try await ledger.view("validator", "stakeOf", [Hash32(owner)])
                #expect(answer == expected.but(["stake": "\(id)"]))
            }
        }
    }

    @Test func whoStakedAndWhoValidatesIsTold() async throws {
        var roll = RoleRoll(.router)
        roll.set(account(5), Amount(91))
        roll.set(account(6), Amount(92))
        let set = ElectedSet(
            epoch: 93, validators: [account(5), account(7)], seed: Hash32(number: 94))
        let objects = [
            Planted(nil, RoleRoll.key(of: .router), try #require(roll.object)),
            Planted(nil, ElectedSet.key, set.object),
        ]
        try await withObjects(objects) { ledger in
            try await ledger.expect(
                "validator", "stakersOf", [Hash32(number: 2)],
                gives: [
                    "owners": "[\(text(account(6))),\(text(account(5)))]", "amounts": "[92,91]",
                ])
            try await ledger.expect(
                "validator", "stakersOf", [Hash32(number: 1)],
                gives: [
                    "owners": "[]", "amounts": "[]",
                ])
            try await ledger.expect(
                "validator", "electedSet", [],
                gives: [
                    "epoch": "93", "members": "[\(text(account(5))),\(text(account(7)))]",
                    "seed": "\(Hash32(number: 94))",
                ])
            let validators = ledger.genesis.validators.map(text).joined(separator: ",")
            try await ledger.expect(
                "validator", "validators", [],
                gives: [
                    "validators": "[\(validators)]"
                ])
        }
    }

    // MARK: Epochs

    @Test func theEpochAndWhatWasMintedAreTold() async throws {
        var book = EmissionBook(next: 7)
        (book.nodes, book.trades, book.developers) = (Amount(95), Amount(96), Amount(97))
        let object = try #require(book.object)
        try await withObjects([Planted(nil, EmissionBook.key, object)]) { ledger in
            try await ledger.expect(
                "epochs", "currentEpoch", [],
                gives: [
                    "epoch": "10", "number": "7", "length": "86400000", "began": "864000000",
                    "time": "864000077", "seedNumber": "9", "seed": "\(hash(9))",
                ])
            let emc = EconomyParameters.emc
            try await ledger.expect(
                "epochs", "emission", [],
                gives: [
                    "nodes": "95", "nodesCap": "\(emc.nodeRewards.cap.units)", "trades": "96",
                    "tradesCap": "\(emc.tradeRewards.cap.units)", "developers": "97",
                    "developersCap": "\(emc.developerGrants.cap.units)",
                ])
            // The same as of the documents.
            let epoch = try await ledger.ledger.ask("compute_epoch")
            #expect(epoch["epoch"] == 10 && epoch["number"] == 7 && epoch["beganMs"] == 864_000_000)
            #expect(epoch["seedNumber"] == "0x9" && epoch["lengthMs"] == 86_400_000)
            let emission = try await ledger.ledger.ask("compute_emission")
            #expect(emission["developerGrants"]?["minted"] == "0x61")
        }
    }

    @Test func withoutAnEconomyThereIsNoEpoch() async throws {
        try await withObjects(economy: nil, []) { ledger in
            let epoch = try await ledger.view("epochs", "currentEpoch", [])
            #expect(epoch.removing("seed") == ["0"] && epoch["seed"] == zero)
            let emission = try await ledger.view("epochs", "emission", [])
            #expect(Set(emission.values) == ["0"])
            #expect(try await ledger.ledger.ask("compute_epoch") == .null)
            #expect(try await ledger.ledger.ask("compute_emission") == .null)
        }
    }
}

extension [String: String] {
    /// All other values.
    fileprivate func removing(_ name: String) -> Set<String> {
        Set(filter { $0.key != name }.values)
    }
}
