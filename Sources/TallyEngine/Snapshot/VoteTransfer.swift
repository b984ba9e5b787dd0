import Foundation
import TallyConsensus
import TallyExecution
package import TallyJournal
package import TallyPrimitives
package import TallySharding
package import TallyStore

/// Why votes were not exported or imported.
package enum VoteTransferError: Error, Equatable, Sendable {
    /// The vote log is missing, or says that one was: nobody knows what was signed.
    case votesLost
    case malformed(field: String?)
    case unknownFormat(String)
    case wrongGenesis(stated: String, expected: Hash32)
    /// The file is about a key that is not the directory's, or the log is another's.
    case foreignKey(String)
    /// The file says nothing of the directory's key.
    case missingKey(Address)
    /// A lone validator has nobody to decide the heights that it may not vote at.
    case lone(head: Height, watermark: Height)
    case store(StoreError)
    case journal(JournalOpenError)
    case write(JournalStorageError)
    case engine(description: String)
}

extension VoteTransferError: CustomStringConvertible {
    package var code: String {
        switch self {
        case .votesLost: "votesLost"
        case .malformed: "malformed"
        case .unknownFormat: "unknownFormat"
        case .wrongGenesis: "wrongGenesis"
        case .foreignKey: "foreignKey"
        case .missingKey: "missingKey"
        case .lone: "loneValidator"
        case .store: "store"
        case .journal, .write: "log"
        case .engine: "engine"
        }
    }

    package var description: String {
        switch self {
        case .votesLost:
            "this directory has lost its votes, so it cannot say what was signed; a node started "
                + "on it observes before it votes again"
        case .malformed(let field):
            "the file is no export of votes" + (field.map { ": '\($0)' is malformed" } ?? "")
        case .unknownFormat(let format): "the file has the unknown format \(format)"
        case .wrongGenesis(let stated, let expected):
            "the votes are of the network with genesis \(stated), not of \(expected)"
        case .foreignKey(let address): "the votes are of \(address), whose key is not here"
        case .missingKey(let address): "the file has no votes of \(address)"
        case .lone(let head, let watermark):
            "the only validator may have signed up to height \(watermark), but this ledger ends at "
                + "\(head), and nobody else can decide the heights between: restore a newer ledger"
        case .store(let error): error.description
        case .journal(let error): "a log cannot be read: \(error)"
        case .write(let error): "the vote log cannot be written: \(error)"
        case .engine(let description): description
        }
    }
}

/// Carries what a validator may have signed between stopped directories, whose locks the caller
/// holds (VOTES-1 to VOTES-3).
package enum VoteTransfer {
    /// What came of an import.
    package struct Outcome: Hashable, Sendable {
        /// Votes are cast above this height; `nil` where the directory observes until others answer.
        package let votesAbove: Height?
        package let changed: Bool

        package init(votesAbove: Height?, changed: Bool) {
            self.votesAbove = votesAbove
            self.changed = changed
        }
    }

    /// - Parameter validator: whose votes; those of the log must be its.
    package static func export(
        directory: String, genesis: Genesis, validator: Address, limits: Limits = Limits()
    ) throws(VoteTransferError) -> VoteInterchange {
        let logs = try VoteLogs(directory, genesis, limits)
        let records = logs.recovery.liveVotes
        try logs.checkSigner(validator)
        guard logs.hasVotes || logs.isAlone(validator, genesis) || logs.isFresh else {
            throw .votesLost
        }
        var until: Height?
        if let observation = logs.observation {
            guard let height = observation.until else { throw .votesLost }
            until = height
        }
        return VoteInterchange(
            genesis: genesis.hash, validator: validator, final: logs.recovery.head,
            observesUntil: until, signed: records.compactMap(VoteInterchange.Vote.init))
    }

    /// - Parameters:
    ///   - validator: whose key the directory has.
    ///   - salt: random, for a new log.
    package static func `import`(
        _ votes: VoteInterchange, directory: String, genesis: Genesis, validator: Address,
        salt: (high: UInt64, low: UInt64), limits: Limits = Limits()
    ) throws(VoteTransferError) -> Outcome {
        let salt = JournalSalt(high: salt.high, low: salt.low)
        guard votes.metadata.genesis == genesis.hash.description else {
            throw .wrongGenesis(stated: votes.metadata.genesis, expected: genesis.hash)
        }
        if let other = votes.data.first(where: { Address(hex: $0.validator) != validator }) {
            throw .foreignKey(other.validator)
        }
        guard !votes.data.isEmpty else { throw .missingKey(validator) }
        var watermark = Height.genesis
        for item in votes.data { watermark = max(watermark, try item.watermark) }
        var logs = try VoteLogs(directory, genesis, limits)
        try logs.checkSigner(validator)
        let head = logs.recovery.head
        let observation = logs.observation
        // Stricter than any file: only others can end it.
        if let observation, observation.until == nil {
            return Outcome(votesAbove: nil, changed: false)
        }
        let own = logs.recovery.liveVotes.compactMap(\.height).max() ?? .genesis
        let known = max(head, observation?.until ?? .genesis)
        guard !logs.hasVotes || watermark > known else {
            return Outcome(votesAbove: known, changed: false)
        }
        let until = max(watermark, own, known)
        guard until <= head || !logs.isAlone(validator, genesis) else {
            throw .lone(head: head, watermark: until)
        }
        try logs.restate(.observing(nonce: .zero, until: until), directory, genesis, salt)
        return Outcome(votesAbove: until, changed: true)
    }
}

