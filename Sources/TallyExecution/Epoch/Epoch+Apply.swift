import TallyPrimitives
import TallyState
import TallyTransactions

extension BlockExecutor {
    private var isBeacon: Bool { context.endpoint == context.layout.beacon }

    /// RCPT-13: takes in what another endpoint tells at the end of an epoch, each epoch of each
    /// endpoint once; whatever else has that kind bounces (EPOCH-8).
    mutating func settleEpoch(_ receipt: Receipt) throws(ExecutionError) {
        guard context.parameters.economy != nil else { return bounce(receipt, .economyClosed) }
        let message: EpochMessage
        do throws(RLPError) {
            message = try EpochMessage(receipt.payload, from: receipt.reference.source)
        } catch { return bounce(receipt, .malformed) }
        let treasury = ReservedAddress.treasury
        guard receipt.from == treasury, receipt.to == treasury, receipt.fee.isZero,
            try take(message, receipt)
        else { return bounce(receipt, .malformed) }
    }

    /// - Returns: whether the message was one that was due. Nothing has changed if not.
    private mutating func take(
        _ message: EpochMessage, _ receipt: Receipt
    ) throws(ExecutionError) -> Bool {
        let (source, beacon) = (receipt.reference.source, context.layout.beacon)
        switch message {
        case .report(let report):
            guard isBeacon, source < beacon, receipt.value.isZero, try record(report) else {
                return false
            }
            events.append(
                .compute(
                    .epoch(
                        .reported(
                            receipt.reference, epoch: report.epoch, weight: report.weight,
                            claims: report.claims))))
            return true
        case .share(let share):
            guard source == beacon, !isBeacon, share.value == receipt.value else { return false }
            return try arrive(share, receipt.reference)
        }
    }

    /// Runs an entry whose time has come.
    mutating func run(_ due: EpochDue, _ entry: DueEntry) throws(ExecutionError) {
        switch due {
        case .close(let epoch): try close(epoch)
        case .mint(let epoch): try mint(epoch: epoch)
        case .share(let share, let endpoint): try send(share, to: endpoint)
        }
    }

    /// EPOCH-2: reports the epoch, and queues the close of the next. By now its claims and the
    /// weights of the next are final: both change only before its end.
    private mutating func close(_ epoch: UInt64) throws(ExecutionError) {
        let beacon = context.layout.beacon
        let report = EpochReport(
            epoch: epoch, endpoint: context.endpoint,
            weight: try rewardPool().weight(in: epoch + 1), claims: try tradeEpoch(epoch).owed)
        var sent: ReceiptReference?
        if isBeacon {
            guard try record(report) else { throw .invariant("epoch \(epoch) was reported") }
        } else {
            sent = send(.report(report), to: beacon, value: .zero)
        }
        events.append(
            .compute(
                .epoch(
                    .closed(
                        epoch: epoch, weight: report.weight, claims: report.claims, sent: sent))))
        _ = try enqueue(
            .epoch(.close(epoch: epoch + 1)), value: .zero,
            at: context.parameters.end(ofEpoch: epoch + 1), to: beacon)
    }

    private mutating func send(
        _ share: EpochShare, to endpoint: EndpointID
    ) throws(ExecutionError) {
        let isLocal = endpoint == context.endpoint
        let value = try checked(share.value, "share of epoch \(share.epoch)")
        let sent = isLocal ? nil : send(.share(share), to: endpoint, value: value)
        events.append(.compute(.epoch(.shared(share, to: endpoint, sent: sent))))
        guard isLocal else { return }
        guard try arrive(share, nil) else { throw .invariant("share of epoch \(share.epoch)") }
    }

    private mutating func send(
        _ message: EpochMessage, to endpoint: EndpointID, value: Amount
    ) -> ReceiptReference {
        outbox.send(
            to: endpoint, .epoch, origin: .zero, from: ReservedAddress.treasury,
            to: ReservedAddress.treasury, value: value, fee: .zero, payload: message.payload)
    }

    /// EPOCH-4: puts a share into the endpoint's pools, in the order of epochs and each once.
    /// - Returns: whether it was the next one. Nothing has changed if not.
    private mutating func arrive(
        _ share: EpochShare, _ reference: ReceiptReference?
    ) throws(ExecutionError) -> Bool {
        var pool = try rewardPool()
        var trades = try tradeEpoch(share.epoch)
        guard share.epoch == pool.next, share.epoch < context.epoch, trades.owed == share.owed,
            trades.funded == nil, share.trades <= share.owed
        else { return false }
        let residue: Amount
        do throws(EconomyError) {
            residue = try pool.receive(share.nodes)
        } catch { throw .invariant("reward index: \(error)") }
        try store(pool)
        try payTreasury(residue)
        if var boundary: RewardBoundary = try stored(at: RewardBoundary.key(pool.next)) {
            boundary.index = pool.index.value
            try store(boundary)
        }
        trades.funded = share.trades
        trades.money = share.trades
        try store(trades)
        events.append(
            .compute(
                .epoch(
                    .arrived(
                        reference, epoch: share.epoch, nodes: share.nodes, trades: share.trades,
                        index: pool.index.value))))
        return true
    }
}
