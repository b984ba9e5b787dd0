import TallyPrimitives

/// A fault of the surroundings, from a time to a time (microseconds).
struct PlannedFault {
    enum Kind {
        /// Only nodes of the same side reach each other.
        case halves(Set<Int>)
        case isolation(Int)
        /// A node is heard but hears nobody, or the other way round.
        case asymmetry(Int, isDeaf: Bool)
        case silence
        case clog(Int, delay: UInt64)
        case crash(Int)
        case crashAtEffect(Int, after: Int, again: Int?)
        case crashAtVote(Int, VoteCrash)
        case pause(Int)
        case skew(Int, milliseconds: Int64)
        case jump(Int, milliseconds: Int64)
        case diskFull(Int)
        case slowDisk(Int, delay: UInt64)
        case crashInWrite(Int, again: Bool)
        case crashInCheckpoint(Int)
        /// From the beginning of the fault to its end that of an old disk is made.
        case loss(Int, Fault)
    }

    let start: UInt64
    let end: UInt64
    let kind: Kind
}

extension NetworkRun {
    /// Decides when what goes wrong.
    func makePlan() {
        if let script = scenario.options.script { return makePlan(script) }
        var random = SeededGenerator(seed: scenario.seed ^ 0x66_6175_6c74)
        let last = scenario.healsAt - 1_000_000
        func add(_ longest: UInt64, _ kind: PlannedFault.Kind) {
            let start = random.pick(500_000...last)
            let end = min(last, start + random.pick(200_000...longest))
            plan.append(PlannedFault(start: start, end: end, kind: kind))
        }
        let all = nodes.indices
        func node() -> Int { random.pick(all.count) }
        if scenario.classes.contains(.network) {
            for _ in 0..<random.pick(1...6) {
                switch random.pick(5) {
                case 0: add(40_000_000, .halves(Set(all.filter { _ in random.pick(2) == 0 })))
                case 1: add(40_000_000, .isolation(node()))
                case 2: add(30_000_000, .asymmetry(node(), isDeaf: random.pick(2) == 0))
                case 3: add(15_000_000, .silence)
                default: add(20_000_000, .clog(node(), delay: random.pick(500_000...8_000_000)))
                }
            }
        }
        if scenario.classes.contains(.process) {
            for _ in 0..<random.pick(2...12) {
                switch random.pick(6) {
                case 0: add(20_000_000, .crash(node()))
                case 1: add(20_000_000, .pause(node()))
                case 2, 3: add(1_000_000, .crashAtVote(node(), VoteCrash(nil, &random)))
                default:
                    let again = random.pick(3) == 0 ? random.pick(8) : nil
                    add(
                        1_000_000,
                        .crashAtEffect(node(), after: random.pick(40), again: again))
                }
            }
        }
        if scenario.classes.contains(.clock) {
            for index in all where random.pick(2) == 0 {
                add(60_000_000, .skew(index, milliseconds: Int64(random.pick(0...400)) - 200))
            }
            for index in all where scenario.weak.contains(nodes[index].member) {
                let hour: Int64 = random.pick(2) == 0 ? 3_600_000 : -3_600_000
                add(60_000_000, .jump(index, milliseconds: hour))
            }
        }
        if scenario.classes.contains(.storage) {
            for _ in 0..<random.pick(1...4) {
                switch random.pick(4) {
                case 0: add(15_000_000, .diskFull(node()))
                case 2: add(1_000_000, .crashInCheckpoint(node()))
                case 1: add(1_000_000, .crashInWrite(node(), again: random.pick(2) == 0))
                default: add(30_000_000, .slowDisk(node(), delay: random.pick(20_000...900_000)))
                }
            }
            for index in all where scenario.weak.contains(nodes[index].member) {
                guard scenario.mayLose, random.pick(2) == 0 else { continue }
                for _ in 0..<random.pick(1...3) {
                    let loss: Fault = random.pick([.votesLost, .oldDisk, .diskLost])
                    let crash = VoteCrash(loss, &random)
                    add(
                        40_000_000,
                        random.pick(3) == 0 ? .loss(index, loss) : .crashAtVote(index, crash))
                }
            }
        }
        makeSure(&random)
    }

    private func makePlan(_ script: Script) {
        guard script == .partition else { return }
        let time = Scenario.partition
        let half = Set(0..<(nodes.count + 1) / 2)
        plan = [PlannedFault(start: time.lowerBound, end: time.upperBound, kind: .halves(half))]
    }

    /// What is sure to happen, of the classes that were asked for by name (SIM-16): the rest of the
    /// plan may find no occasion.
    private func makeSure(_ random: inout SeededGenerator) {
        func add(_ kind: PlannedFault.Kind) {
            let start = random.pick(1_000_000...scenario.healsAt / 3)
            let end = start + random.pick(2_000_000...10_000_000)
            plan.append(PlannedFault(start: start, end: end, kind: kind))
        }
        if scenario.options.demands(.network) { add(.isolation(random.pick(nodes.count))) }
        if scenario.options.demands(.process) { add(.crash(random.pick(nodes.count))) }
        if scenario.options.demands(.clock) {
            add(.skew(random.pick(nodes.count), milliseconds: random.pick([-200, 200])))
        }
        if scenario.options.demands(.storage) {
            add(.slowDisk(random.pick(nodes.count), delay: random.pick(20_000...900_000)))
            add(.crashInWrite(random.pick(nodes.count), again: false))
        }
    }

