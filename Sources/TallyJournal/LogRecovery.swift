package import TallyConsensus
package import TallyPrimitives

/// Why what two verified logs say cannot be taken up again. Nothing of it is repaired silently.
package enum LogRecoveryError: Error, Hashable, Sendable {
    case malformed(ConsensusRecord.Log, sequence: UInt64, RLPError)
    /// A kind of record that this program does not write.
    case unknownKind(ConsensusRecord.Log, sequence: UInt64, RecordKind)
    /// A record of the other log.
    case misplaced(ConsensusRecord.Log, sequence: UInt64)
    /// The beacon log does not go on where the checkpoint or the decision before ends.
    case heightGap(expected: Height, actual: Height)
    /// A decision, or a vote of an open height, without its block: the beacon log is older than it.
    case bodyMissing(Height, digest: Hash32)
}

extension LogRecoveryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let log, let sequence, let error):
            "record \(sequence) of the \(log) log does not decode: \(error)"
        case .unknownKind(let log, let sequence, let kind):
            "record \(sequence) of the \(log) log has the unknown kind \(kind.value)"
        case .misplaced(let log, let sequence):
            "record \(sequence) of the \(log) log belongs to the other log"
        case .heightGap(let expected, let actual):
            "the beacon log goes on at height \(actual), expected \(expected)"
        case .bodyMissing(let height, let digest):
            "the beacon log does not hold the block \(digest) of height \(height), which was voted "
                + "for or decided: it is older than the vote log, or damaged"
        }
    }
}

/// What both logs say: the decided blocks above a checkpoint, and what is remembered of the open
/// heights (IBFT-L2).
///
/// First all records of the beacon log are given, then all of the vote log.
package struct LogRecovery: Sendable {
    /// Height of the beacon's checkpoint.
    package let checkpoint: Height
    /// The last decided height.
    package private(set) var head: Height
    /// First record of the beacon log that is about each height above the checkpoint.
    private(set) var firstSequences: [Height: UInt64] = [:]
    /// Bodies of heights above the head.
    private var bodies: [ProposedBlock] = []
    private var votes: [ConsensusRecord] = []
    /// Of the last heights: another block of one of them is a fork, also after a restart.
    private var recent: [FinalCertificate] = []
    private var hasVotes = false

    package init(checkpoint: Height) {
        self.checkpoint = checkpoint
        head = checkpoint
    }

    /// The next record of the beacon log.
    /// - Returns: the blocks that it decides, to be replayed in this order.
    /// - Throws: every case of `LogRecoveryError`.
    package mutating func beacon(
        _ record: JournalRecord, _ payload: ArraySlice<UInt8>
    ) throws(LogRecoveryError) -> [Ibft.Decision] {
        var decisions: [Ibft.Decision] = []
        for item in try LogRecords(record, payload, of: .beacon).records {
            guard item.log == .beacon, let height = item.height else {
                throw .misplaced(.beacon, sequence: record.sequence)
            }
            guard height > head else { continue }
            if firstSequences[height] == nil { firstSequences[height] = record.sequence }
            switch item {
            case .undecided(let block): bodies.append(block)
            case .decision(let certificate): decisions.append(try decide(certificate))
            case .proposal, .prepare, .commit, .roundChange, .observing:
                throw .misplaced(.beacon, sequence: record.sequence)
            }
        }
        return decisions
    }

    private mutating func decide(
        _ certificate: FinalCertificate
    ) throws(LogRecoveryError) -> Ibft.Decision {
        guard certificate.height == head.next else {
            throw .heightGap(expected: head.next, actual: certificate.height)
        }
        guard let block = body(certificate.digest) else {
            throw .bodyMissing(certificate.height, digest: certificate.digest)
        }
        head = certificate.height
        bodies.removeAll { $0.height <= certificate.height }
        recent = recent.suffix(Int(ValidatorSets.recentHeights) - 1) + [certificate]
        return Ibft.Decision(block: block, certificate: certificate)
    }

    private func body(_ digest: Hash32) -> ProposedBlock? { bodies.first { $0.digest == digest } }

    /// The next record of the vote log.
    /// - Throws: `.malformed`, `.unknownKind`, `.misplaced`.
    package mutating func votes(
        _ record: JournalRecord, _ payload: ArraySlice<UInt8>
    ) throws(LogRecoveryError) {
        let read = try LogRecords(record, payload, of: .votes)
        guard read.records.allSatisfy({ $0.log == .votes }) else {
            throw .misplaced(.votes, sequence: record.sequence)
        }
        hasVotes = true
        votes = VoteLog.live(read.isRestatement ? read.records : votes + read.records, final: head)
    }

    /// What of the vote log a restart needs.
    package var liveVotes: [ConsensusRecord] { VoteLog.live(votes, final: head) }

    /// What an agreement above the head is to remember.
    ///
    /// A validator without a vote log may have voted above its head, unless it never began. Where it
    /// is alone nothing of that was seen by anybody whose vote counts, so that it just goes on
    /// (STORE-20).
    /// - Parameter isAlone: whether it is the only validator of the height above the head.
    /// - Throws: `.bodyMissing`.
    package func memory(isAlone: Bool) throws(LogRecoveryError) -> Ibft.Memory {
        if !hasVotes, head == .genesis, bodies.isEmpty { return .none }
        if !hasVotes, !isAlone { return .lost }
        var records: [ConsensusRecord] = []
        for vote in liveVotes {
            // Each time: what no vote is about is forgotten as rounds are passed.
            if let (height, digest) = vote.block {
                guard let block = body(digest) else {
                    throw .bodyMissing(height, digest: digest)
                }
                records.append(.undecided(block))
            }
            records.append(vote)
        }
        return .records(
            recent.map(ConsensusRecord.decision) + records
                + bodies.map(ConsensusRecord.undecided))
    }
}

extension ConsensusRecord {
    /// The block whose body was durable before this vote.
    fileprivate var block: (Height, Hash32)? {
        switch self {
        case .proposal(let signed, _): (signed.height, signed.statement.digest)
        case .commit(let commit, let certificate): (commit.height, certificate.digest)
        case .roundChange(let change):
            change.certificate.map { (change.height, $0.digest) }
        case .prepare, .observing, .undecided, .decision: nil
        }
    }
}
