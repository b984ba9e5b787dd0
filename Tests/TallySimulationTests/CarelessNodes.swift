import TallyExecution
import TallyJournal
import TallyPrimitives
import TallySharding
import TallySimulation

/// Wrong orders. Each is a node of its own, which the matrix must find to lose something.
enum Carelessness: String, CaseIterable, Sendable {
    case publishesBeforeSync, neverSyncs, neverSyncsDirectory, checkpointsBeforeLog
    case writesBeaconFirst

    /// How many crashes there were, at every effect, and what was wrong after them.
    func violations() throws -> (crashes: Int, found: [CrashViolation]) {
        switch self {
        case .publishesBeforeSync: try Self.violations(of: PublishesBeforeSync.self)
        case .neverSyncs: try Self.violations(of: NeverSyncs.self)
        case .neverSyncsDirectory: try Self.violations(of: NeverSyncsDirectory.self)
        case .checkpointsBeforeLog: try Self.violations(of: CheckpointsBeforeLog.self)
        case .writesBeaconFirst: try Self.violations(of: WritesBeaconFirst.self)
        }
    }

    /// Whether this is how the fault shows.
    func isExpected(_ violation: CrashViolation) -> Bool {
        switch (self, violation) {
        case (.publishesBeforeSync, .lost), (.neverSyncs, .lost), (.neverSyncsDirectory, .lost),
            (.checkpointsBeforeLog, .failed(.restore(.checkpointOrder))),
            (.writesBeaconFirst, .failed(.restore(.checkpointOrder))):
            true
        default: false
        }
    }

    private static func violations<Node: CrashableNode>(
        of node: Node.Type
    ) throws -> (crashes: Int, found: [CrashViolation]) {
        let matrix = try CrashSetup.matrix(node)
        var violations: [CrashViolation] = []
        for effect in matrix.effects.indices {
            do throws(CrashViolation) {
                // Everything that was not synced is lost: no luck with sectors.
                _ = try matrix.crash(at: CrashPoint(effect, .after), .everything, seed: 3)
            } catch { violations.append(error) }
        }
        return (matrix.effects.count, violations)
    }
}

/// Takes for written what found no space.
struct IgnoresFullDisk: CrashableNode {
    var node: SimulatedNode

    static func open(
        _ setup: NodeSetup, on disk: inout SimulatedDisk
    ) throws(SimulatedNodeFailure) -> Self {
        var node = try SimulatedNode.open(setup, on: &disk)
        node.whenFull = .goesOn
        return Self(node: node)
    }

    mutating func advance(_ input: HeightInput) throws(SimulatedNodeFailure) {
        try node.advance(input, order: { $0 })
    }
}

/// A node whose steps are put into another order.
private protocol CarelessNode: CrashableNode {
    init(node: SimulatedNode)
    func order(_ steps: [NodeStep]) -> [NodeStep]
}

extension CarelessNode {
    static func open(
        _ setup: NodeSetup, on disk: inout SimulatedDisk
    ) throws(SimulatedNodeFailure) -> Self {
        Self(node: try SimulatedNode.open(setup, on: &disk))
    }

    mutating func advance(_ input: HeightInput) throws(SimulatedNodeFailure) {
        let careless = self
        try node.advance(input, order: { careless.order($0) })
    }
}

/// Answers first and makes durable then.
private struct PublishesBeforeSync: CarelessNode {
    var node: SimulatedNode

    func order(_ steps: [NodeStep]) -> [NodeStep] {
        var steps = steps
        guard let publish = steps.firstIndex(where: \.isPublish),
            let sync = steps.lastIndex(where: \.isSync), sync < publish
        else { return steps }
        steps.insert(steps.remove(at: publish), at: sync)
        return steps
    }
}

private struct NeverSyncs: CarelessNode {
    var node: SimulatedNode
    func order(_ steps: [NodeStep]) -> [NodeStep] { steps.filter { !$0.isSync } }
}

private struct NeverSyncsDirectory: CarelessNode {
    var node: SimulatedNode
    func order(_ steps: [NodeStep]) -> [NodeStep] {
        steps.filter { $0 != .journal(.syncDirectory) }
    }
}

/// Writes the new state of a shard before the block that led to it.
private struct CheckpointsBeforeLog: CarelessNode {
    var node: SimulatedNode

    func order(_ steps: [NodeStep]) -> [NodeStep] {
        guard let checkpoint = steps.last, checkpoint.isTakeCheckpoint else { return steps }
        return [.apply, checkpoint, .write(EndpointID(0))]
            + steps.filter { $0 != .apply && $0 != checkpoint }
    }
}

/// Writes the beacon's part of a checkpoint before those of the shards.
private struct WritesBeaconFirst: CarelessNode {
    var node: SimulatedNode

    func order(_ steps: [NodeStep]) -> [NodeStep] {
        guard let checkpoint = steps.last, checkpoint.isTakeCheckpoint else { return steps }
        return steps + [.write(node.setup.genesis.parameters.layout.beacon)]
    }
}

extension NodeStep {
    fileprivate var isSync: Bool {
        if case .journal(.sync) = self { true } else { false }
    }
    fileprivate var isPublish: Bool {
        if case .publish = self { true } else { false }
    }
    fileprivate var isTakeCheckpoint: Bool {
        if case .takeCheckpoint = self { true } else { false }
    }
}
