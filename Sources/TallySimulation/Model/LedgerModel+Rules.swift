import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// One block of one endpoint, repeated.
private struct ModelBlock {
    let header: ShardHeader
    var id: EndpointID { header.endpoint }
    var index: Int { Int(header.endpoint.index) }
    var toBeneficiary: UInt128 = 0
    var toTreasury: UInt128 = 0
}

/// What a transaction may change, before it does, should one of its rules fail.
private struct Undo {
    let index: Int
    let accounts: [(Address, Account)]
    let ends: [Int]
    let nextEntry: UInt64

    init(_ model: LedgerModel, _ transaction: Transaction, _ index: Int) {
        self.index = index
        var addresses = [transaction.sender]
        switch transaction.operation {
        case .transfer(.single(let to, _)): addresses.append(to)
        case .transfer(.batch(let legs)): addresses += legs.map(\.to)
        case .transfer(.claimEscrow), .transfer(.setCreditPolicy): break
        case .node, .proof, .job, .trade, .validator: break
        }
        accounts = addresses.map { ($0, model.account($0)) }
        ends = model.streams[index].map(\.count)
        nextEntry = model.endpoints[index].nextEntry
    }

    func apply(to model: inout LedgerModel) {
        for (address, account) in accounts { model.set(address, account) }
        for (peer, end) in ends.enumerated() {
            model.streams[index][peer].removeSubrange(end...)
        }
        for number in nextEntry..<model.endpoints[index].nextEntry {
            model.endpoints[index].due[number] = nil
        }
        model.endpoints[index].nextEntry = nextEntry
    }
}

extension LedgerModel {
    /// Inbox, due entries, transactions, fees (SHARD-4).
    /// - Parameter anchored: the ends of the streams before the height (RCPT-1).
    mutating func apply(
        _ record: BlockRecord, anchored: [[Int]]
    ) throws(ModelViolation) {
        var block = ModelBlock(header: record.header)
        try consumeInbox(&block, anchored)
        for event in record.systemResult?.events ?? [] { try runEntry(event, &block) }
        for (transaction, result) in zip(record.transactions, record.results) {
            try apply(transaction, result.failure, &block)
        }
        try pay(record.header.beneficiary, block.toBeneficiary, block)
        try pay(ReservedAddress.treasury, block.toTreasury, block)
    }

    // MARK: Inbox (RCPT-3, RCPT-5)

    private mutating func consumeInbox(
        _ block: inout ModelBlock, _ anchored: [[Int]]
    ) throws(ModelViolation) {
        let count = endpoints.count
        for step in 0..<count {
            let source = (Int(block.header.height.value % UInt64(count)) + step) % count
            guard let item = block.header.in.first(where: { Int($0.peer.index) == source }) else {
                continue
            }
            let cursor = cursors[source][block.index]
            guard item.entry.cursor <= anchored[source][block.index], item.entry.cursor >= cursor
            else { throw .unsentReceipt(block.id, source: item.peer) }
            for place in cursor..<Int(item.entry.cursor) {
                try consume(streams[source][block.index][place], &block)
            }
            cursors[source][block.index] = Int(item.entry.cursor)
        }
    }

    private mutating func consume(
        _ receipt: Receipt, _ block: inout ModelBlock
    ) throws(ModelViolation) {
        block.toBeneficiary += receipt.fee.units
        let livesHere =
            home(of: receipt.to) == block.id
            && (!ReservedAddress.contains(receipt.to) || receipt.kind == ReceiptKind.sweep.rawValue)
        switch ReceiptKind(rawValue: receipt.kind) {
        case .credit:
            if let reason = objection(to: receipt, livesHere, block) {
                bounce(receipt, reason, block)
            } else {
                try credit(receipt.to, receipt.value.units)
            }
        case .bounce:
            if livesHere, account(receipt.to).policy == .accept {
                try credit(receipt.to, receipt.value.units)
            } else {
                try escrow(receipt.to, receipt.value.units, block)
            }
        case .sweep:
            if livesHere {
                try receive(receipt.to, receipt.value.units)
            } else {
                bounce(receipt, .malformed, block)
            }
        case .payout:
            // RCPT-13: what lives here or not, the value stays; the model follows no objects.
            throw .unmodelled(block.id)
        case .call:
            guard parameters.economy == nil else { throw .unmodelled(block.id) }
            bounce(receipt, .economyClosed, block)
        case .epoch:
            guard parameters.economy == nil else { throw .unmodelled(block.id) }
            bounce(receipt, .malformed, block)
        case nil: bounce(receipt, .unknownKind, block)
        }
    }

    private func objection(
        to receipt: Receipt, _ livesHere: Bool, _ block: ModelBlock
    ) -> ExecutionFailure? {
        guard let deadline = receipt.payload.rlpInteger, livesHere else { return .malformed }
        if deadline != 0, block.header.time.milliseconds > deadline { return .deadlinePassed }
        return account(receipt.to).policy == .accept ? nil : .creditsRefused
    }

