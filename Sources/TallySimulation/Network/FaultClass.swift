/// What may go wrong in a simulation: named by `--faults`, or else chosen by the seed.
package enum FaultClass: String, Hashable, Sendable, CaseIterable {
    /// Loss, delay, reorder, duplicates, replays, partitions, clogging.
    case network
    /// Crashes at any effect, restarts, pauses.
    case process
    /// Lost and torn writes, full and slow disks, lost and old disks.
    case storage
    /// Skew, and jumps of an hour.
    case clock
    /// Validators that break the rules, of at most F power.
    case byzantine
    /// Changes of the validator set and its weights.
    case sets
    /// Validators of more than F power that break the rules.
    case excess
}

/// What was injected, counted one by one.
package enum Fault: String, Hashable, Sendable, CaseIterable, Comparable {
    // Network
    case lost, reordered, duplicated, replayed, clogged, partitioned
    case halves, isolation, asymmetry, silence
    // Process
    case crash, crashAtEffect, crashAtVote, crashAgain, pause
    // Storage
    case crashInWrite, crashInCheckpoint, unsyncedLost, tornWrite, diskFull, slowDisk
    case votesLost, oldDisk, diskLost
    // Clock
    case clockSkew, clockJump
    // Validators
    case equivocation, lateProposal, selectiveProposal, badBody, badRoot, wrongTime
    case losingParent, withheldBody
    case doublePrepare, doubleCommit, withheldCommit, commitToOne
    case certificateTooFew, certificateRepeated, certificateForeign, certificateWrongHeight
    case certificateWrongRound, certificateWrongChain, certificateNotHighest, certificateTwoDigests
    case justificationRepeated, justificationTooFew
    case replayHeight, replayRound, replayChain, replayEpoch, replayKind, lateVote
    case staleRoundChange, roundFlood
    case concealedLock
    case forgedFinal, headLie, twins, muteValidator
    // Sets
    case setChange, setReplaced
    // Workload
    case illegalTransaction

    package static func < (a: Fault, b: Fault) -> Bool { a.rawValue < b.rawValue }

    /// Whether a class brings it about. What equivocates may be one of few or of too many.
    package func belongs(to faults: FaultClass) -> Bool {
        switch self {
        case .lost, .reordered, .duplicated, .replayed, .clogged, .partitioned, .halves,
            .isolation, .asymmetry, .silence:
            faults == .network
        case .crash, .crashAtEffect, .crashAtVote, .crashAgain, .pause: faults == .process
        case .crashInWrite, .crashInCheckpoint, .unsyncedLost, .tornWrite, .diskFull, .slowDisk,
            .votesLost, .oldDisk, .diskLost:
            faults == .storage
        case .clockSkew, .clockJump: faults == .clock
        case .equivocation, .doublePrepare, .doubleCommit, .twins:
            faults == .byzantine || faults == .excess
        case .lateProposal, .selectiveProposal, .badBody, .badRoot, .wrongTime, .losingParent,
            .withheldBody, .withheldCommit, .commitToOne, .certificateTooFew,
            .certificateRepeated, .certificateForeign, .certificateWrongHeight,
            .certificateWrongRound, .certificateWrongChain, .certificateNotHighest,
            .certificateTwoDigests, .justificationRepeated, .justificationTooFew, .replayHeight,
            .replayRound, .replayChain, .replayEpoch, .replayKind, .lateVote, .staleRoundChange,
            .roundFlood, .concealedLock, .forgedFinal, .headLie, .muteValidator:
            faults == .byzantine
        case .setChange, .setReplaced: faults == .sets
        case .illegalTransaction: false
        }
    }
}

/// How often each fault was injected.
package struct FaultHistogram: Hashable, Sendable {
    private var counts: [Fault: Int] = [:]

    package init() {}

    package subscript(fault: Fault) -> Int { counts[fault, default: 0] }

    /// Those that happened, in the order of their declaration.
    package var entries: [(fault: Fault, count: Int)] {
        Fault.allCases.compactMap { fault in counts[fault].map { (fault, $0) } }
    }

    /// How often something of a class was.
    package func count(of faults: FaultClass) -> Int {
        counts.reduce(0) { $1.key.belongs(to: faults) ? $0 + $1.value : $0 }
    }

    mutating func add(_ fault: Fault, _ count: Int = 1) {
        guard count > 0 else { return }
        counts[fault, default: 0] += count
    }

    package mutating func add(_ other: FaultHistogram) {
        for (fault, count) in other.entries { add(fault, count) }
    }
}
