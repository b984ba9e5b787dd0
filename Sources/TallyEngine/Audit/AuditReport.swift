package import TallyPrimitives
import TallyState

/// What an audit counted and found.
package struct AuditReport: Equatable, Sendable {
    /// Last height audited.
    package let height: Height
    /// Of the beacon's checkpoint; blocks after it were replayed from the log, in memory.
    package let checkpoint: Height
    /// By index: the shards, then the beacon's own endpoint.
    package let endpoints: [EndpointTotals]
    package let genesisSupply: Amount
    package let minted: Amount
    package let burned: Amount
    package let counts: Counts
    /// Bytes of an unfinished, never acknowledged record at the end of the log.
    package let cutBytes: UInt64
    /// In the order of the audit: state, headers with their receipts, checkpoints, log.
    package let findings: [AuditFinding]
    /// Findings that were only counted.
    package let droppedFindings: Int

    package struct Counts: Hashable, Sendable {
        package var beaconBlocks = 0
        package var shardBlocks = 0
        package var receiptsSent = 0
        package var receiptsConsumed = 0
        package var transactions = 0
        /// Whose signature was verified.
        package var signatures = 0
        package var logRecords = 0
    }

    package var isClean: Bool { findings.isEmpty && droppedFindings == 0 }
    /// Money in all leaves, as recomputed; `nil` above 2^128 − 1.
    package var held: Amount? { Amount.sum(endpoints.lazy.map(\.total)) }
    /// Money in all receipts that were sent and not consumed.
    package var inFlight: Amount? { Amount.sum(endpoints.lazy.map(\.inFlight.value)) }
    /// Held, in flight and burned.
    package var assets: Amount? {
        guard let held, let inFlight else { return nil }
        return held.adding(inFlight)?.adding(burned)
    }
    /// Genesis and minted: what `assets` must be.
    package var claims: Amount? { genesisSupply.adding(minted) }
}

/// The money of one endpoint, as its leaves and receipts have it.
package struct EndpointTotals: Hashable, Sendable {
    package let endpoint: EndpointID
    /// Of its last block; 0 if it has none.
    package var height = Height.genesis
    package var accounts = AuditTally()
    package var vaults = AuditTally()
    package var escrows = AuditTally()
    package var due = AuditTally()
    package var treasury = AuditTally()
    /// Of nodes and validators.
    package var stakes = AuditTally()
    /// Escrows of orders, and bonds of bids.
    package var jobs = AuditTally()
    /// Offers, and what is owed for trading.
    package var trades = AuditTally()
    /// Minted for nodes, and not yet drawn by them.
    package var rewards = AuditTally()
    /// Streams and counters: they hold no money.
    package var others = AuditTally()
    /// Receipts on their way from here.
    package var inFlight = AuditTally()

    init(endpoint: EndpointID) { self.endpoint = endpoint }

    /// Money in the endpoint's leaves. The tree's own sum is checked, so this does not overflow.
    package var total: Amount {
        Amount.sum(
            [
                accounts, vaults, escrows, due, treasury, stakes, jobs, trades, rewards, others,
            ].lazy.map(\.value)) ?? .max
    }

    mutating func add(_ object: StateObject) {
        switch object.kind {
        case .account: accounts.add(object.value)
        case .vault: vaults.add(object.value)
        case .escrow: escrows.add(object.value)
        case .due: due.add(object.value)
        case .treasury: treasury.add(object.value)
        case .node, .validator: stakes.add(object.value)
        case .order, .bid: jobs.add(object.value)
        case .offer, .owed: trades.add(object.value)
        case .epoch, .pool: rewards.add(object.value)
        case .stream, .meta, .round: others.add(object.value)
        }
    }
}

/// How many of a kind, and the money in them, in base units.
package struct AuditTally: Hashable, Sendable {
    package private(set) var count = 0
    package private(set) var value = Amount.zero

    mutating func add(_ amount: Amount) {
        count += 1
        value = value.adding(amount) ?? .max
    }
}
