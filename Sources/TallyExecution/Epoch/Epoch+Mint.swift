import TallyPrimitives
import TallyState
import TallyTransactions

/// How the beacon divides the money of one epoch (EPOCH-3).
struct EpochDivision: Hashable, Sendable {
    let nodes: [Amount]
    let trades: [Amount]
    /// What is left of the nodes' money.
    let treasury: Amount

    /// - Parameters:
    ///   - weights: by endpoint, in force in the epoch.
    ///   - claims: by endpoint, what trades of the epoch are owed.
    ///   - emission: for the nodes of all.
    ///   - left: of the pool for trades.
    /// - Returns: `nil` when a sum exceeds 2^128 − 1.
    init?(weights: [RewardWeight], claims: [Amount], emission: Amount, left: Amount) {
        var total = RewardWeight.zero
        for weight in weights {
            guard let sum = total.adding(weight) else { return nil }
            total = sum
        }
        guard let owed = Amount.sum(claims) else { return nil }
        // ECON-18
        let nodes = weights.map { $0.part(of: emission, in: total) }
        guard let shared = Amount.sum(nodes), let treasury = emission.subtracting(shared) else {
            return nil
        }
        self.nodes = nodes
        // ECON-17
        trades = claims.map { OwedReward.payable($0, ofAll: owed, available: left) }
        self.treasury = treasury
    }
}

extension BlockExecutor {
    mutating func emissionBook() throws(ExecutionError) -> EmissionBook {
        if let book: EmissionBook = try stored(at: EmissionBook.key) { return book }
        return EmissionBook(next: try opening() ?? context.epoch)
    }

    /// EPOCH-3: keeps a report. Minting begins when it is the last one of the next epoch to mint for.
    /// - Returns: whether it is the first of its endpoint for an epoch that is over and was not minted
    ///   for. Nothing has changed if not.
    mutating func record(_ report: EpochReport) throws(ExecutionError) -> Bool {
        let book = try emissionBook()
        var tally = try epochTally(report.epoch)
        guard report.epoch >= book.next, report.epoch < context.epoch,
            try state.object(report.key) == nil, tally.add(report)
        else { return false }
        try store(report)
        try store(tally)
        if report.epoch == book.next { try queueMint(of: tally) }
        return true
    }

    private mutating func epochTally(_ epoch: UInt64) throws(ExecutionError) -> EpochTally {
        try stored(at: EpochTally.key(epoch)) ?? EpochTally(epoch: epoch)
    }

    /// RCPT-6: a receipt sends nothing but an answer, so an entry does the rest.
    private mutating func queueMint(of tally: EpochTally) throws(ExecutionError) {
        guard tally.count == UInt64(context.layout.endpointCount) else { return }
        _ = try enqueue(
            .epoch(.mint(epoch: tally.epoch)), value: .zero, at: context.time,
            to: context.endpoint)
    }

    /// EPOCH-3: makes the money of an epoch that all have reported, and queues everyone's share.
    mutating func mint(epoch: UInt64) throws(ExecutionError) {
        var book = try emissionBook()
        guard epoch == book.next else { return }
        // RCPT-11: shares that wait for their slots are as many as the queue has room for.
        guard counters.count + context.layout.endpointCount < context.parameters.dueBound else {
            try postponeMint(of: epoch)
            return
        }
        let claims = try reports(of: epoch).map(\.claims)
        let division = try divide(epoch, claims: claims, &book)
        for (endpoint, (nodes, trades)) in zip(
            context.layout.endpoints, zip(division.nodes, division.trades))
        {
            let share = EpochShare(
                epoch: epoch, nodes: nodes, trades: trades, owed: claims[Int(endpoint.index)])
            _ = try enqueue(
                .epoch(.share(share, to: endpoint)),
                value: try checked(share.value, "share of epoch \(epoch)"), at: context.time,
                to: endpoint)
        }
        try forgetReports(before: epoch)
        book.next += 1
        try store(book)
        try queueMint(of: try epochTally(book.next))
    }

    /// Mints, and gives the treasury what cannot be divided.
    private mutating func divide(
        _ epoch: UInt64, claims: [Amount], _ book: inout EmissionBook
    ) throws(ExecutionError) -> EpochDivision {
        let economy = try economy()
        let weights = try weights(in: epoch)
        var emission = economy.nodeRewards.emission(
            inEpoch: try epochsSinceOpening(epoch)
        ).amount
        if weights.allSatisfy({ $0 == .zero }) {
            // EPOCH-3: without weight nothing is minted, and the schedule goes on.
            book.unminted = try checked(book.unminted.adding(emission), "unminted rewards")
            emission = .zero
        }
        let left = try checked(
            economy.tradeRewards.cap.subtracting(book.trades), "pool of trade rewards")
        let division = try checked(
            EpochDivision(weights: weights, claims: claims, emission: emission, left: left),
            "division of epoch \(epoch)")
        let trades = try checked(Amount.sum(division.trades), "trade rewards")
        book.nodes = try checked(book.nodes.adding(emission), "node rewards")
        book.trades = try checked(book.trades.adding(trades), "trade rewards")
        guard book.nodes <= economy.nodeRewards.cap, book.trades <= economy.tradeRewards.cap else {
            throw .invariant("more minted than the cap")  // ECON-8
        }
        try mint(emission)
        try mint(trades)
        try creditBeneficiary(ReservedAddress.treasury, division.treasury)
        events.append(
            .compute(
                .epoch(
                    .minted(
                        epoch: epoch, nodes: emission, trades: trades,
                        treasury: division.treasury))))
        return division
    }

    /// Weights of an epoch: what was reported at the end of the one before. 0 in the opening epoch.
    private mutating func weights(in epoch: UInt64) throws(ExecutionError) -> [RewardWeight] {
        guard try epochsSinceOpening(epoch) > 0 else {
            return Array(repeating: .zero, count: context.layout.endpointCount)
        }
        return try reports(of: epoch - 1).map(\.weight)
    }

    /// By endpoint.
    private mutating func reports(of epoch: UInt64) throws(ExecutionError) -> [EpochReport] {
        var reports: [EpochReport] = []
        for endpoint in context.layout.endpoints {
            let key = EpochObjectTag.report.key(epoch, endpoint)
            let report: EpochReport? = try stored(at: key)
            reports.append(
                try checked(report, "report of epoch \(epoch), endpoint \(endpoint)"))
        }
        return reports
    }

    private mutating func forgetReports(before epoch: UInt64) throws(ExecutionError) {
        guard try epochsSinceOpening(epoch) > 0 else { return }
        try state.set(EpochTally.key(epoch - 1), nil)
        for endpoint in context.layout.endpoints {
            try state.set(EpochObjectTag.report.key(epoch - 1, endpoint), nil)
        }
    }

    private mutating func postponeMint(of epoch: UInt64) throws(ExecutionError) {
        let (time, overflow) = context.time.milliseconds.addingReportingOverflow(1_000)
        _ = try enqueue(
            .epoch(.mint(epoch: epoch)), value: .zero,
            at: BeaconTime(milliseconds: overflow ? .max : time), to: context.endpoint)
    }
}
