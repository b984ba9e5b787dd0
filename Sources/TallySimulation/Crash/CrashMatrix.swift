import TallyExecution
package import TallyPrimitives
import TallySharding
import TallyState

/// A node that can be cut off at any effect. `SimulatedNode` is one; tests have others, which do
/// things in a wrong order, to see that it is found.
package protocol CrashableNode: Sendable {
    static func open(
        _ setup: NodeSetup, on disk: inout SimulatedDisk
    ) throws(SimulatedNodeFailure) -> Self
    mutating func advance(_ input: HeightInput) throws(SimulatedNodeFailure)
    /// The node under test.
    var node: SimulatedNode { get set }
}

extension SimulatedNode: CrashableNode {
    package mutating func advance(_ input: HeightInput) throws(SimulatedNodeFailure) {
        try advance(input, order: { $0 })
    }

    package var node: SimulatedNode {
        get { self }
        set { self = newValue }
    }
}

/// What a crash may not lead to.
package enum CrashViolation: Error, Equatable, Sendable {
    /// The node does not start, or not go on.
    case failed(SimulatedNodeFailure)
    /// Readers saw a height that is gone.
    case lost(acknowledged: Height, recovered: Height)
    /// A height has another header, or none.
    case header(Height)
    /// A block or a transaction in it is gone or another.
    case block(Height, EndpointID)
    case state(Height, EndpointID)
    /// State, receipts in flight and burned fees are not what genesis gave out.
    case supply(Height)
}