    private mutating func bounce(
        _ receipt: Receipt, _ reason: ExecutionFailure, _ block: ModelBlock
    ) {
        let payload = RLPEncoder.list { out in
            out.append(receipt.reference.index)
            out.append(reason.rawValue)
        }
        send(
            block, to: receipt.reference.source, .bounce, origin: receipt.origin,
            parent: receipt.reference, (receipt.to, receipt.from), receipt.value, fee: .zero,
            Payload(payload))
    }

    private mutating func send(
        _ block: ModelBlock, to destination: EndpointID, _ kind: ReceiptKind, origin: Hash32,
        parent: ReceiptReference?, _ parties: (from: Address, to: Address), _ value: Amount,
        fee: Amount, _ payload: Payload
    ) {
        let peer = Int(destination.index)
        let reference = ReceiptReference(
            source: block.id, destination: destination,
            index: UInt64(streams[block.index][peer].count))
        streams[block.index][peer].append(
            Receipt(
                reference: reference, kind: kind.rawValue, origin: origin, parent: parent,
                from: parties.from, to: parties.to, value: value, fee: fee, payload: payload))
    }

    // MARK: Due queue (RCPT-11)

    /// The events say which entries ran; what running one does is said here.
    private mutating func runEntry(
        _ event: LedgerEvent, _ block: inout ModelBlock
    ) throws(ModelViolation) {
        let number: UInt64?
        switch event {
        case .scheduleRan(let entry, _, _, _, _): number = entry
        case .scheduleReturned(let entry, _, _, _): number = entry
        case .swept(let beneficiary, _, _):
            number =
                endpoints[block.index].due.first {
                    $0.value.action == .sweep(beneficiary: beneficiary)
                }?.key
        case .transferred, .sent, .credited, .bounced, .refunded, .escrowed, .escrowClaimed,
            .scheduled, .creditPolicySet, .treasuryCredited:
            return
        case .compute: throw .unmodelled(block.id)
        }
        guard let number, let entry = endpoints[block.index].due.removeValue(forKey: number) else {
            throw .unknownEntry(block.id)
        }
        guard entry.key.time <= block.header.time else {
            throw .earlyEntry(block.id, time: entry.key.time)
        }
        switch entry.action {
        case .transfer(let origin, let from, let to, let fee):
            if home(of: to) != block.id {
                send(
                    block, to: home(of: to), .credit, origin: origin, parent: nil, (from, to),
                    entry.value, fee: fee, Payload(rlpInteger: 0))
            } else if to == from || account(to).policy == .accept {
                try credit(to, entry.value.units)
            } else if account(from).policy == .accept {
                try credit(from, entry.value.units)
            } else {
                try escrow(from, entry.value.units, block)
            }
        case .sweep(let beneficiary):
            let value = endpoints[block.index].vaults[beneficiary] ?? 0
            endpoints[block.index].vaults[beneficiary] = 0
            if home(of: beneficiary) == block.id {
                try receive(beneficiary, value)
            } else {
                send(
                    block, to: home(of: beneficiary), .sweep, origin: .zero, parent: nil,
                    (ReservedAddress.treasury, beneficiary), Amount(value), fee: .zero, .empty)
            }
        case .payout, .node, .proof, .job, .trade, .validator, .epoch:
            throw .unmodelled(block.id)
        }
    }

    private mutating func queue(
        _ action: DueAction, _ value: Amount, at time: BeaconTime, to destination: EndpointID,
        _ block: ModelBlock
    ) {
        let number = endpoints[block.index].nextEntry
        endpoints[block.index].nextEntry += 1
        endpoints[block.index].due[number] = DueEntry(
            key: DueKey(destination: destination, time: time, sequence: number), value: value,
            action: action)
    }

    // MARK: Transactions (SHARD-4, FEE-2)

    private mutating func apply(
        _ transaction: Transaction, _ actual: ExecutionFailure?, _ block: inout ModelBlock
    ) throws(ModelViolation) {
        let envelope = transaction.envelope
        let sender = transaction.sender
        let price = min(
            envelope.maxFee.units, block.header.baseFee.units + envelope.maxPriorityFee.units)
        let most = UInt128(envelope.weightLimit) * envelope.maxFee.units + envelope.value.units
        let before = account(sender)
        var fault: String?
        if home(of: sender) != block.id { fault = "home" }
        if envelope.nonce != before.nonce { fault = "nonce" }
        if envelope.maxFee < block.header.baseFee { fault = "fee cap" }
        if before.balance.units < most { fault = "funds" }
        if let fault { throw .ineligible(block.id, transaction.hash, fault) }

        let fee = price * UInt128(transaction.weight)
        set(
            sender,
            Account(
                balance: Amount(before.balance.units - fee), nonce: before.nonce + 1,
                policy: before.policy))
        let undo = Undo(self, transaction, block.index)
        var remote: UInt128 = 0
        let failure = try perform(transaction, price, block, &remote)
        if failure != nil {
            undo.apply(to: &self)
            remote = 0
        }
        guard failure == actual else {
            throw .outcome(block.id, transaction.hash, expected: failure, actual: actual)
        }
        let base = price == 0 ? 0 : (fee - remote) / price * block.header.baseFee.units
        if parameters.baseFeeDestination == .treasury { block.toTreasury += base }
        block.toBeneficiary += fee - remote - base
    }

