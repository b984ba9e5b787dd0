import TallyPrimitives
import TallyState
import TallyTransactions
import Testing

@testable import TallyExecution

private let owner = machine(1)

/// What the audit says of states that no block can make.
@Suite struct NodeInvariantTests {
    private typealias Objects = [(key: ObjectKey, object: StateObject)]

    /// A node with a stake, and its round drawn.
    private func world() throws -> NodeWorld {
        var world = try NodeWorld(accounts: [owner])
        try world.register(owner)
        try world.pass(owner)
        try world.act(.stake(termDays: 90, value: Amount(144_510_000_000)), by: owner)
        _ = try world.open(owner)
        try world.commit(owner)
        _ = try world.draw(owner)
        return world
    }

    private func violation(_ change: (inout Objects) throws -> Void) throws -> InvariantViolation? {
        let world = try world()
        var objects = try world.objects(1)
        try change(&objects)
        do throws(InvariantViolation) {
            let audit = try StateAudit(world.context(1), objects)
            _ = try audit.checkNode() + audit.checkProof()
            return nil
        } catch { return error }
    }

    private func editNode(
        _ change: (inout ComputeNode) -> Void
    ) throws -> InvariantViolation? {
        try violation { objects in
            let place = try #require(objects.firstIndex { $0.key.kind == .node })
            var node = try ComputeNode(objects[place].object)
            change(&node)
            objects[place].object = node.object
        }
    }

    private func editRound(
        _ change: (inout ProofRound) -> Void
    ) throws -> InvariantViolation? {
        try violation { objects in
            let place = try #require(objects.firstIndex { $0.key.kind == .round })
            var round = try ProofRound(objects[place].object)
            change(&round)
            objects[place].object = round.object
        }
    }

    @Test func whatBlocksMakeIsSound() throws {
        #expect(try violation { _ in } == nil)
    }

    @Test func findsWhatDoesNotDecode() throws {
        for kind: ObjectKind in [.node, .round] {
            let found = try violation { objects in
                let place = try #require(objects.firstIndex { $0.key.kind == kind })
                objects[place].object.payload = Payload([0xc0])
            }
            #expect(found == .undecodable(kind, .truncated))
        }
    }

    @Test func findsANodeUnderAnotherKey() throws {
        let found = try violation { objects in
            let place = try #require(objects.firstIndex { $0.key.kind == .node })
            objects[place].key = ComputeNode.objectKey(of: machine(1, 2))
        }
        #expect(found == .broken(.node, what: "lies under another key than its own"))
        let round = try violation { objects in
            let place = try #require(objects.firstIndex { $0.key.kind == .round })
            let copy = objects[place].object
            objects.append((ProofRound.objectKey(of: machine(1, 2)), copy))
        }
        #expect(round == .broken(.round, what: "lies under another key than its own"))
    }

    @Test func findsAStakeThatNothingReleases() throws {
        let reason = InvariantViolation.broken(.node, what: "has a stake that nothing releases")
        let gone = try violation { objects in
            objects.removeAll { item in
                guard item.key.kind == .due, let entry = try? DueEntry(item.object) else {
                    return false
                }
                return entry.action == .node(.release(node: owner))
            }
        }
        #expect(gone == reason)
        let other = try editNode { node in
            node.stake = node.stake.map {
                NodeStake(
                    amount: $0.amount, staked: $0.staked, termDays: $0.termDays,
                    since: $0.since, until: $0.until, release: $0.release + 1)
            }
        }
        #expect(other == reason)
    }

    @Test func findsMoreAtStakeThanWasStaked() throws {
        let found = try editNode { node in
            node.stake?.amount = Amount(144_510_000_001)
        }
        #expect(
            found
                == .broken(.node, what: "has more at stake than was staked, or no term"))
    }

    @Test func findsRoundsOfARetiredNode() throws {
        let found = try editNode { $0.state = .retired }
        #expect(
            found
                == .broken(.node, what: "has rounds although retired, or none although not"))
    }

    @Test func findsARoundOfNoNode() throws {
        let found = try violation { objects in objects.removeAll { $0.key.kind == .node } }
        #expect(found == .broken(.round, what: "is of no node"))
    }

    @Test func findsARoundThatNothingDrives() throws {
        let found = try editRound { $0.entry += 1_000 }
        #expect(found == .broken(.round, what: "waits for a step that is not queued"))
    }

    @Test func findsARoundOfAnotherNumber() throws {
        let found = try editRound { $0.number += 1 }
        #expect(found == .broken(.round, what: "has another number than its node says"))
    }

    @Test func findsAttestersOutOfOrder() throws {
        let reason = InvariantViolation.broken(
            .round, what: "has attesters out of order, or its own node")
        func edit(_ change: (inout [RoundAttester]) -> Void) throws -> InvariantViolation? {
            try editRound { round in
                guard case .drawn(let opening, let commitment, var draw) = round.state else {
                    return
                }
                change(&draw.attesters)
                round.state = .drawn(opening, commitment, draw)
            }
        }
        #expect(try edit { $0.reverse() } == reason)
        #expect(try edit { $0 = [RoundAttester(address: owner)] } == reason)
    }
}