/// Cuts a node off at every effect of a run and compares what comes back with a run that nothing
/// happened to.
package struct CrashMatrix<Node: CrashableNode>: Sendable {
    private let setup: NodeSetup
    private let reference: ReferenceRun
    /// The node before each height of the run, so that no crash has to start from genesis.
    private var starts: [Node] = []
    private let heights: Int
    /// The effects of the run.
    package private(set) var effects: [DiskEffect] = []

    /// How a crash and the next starts went.
    package struct Outcome: Hashable, Sendable {
        /// What was cut off, the first crash's first.
        package var effects: [DiskEffect] = []
        package var replayedHeights = 0
        /// A shard's checkpoint was newer than the beacon's.
        package var shardWasAhead = false
        /// The log ended in a height that nobody had seen.
        package var foundUnacknowledged = false
        /// What found no space before the first crash.
        package var shortages: [DiskEffect: Int] = [:]

        fileprivate mutating func crashed(_ disk: SimulatedDisk) {
            if let effect = disk.history.last { effects.append(effect) }
        }
    }

    /// Heights that a node goes on for after it came back.
    package static var heightsAfterwards: Int { 3 }

    /// Runs the node through all of the reference but the last heights.
    package init(_ setup: NodeSetup, _ reference: ReferenceRun, diskSeed: UInt64) throws {
        self.setup = setup
        self.reference = reference
        heights = reference.inputs.count - Self.heightsAfterwards - 1
        var disk = SimulatedDisk(
            endpointCount: setup.genesis.parameters.layout.endpointCount, seed: diskSeed)
        var node = try Node.open(setup, on: &disk)
        for input in reference.inputs.prefix(heights) {
            starts.append(node)
            try node.advance(input)
        }
        effects = node.node.disk.history
        try verify(node.node, at: node.node.height)
    }

    /// Crashes at a point, once or again while coming back, and checks what is there.
    /// - Parameters:
    ///   - again: effect after the first crash at which the next comes, if any.
    ///   - shortage: a time without space before the crash or across it; its effect comes before
    ///     the point's.
    /// - Throws: `CrashViolation`.
    package func crash(
        at point: CrashPoint, _ loss: SimulatedDisk.Loss, seed: UInt64, again: CrashPoint? = nil,
        shortage: DiskShortage? = nil
    ) throws(CrashViolation) -> Outcome {
        var outcome = Outcome()
        var node = start(before: min(point.effect, shortage?.effect ?? point.effect))
        node.node.disk.crashPoint = point
        node.node.disk.shortage = shortage
        var disk = try runUntilCrash(&node)
        outcome.crashed(disk)
        outcome.shortages = disk.shortages
        disk.crash(loss, seed: seed)
        if let again {
            disk.crashPoint = CrashPoint(disk.effectCount + again.effect, again.moment)
        }
        var reopened = try open(&disk)
        if reopened == nil {
            outcome.crashed(disk)
            disk.crash(loss, seed: seed &+ 1)
            reopened = try open(&disk)
        }
        guard var back = reopened else { throw .failed(.crashed) }
        try verifyBack(back.node, &outcome)
        // A crash that was to come later comes in the heights that follow.
        let end = back.node.height.value + UInt64(Self.heightsAfterwards)
        while back.node.height.value < end {
            if let crashed = try advance(&back) {
                disk = crashed
                outcome.crashed(disk)
                disk.crash(loss, seed: seed &+ 2)
                guard let next = try open(&disk) else { throw .failed(.crashed) }
                back = next
                try verifyBack(back.node, &outcome)
            }
        }
        try verify(back.node, at: back.node.height)
        return outcome
    }

    /// Takes the space away for a time and checks that the node comes to the same end by itself.
    /// - Returns: what found no space.
    /// - Throws: `CrashViolation`.
    package func resume(
        after shortage: DiskShortage
    ) throws(CrashViolation) -> [DiskEffect: Int] {
        var node = start(before: shortage.effect)
        node.node.disk.shortage = shortage
        while node.node.height.value < UInt64(heights) {
            guard try advance(&node) == nil else { throw .failed(.crashed) }
            try verify(node.node, at: node.node.height)
        }
        return node.node.disk.shortages
    }

    /// The newest start before the effect.
    private func start(before effect: Int) -> Node {
        var low = 0
        for (index, node) in starts.enumerated() where node.node.disk.effectCount <= effect {
            low = index
        }
        return starts[low]
    }

    private func runUntilCrash(_ node: inout Node) throws(CrashViolation) -> SimulatedDisk {
        while node.node.height.value <= UInt64(heights) {
            if let disk = try advance(&node) { return disk }
        }
        preconditionFailure("the effect was never reached")
    }

    /// - Returns: the disk if the node crashed.
    private func advance(_ node: inout Node) throws(CrashViolation) -> SimulatedDisk? {
        let height = Int(node.node.height.value)
        do throws(SimulatedNodeFailure) {
            try node.advance(reference.inputs[height])
            return nil
        } catch {
            guard error == .crashed else { throw .failed(error) }
            return node.node.disk
        }
    }

    /// - Returns: `nil` if the node crashed while it started.
    private func open(_ disk: inout SimulatedDisk) throws(CrashViolation) -> Node? {
        do throws(SimulatedNodeFailure) {
            return try Node.open(setup, on: &disk)
        } catch {
            guard error == .crashed else { throw .failed(error) }
            return nil
        }
    }

    // MARK: Checks

    private func verifyBack(
        _ node: SimulatedNode, _ outcome: inout Outcome
    ) throws(CrashViolation) {
        let acknowledged = node.disk.acknowledged
        guard node.height >= acknowledged else {
            throw .lost(acknowledged: acknowledged, recovered: node.height)
        }
        outcome.foundUnacknowledged = outcome.foundUnacknowledged || node.height > acknowledged
        let checkpoints = node.disk.stores.map { store in
            store[.head].flatMap { try? SimulatedHead(encoded: $0) }?.appliedHeight ?? .genesis
        }
        let beacon = checkpoints[checkpoints.count - 1]
        outcome.replayedHeights += Int(node.height.value - beacon.value)
        if checkpoints.contains(where: { $0 > beacon }) { outcome.shardWasAhead = true }
        try verify(node, at: node.height)
    }

    /// Everything up to a height is as in the reference.
    private func verify(_ node: SimulatedNode, at height: Height) throws(CrashViolation) {
        let facts = reference.facts[Int(height.value)]
        guard node.beacon.headHash == facts.header else { throw .header(height) }
        var total = node.beacon.inFlight
        for (index, endpoint) in node.endpoints.enumerated() {
            let core = endpoint.core
            guard core.appliedHeight == height, core.tree.root == facts.roots[index],
                core.tree.sum == facts.sums[index], core.headerHash == facts.heads[index]
            else { throw .state(height, core.endpoint) }
            guard let sum = total.adding(core.tree.sum)?.adding(core.header.burned) else {
                throw .supply(height)
            }
            total = sum
        }
        guard total == setup.genesis.supply, node.beacon.inFlight == facts.inFlight,
            node.waitingValue == facts.inFlight
        else { throw .supply(height) }
        try verifyHistory(node, to: height)
    }

    private func verifyHistory(
        _ node: SimulatedNode, to height: Height
    ) throws(CrashViolation) {
        for number in 1...max(1, height.value) where number <= height.value {
            let facts = reference.facts[Int(number)]
            let height = Height(number)
            do throws(SimulatedNodeFailure) {
                guard try node.headerHash(height) == facts.header else { throw .corruptRow(last) }
            } catch { throw .header(height) }
            for (index, block) in facts.blocks.enumerated() {
                let id = EndpointID(UInt16(index))
                do throws(SimulatedNodeFailure) {
                    guard try node.block(height, of: id) == block else { throw .corruptRow(id) }
                } catch { throw .block(height, id) }
            }
        }
    }

    private var last: EndpointID { setup.genesis.parameters.layout.beacon }
}

extension SimulatedNode {
    /// Value and fees of the receipts that wait, added up one by one; `nil` when they exceed what
    /// there can be.
    fileprivate var waitingValue: Amount? {
        Amount.sum(
            endpoints.lazy.flatMap { $0.core.inbound }.flatMap(\.waiting).flatMap {
                [$0.value, $0.fee]
            })
    }
}