    /// - Returns: why it fails.
    private mutating func perform(
        _ transaction: Transaction, _ price: UInt128, _ block: ModelBlock, _ remote: inout UInt128
    ) throws(ModelViolation) -> ExecutionFailure? {
        let sender = transaction.sender
        let operation: TransferOperation
        switch transaction.operation {
        case .transfer(let transfer): operation = transfer
        case .node, .proof, .job, .trade, .validator:
            guard parameters.economy == nil else { throw .unmodelled(block.id) }
            return .economyClosed
        }
        switch operation {
        case .single(let to, let value):
            try debit(sender, value.units)
            return try send(
                TransferLeg(to: to, value: value), of: transaction, price, block, &remote)
        case .batch(let legs):
            for leg in legs {
                try debit(sender, leg.value.units)
                if let failure = try send(leg, of: transaction, price, block, &remote) {
                    return failure
                }
            }
        case .claimEscrow:
            guard let value = endpoints[block.index].escrows[sender], value > 0 else {
                return .nothingToClaim
            }
            endpoints[block.index].escrows[sender] = 0
            try credit(sender, value)
        case .setCreditPolicy(let policy):
            var changed = account(sender)
            changed.policy = policy
            set(sender, changed)
        }
        return nil
    }

    private mutating func send(
        _ leg: TransferLeg, of transaction: Transaction, _ price: UInt128, _ block: ModelBlock,
        _ remote: inout UInt128
    ) throws(ModelViolation) -> ExecutionFailure? {
        let there = home(of: leg.to)
        let fee = there == block.id ? 0 : price * UInt128(Weights.leg)
        remote += fee
        var deadline: UInt64 = 0
        switch leg.terms {
        case .runAt(let time):
            queue(
                .transfer(
                    origin: transaction.hash, from: transaction.sender, to: leg.to,
                    fee: Amount(fee)), leg.value, at: time, to: there, block)
            return nil
        case .creditBy(let time): deadline = time.milliseconds
        case .immediate: break
        }
        guard there == block.id else {
            send(
                block, to: there, .credit, origin: transaction.hash, parent: nil,
                (transaction.sender, leg.to), leg.value, fee: Amount(fee),
                Payload(rlpInteger: deadline))
            return nil
        }
        if deadline != 0, block.header.time.milliseconds > deadline { return .deadlinePassed }
        if leg.to != transaction.sender, account(leg.to).policy == .refuse {
            return .creditsRefused
        }
        try credit(leg.to, leg.value.units)
        return nil
    }

    // MARK: Money

    private mutating func credit(_ address: Address, _ value: UInt128) throws(ModelViolation) {
        var changed = account(address)
        guard let sum = changed.balance.adding(Amount(value)) else { throw .overflow }
        changed.balance = sum
        set(address, changed)
    }

    private mutating func debit(_ address: Address, _ value: UInt128) throws(ModelViolation) {
        var changed = account(address)
        guard let rest = changed.balance.subtracting(Amount(value)) else { throw .overflow }
        changed.balance = rest
        set(address, changed)
    }

    private mutating func escrow(
        _ owner: Address, _ value: UInt128, _ block: ModelBlock
    ) throws(ModelViolation) {
        let (sum, overflow) = (endpoints[block.index].escrows[owner] ?? 0)
            .addingReportingOverflow(value)
        guard !overflow else { throw .overflow }
        endpoints[block.index].escrows[owner] = sum
    }

    /// What a sweep brings, whatever the credit policy.
    private mutating func receive(_ address: Address, _ value: UInt128) throws(ModelViolation) {
        guard address == ReservedAddress.treasury else { return try credit(address, value) }
        let (sum, overflow) = treasury.addingReportingOverflow(value)
        guard !overflow else { throw .overflow }
        treasury = sum
    }

    /// Fees go into a vault, which has its sweep queued if there is room (FEE-4).
    private mutating func pay(
        _ beneficiary: Address, _ fee: UInt128, _ block: ModelBlock
    ) throws(ModelViolation) {
        guard fee > 0 else { return }
        endpoints[block.index].vaults[beneficiary, default: 0] += fee
        let isQueued = endpoints[block.index].due.values.contains {
            $0.action == .sweep(beneficiary: beneficiary)
        }
        guard !isQueued, endpoints[block.index].due.count < parameters.dueBound else { return }
        let length = parameters.epochMilliseconds
        let epoch = block.header.time.milliseconds / length
        queue(
            .sweep(beneficiary: beneficiary), .zero,
            at: BeaconTime(milliseconds: (epoch + 1) * length), to: home(of: beneficiary), block)
    }
}