/// Both logs of a stopped directory, read.
private struct VoteLogs {
    private(set) var recovery: LogRecovery
    private(set) var hasVotes = false
    /// Nothing was ever decided or voted for.
    private(set) var isFresh = false
    private var schedule: ValidatorSchedule

    init(
        _ directory: String, _ genesis: Genesis, _ limits: Limits
    ) throws(VoteTransferError) {
        schedule = ValidatorSchedule(genesis)
        let layout = genesis.parameters.layout
        var checkpoint = Height.genesis
        var books: [UInt8]?
        let place = DataLayout.endpoint(layout.beacon, layout, in: directory)
        if FileManager.default.fileExists(atPath: place + "/data.mdb") {
            do throws(EngineError) {
                let stored = try StoredLedger(directory, genesis, limits, readOnly: true)
                checkpoint = stored.heads.last??.appliedHeight ?? .genesis
                books = stored.books
            } catch { throw .engine(description: error.description) }
        }
        if let books { schedule = try Self.schedule(books, genesis) }
        recovery = LogRecovery(checkpoint: checkpoint)
        let bytes = genesis.parameters.recordByteLimit
        var headers: [BeaconHeader?] = []
        let hasBlocks = try read(
            DataLayout.log(in: directory), genesis.hash, JournalLimits(payloadBytes: bytes)
        ) { (recovery, record, payload) throws(LogRecoveryError) in
            for decision in try recovery.beacon(record, payload) {
                headers.append(try? BeaconHeader(ofBody: decision.block.body))
            }
        }
        for header in headers {
            guard let header else {
                throw .engine(description: "a logged block does not decode")
            }
            schedule.append(header)
        }
        // STORE-20: nothing was ever decided, nor voted for.
        isFresh = !hasBlocks && recovery.head == .genesis
        hasVotes = try read(DataLayout.votes(in: directory), genesis.hash, .votes) {
            (recovery, record, payload) throws(LogRecoveryError) in
            try recovery.votes(record, payload)
        }
    }

    /// The sets that a checkpoint knows.
    private static func schedule(
        _ books: [UInt8], _ genesis: Genesis
    ) throws(VoteTransferError) -> ValidatorSchedule {
        do throws(RLPError) {
            return try BeaconCore(genesis, encodedBooks: books).schedule
        } catch { throw .engine(description: "\(RestoreError.corruptBeacon(error))") }
    }

    /// - Returns: whether there is a record.
    private mutating func read(
        _ path: String, _ id: Hash32, _ limits: JournalLimits,
        _ visit: (inout LogRecovery, JournalRecord, ArraySlice<UInt8>)
            throws(LogRecoveryError) -> Void
    ) throws(VoteTransferError) -> Bool {
        guard FileManager.default.fileExists(atPath: path) else { return false }
        var found = false
        var failure: LogRecoveryError?
        do throws(JournalOpenError) {
            var journal = try ReadOnlyJournal.opened(at: path)
            _ = try journal.recover(
                logID: id, freshSalt: JournalSalt(high: 0, low: 0), limits: limits
            ) { record, payload in
                found = true
                guard failure == nil else { return }
                do throws(LogRecoveryError) {
                    try visit(&recovery, record, payload)
                } catch { failure = error }
            }
        } catch { throw .journal(error) }
        if let failure { throw .engine(description: failure.description) }
        return found
    }

    /// The newest word on whether votes were lost.
    var observation: (nonce: Hash32, until: Height?)? {
        for case .observing(let nonce, let until) in recovery.liveVotes { return (nonce, until) }
        return nil
    }

    func isAlone(_ validator: Address, _ genesis: Genesis) -> Bool {
        let set = schedule[recovery.head.next]
        return set.count == 1 && set.contains(validator)
    }

    func checkSigner(_ validator: Address) throws(VoteTransferError) {
        for record in recovery.liveVotes {
            let sender: Address? =
                switch record {
                case .proposal(let signed, _): signed.sender
                case .prepare(let signed): signed.sender
                case .commit(let signed, _): signed.sender
                case .roundChange(let change): change.sender
                case .observing, .undecided, .decision: nil
                }
            if let sender, sender != validator { throw .foreignKey(sender.description) }
        }
    }

    /// Makes a record all that is needed of the vote log.
    mutating func restate(
        _ record: ConsensusRecord, _ directory: String, _ genesis: Genesis, _ salt: JournalSalt
    ) throws(VoteTransferError) {
        var journal: FileJournal
        do throws(StoreError) {
            journal = try FileJournal.open(directory: DataLayout.votes(in: directory))
        } catch { throw .store(error) }
        var writer: JournalWriter
        do throws(JournalOpenError) {
            writer = try journal.recover(
                logID: genesis.hash, freshSalt: salt.ofVotes, limits: .votes
            ) { _, _ in }.writer
        } catch { throw .journal(error) }
        let effects: [JournalEffect]
        do throws(JournalRefusal) {
            effects = try writer.append(
                LogRecords.restated, LogRecords([record], isRestatement: true).payload)
        } catch { throw .engine(description: "\(error)") }
        do throws(JournalStorageError) {
            try journal.perform(effects)
        } catch { throw .write(error) }
    }
}