    func beginFault(_ index: Int) {
        // Only what had to wait is as late as that.
        guard !isHealed else { return }
        let fault = plan[index]
        switch fault.kind {
        case .halves, .isolation, .asymmetry, .silence:
            if !cuts(fault.kind).isEmpty { count(fault.kind) }
            for (from, to) in cuts(fault.kind) { links.cut(from, to, by: 1) }
        case .clog(let node, let delay):
            for other in nodes.indices {
                links.clog(node, other, delay)
                links.clog(other, node, delay)
            }
        case .crash(let node):
            guard nodes[node].isUp else {
                // Dead already: it comes back, and then it is time.
                return heap.push(.fault(index), at: now + 1_000_000)
            }
            result.faults.add(.crash)
            die(nodes[node], for: fault.end - fault.start)
        case .crashAtEffect(let node, let after, let again):
            nodes[node].crashIn = after
            nodes[node].crashAgain = again
        case .pause(let node):
            if nodes[node].isUp { result.faults.add(.pause) }
            nodes[node].pausedUntil = max(nodes[node].pausedUntil, fault.end)
        case .skew(let node, let milliseconds):
            if milliseconds != 0 { result.faults.add(.clockSkew) }
            nodes[node].clockOffset = milliseconds
        case .jump(let node, let milliseconds):
            result.faults.add(.clockJump)
            nodes[node].clockOffset = milliseconds
        case .diskFull(let node):
            nodes[node].fullUntil = max(nodes[node].fullUntil, fault.end)
        case .slowDisk(let node, let delay):
            result.faults.add(.slowDisk)
            nodes[node].slowness = delay
        case .crashInWrite(let node, let again):
            nodes[node].storage.dieSoon()
            nodes[node].diesInWrites = again ? 1 : 0
        case .crashInCheckpoint(let node): nodes[node].diesInCheckpoint = true
        case .crashAtVote(let node, let crash):
            nodes[node].voteCrash = crash
            if crash.loss != nil { nodes[node].storage.takeBackup() }
        case .loss(let node, _): nodes[node].storage.takeBackup()
        }
    }

    func endFault(_ index: Int) {
        guard !isHealed else { return }
        let fault = plan[index]
        switch fault.kind {
        case .halves, .isolation, .asymmetry, .silence:
            for (from, to) in cuts(fault.kind) { links.cut(from, to, by: -1) }
        case .clog(let node, _):
            for other in nodes.indices {
                links.clog(node, other, 0)
                links.clog(other, node, 0)
            }
        case .skew(let node, _), .jump(let node, _): nodes[node].clockOffset = 0
        case .slowDisk(let node, _): nodes[node].slowness = 0
        case .loss(let node, let fault): loseDisk(nodes[node], fault)
        case .crash, .crashAtEffect, .crashAtVote, .pause, .diskFull, .crashInWrite,
            .crashInCheckpoint:
            break
        }
    }

    private func count(_ kind: PlannedFault.Kind) {
        switch kind {
        case .halves: result.faults.add(.halves)
        case .isolation: result.faults.add(.isolation)
        case .asymmetry: result.faults.add(.asymmetry)
        case .silence: result.faults.add(.silence)
        default: break
        }
    }

    /// The links that a partition cuts.
    private func cuts(_ kind: PlannedFault.Kind) -> [(Int, Int)] {
        let all = nodes.indices
        switch kind {
        case .halves(let side):
            return all.flatMap { a in
                all.filter { side.contains(a) != side.contains($0) }.map { (a, $0) }
            }
        case .isolation(let node):
            return all.flatMap { $0 == node ? [] : [(node, $0), ($0, node)] }
        case .asymmetry(let node, let isDeaf):
            return all.compactMap { $0 == node ? nil : isDeaf ? ($0, node) : (node, $0) }
        case .silence: return all.flatMap { a in all.map { (a, $0) } }
        default: return []
        }
    }

    /// The end of all faults but those of validators that break the rules.
    func heal() {
        isHealed = true
        links.heal()
        for node in nodes {
            node.crashIn = nil
            node.crashAgain = nil
            node.voteCrash = nil
            node.diesInWrites = 0
            node.diesInCheckpoint = false
            node.storage.liveOn()
            node.storage.findSpace()
            node.pausedUntil = min(node.pausedUntil, now)
            node.clockOffset = 0
            node.slowness = 0
            node.fullUntil = min(node.fullUntil, now)
            if !node.isUp { restart(node) }
        }
        setGoal()
    }
}
