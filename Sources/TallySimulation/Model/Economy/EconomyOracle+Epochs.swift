import TallyExecution
import TallyPrimitives

// The ends of epochs: reports, minting, shares.

extension EconomyOracle {
    struct Epochs: Sendable {
        struct Report: Sendable {
            let weight: UInt128
            let claims: UInt128
        }

        struct Division: Sendable {
            let nodes: [UInt128]
            let trades: [UInt128]
            let claims: [UInt128]
            var shared: Set<EndpointID> = []
        }

        /// By endpoint and epoch: what its trades are owed, and what arrived for them.
        var claims: [[UInt64: UInt128]]
        var arrived: [[UInt64: UInt128]]
        var reports: [[UInt64: Report]]
        var reported: Set<ReportKey> = []
        /// By endpoint: the next epoch to close, and to receive a share of.
        var nextClose: [UInt64]
        var nextShare: [UInt64]
        /// Of the beacon.
        var nextMint: UInt64
        var divisions: [UInt64: Division] = [:]
        var mintedNodes: UInt128 = 0
        var mintedTrades: UInt128 = 0
        /// In 2^-64 base units a unit of weight, by endpoint.
        var index: [UInt256]

        init(_ count: Int, _ opening: UInt64) {
            claims = Array(repeating: [:], count: count)
            arrived = claims
            reports = Array(repeating: [:], count: count)
            nextClose = Array(repeating: opening, count: count)
            nextShare = nextClose
            nextMint = opening
            index = Array(repeating: .zero, count: count)
        }
    }

    struct ReportKey: Hashable, Sendable {
        let endpoint: EndpointID
        let epoch: UInt64
    }

    mutating func follow(_ event: EpochEvent) throws(EconomyViolation) {
        switch event {
        case .closed(let epoch, let weight, let claims, _):
            try close(epoch, weight.units, claims.units)
        case .reported(let reference, let epoch, let weight, let claims):
            let report = epochs.reports[Int(reference.source.index)][epoch]
            try expect(
                report?.weight == weight.units && report?.claims == claims.units, .epoch,
                "\(reference.source) did not report this of epoch \(epoch)")
            let key = ReportKey(endpoint: reference.source, epoch: epoch)
            try expect(
                epochs.reported.insert(key).inserted, .epoch, "epoch \(epoch) is reported twice")
        case .minted(let epoch, let nodes, let trades, let treasury):
            try mint(epoch, nodes.units, trades.units, treasury.units)
        case .shared(let share, let endpoint, _): try send(share, endpoint)
        case .arrived(_, let epoch, let nodes, let trades, let index):
            try arrive(epoch, nodes.units, trades.units, index)
        }
    }

    /// EPOCH-2: after their ends and in order, also those that were slept through.
    private mutating func close(
        _ epoch: UInt64, _ weight: UInt128, _ claims: UInt128
    ) throws(EconomyViolation) {
        try expect(epoch, is: epochs.nextClose[index], .epoch, "the epoch that closes")
        try expect(
            now >= (epoch + 1) * parameters.epochMilliseconds, .epoch,
            "epoch \(epoch) closes too early")
        try expect(weight, is: self.weight(in: epoch + 1), .epoch, "the weight of \(epoch + 1)")
        try expect(
            claims, is: epochs.claims[index][epoch] ?? 0, .epoch, "the claims of \(epoch)")
        epochs.nextClose[index] += 1
        epochs.reports[index][epoch] = Epochs.Report(weight: weight, claims: claims)
    }

    /// ECON-8, ECON-17, EPOCH-3.
    private mutating func mint(
        _ epoch: UInt64, _ minted: UInt128, _ trades: UInt128, _ treasury: UInt128
    ) throws(EconomyViolation) {
        try expect(epoch, is: epochs.nextMint, .epoch, "the epoch that is minted for")
        epochs.nextMint += 1
        let reports = epochs.reports.compactMap { $0[epoch] }
        try expect(
            reports.count, is: epochs.reports.count, .epoch, "endpoints that closed \(epoch)")
        let weights = epochs.reports.map { epoch > opening ? $0[epoch - 1]?.weight ?? 0 : 0 }
        let total = weights.reduce(0, +)
        try expect(
            minted, is: total == 0 ? 0 : emission(epoch - opening), .epoch,
            "the emission of \(epoch)")
        let parts = weights.map { total == 0 ? 0 : Self.quotient(minted, $0, total) }
        try expect(
            treasury, is: minted - parts.reduce(0, +), .epoch, "the treasury's of \(epoch)")
        let owed = reports.reduce(0) { $0 + $1.claims }
        let left = economy.tradeRewards.cap.units - epochs.mintedTrades
        let funded = reports.map { Self.payable($0.claims, owed, left) }
        try expect(trades, is: funded.reduce(0, +), .epoch, "the trade rewards of \(epoch)")
        epochs.mintedNodes += minted
        epochs.mintedTrades += trades
        epochs.divisions[epoch] = Epochs.Division(
            nodes: parts, trades: funded, claims: reports.map(\.claims))
        for place in epochs.reports.indices where epoch > opening {
            epochs.reports[place][epoch - 1] = nil
        }
    }

    private mutating func send(
        _ share: EpochShare, _ endpoint: EndpointID
    ) throws(EconomyViolation) {
        let place = Int(endpoint.index)
        guard let division = epochs.divisions[share.epoch] else {
            throw violation(.epoch, "epoch \(share.epoch) was not minted for")
        }
        try expect(
            share.nodes.units == division.nodes[place]
                && share.trades.units == division.trades[place]
                && share.owed.units == division.claims[place], .epoch,
            "the share of \(endpoint) of epoch \(share.epoch)")
        try expect(
            epochs.divisions[share.epoch]?.shared.insert(endpoint).inserted == true, .epoch,
            "\(endpoint) gets its share of epoch \(share.epoch) twice")
    }

    /// ECON-18: every node, and on the beacon every stake, earns by its weight.
    private mutating func arrive(
        _ epoch: UInt64, _ share: UInt128, _ trades: UInt128, _ stated: UInt256
    ) throws(EconomyViolation) {
        try expect(epoch, is: epochs.nextShare[index], .epoch, "the share that arrives")
        epochs.nextShare[index] += 1
        let division = epochs.divisions[epoch]
        try expect(
            division?.nodes[index] == share && division?.trades[index] == trades, .epoch,
            "what arrives of epoch \(epoch)")
        epochs.arrived[index][epoch] = trades
        let total = weight(in: epoch)
        if total > 0, let step = UInt256(product: share, 1 << 64).divided(by: total)?.quotient {
            epochs.index[index] = epochs.index[index].adding(step) ?? .max
            earn(step, in: epoch)
        }
        try expect(stated, is: epochs.index[index], .epoch, "the index of rewards")
    }
}
