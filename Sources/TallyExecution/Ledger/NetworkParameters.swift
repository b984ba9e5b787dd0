package import TallyPrimitives
import TallyTransactions

/// Where base fees go.
package enum BaseFeeDestination: UInt8, Sendable {
    case burn = 0
    case treasury = 1
}

/// The numbers a network is born with. All are consensus: they are part of the genesis hash.
package struct NetworkParameters: Hashable, Sendable {
    package var chainID: ChainID
    package var layout: ShardLayout
    /// Most weight of one shard block.
    package var blockWeight: Weight = 20_000 * Weights.transfer
    /// Slots of one stream: requests in flight to one destination (RCPT-7).
    package var window: Int = 4_096
    /// Due entries one shard keeps at once (RCPT-11).
    package var dueBound: Int = 65_536
    /// Lowest base fee, and that of the first block, for a unit of weight.
    package var minimumBaseFee = Amount(1_000_000_000)
    package var baseFeeDestination = BaseFeeDestination.burn
    /// Vaults are swept once an epoch.
    package var epochMilliseconds: UInt64 = 86_400_000
    /// Longest time without a block: the clock of the ledger goes on although nothing happens (R18).
    package var heartbeatMilliseconds: UInt64 = 5_000
    /// `nil`: compute families are refused (ECON-19).
    package var economy: EconomyParameters?

    package init(chainID: ChainID, layout: ShardLayout) {
        self.chainID = chainID
        self.layout = layout
    }

    /// Weight of the inbox that a block takes on at most (RCPT-3): half of the block.
    package var inboxQuota: Weight { blockWeight / 2 }
    /// Weight of the due entries that a block runs at most: a quarter of the block.
    package var dueQuota: Weight { blockWeight / 4 }
    /// Heaviest receipt (RCPT-4): a quarter of the inbox quota.
    package var receiptWeightLimit: Weight { inboxQuota / 4 }
    /// Heaviest transaction that a mempool takes: what inbox and due entries always leave of a block,
    /// so that whatever is taken fits into one.
    package var transactionWeightLimit: Weight {
        max(Weights.transfer, blockWeight - inboxQuota - dueQuota)
    }
    /// Most bytes of raw transactions in one shard block: a beacon block of all shards is then one log
    /// record of bounded size, and the largest transaction fits four times.
    package var bodyByteLimit: Int {
        max(4 * Envelope.maximumByteCount, (48 << 20) / Int(layout.shardCount))
    }
    /// Slots that transactions leave to due entries (RCPT-7): a quarter, at least none.
    package var reservedSlots: Int { window / 4 }

    /// Due entries up to which transactions may add some (RCPT-11): the last quarter is for what the
    /// shard itself must queue, so that nobody's far-off schedules stop its sweeps.
    package var transactionDueBound: Int { dueBound - dueBound / 4 }

    /// What is wrong with the numbers; empty when a network can run on them.
    package var faults: [ParameterFault] {
        var faults: [ParameterFault] = []
        if chainID == 0 { faults.append(.chainIDZero) }
        if receiptWeightLimit < max(Weights.credit, Weights.sweep) || dueQuota < Weights.dueEntry {
            faults.append(.blockWeightTooSmall(minimum: Self.minimumBlockWeight))
        }
        if blockWeight > Self.maximumBlockWeight {
            faults.append(.blockWeightTooLarge(maximum: Self.maximumBlockWeight))
        }
        if !(1...65_536).contains(window) { faults.append(.windowOutOfRange) }
        if !(1...1_048_576).contains(dueBound) { faults.append(.dueBoundOutOfRange) }
        if epochMilliseconds == 0 { faults.append(.epochZero) }
        if heartbeatMilliseconds < 100 { faults.append(.heartbeatTooShort) }
        if let economy {
            faults += economy.faults.map(ParameterFault.economy)
            if receiptWeightLimit < Weights.request || dueQuota < Weights.request {
                faults.append(.blockWeightTooSmall(minimum: Self.minimumBlockWeightOfEconomy))
            }
            // EPOCH-7
            if epochMilliseconds < Self.minimumEpochOfEconomy {
                faults.append(.epochTooShort(minimum: Self.minimumEpochOfEconomy))
            }
            let entries = 4 * (layout.endpointCount + 8)
            if dueBound < entries { faults.append(.dueBoundTooSmall(minimum: entries)) }
        }
        return faults
    }

    /// Eight credits: a quarter of half a block holds one.
    package static let minimumBlockWeight: Weight = 8 * Weights.credit
    /// Eight requests of compute families.
    package static let minimumBlockWeightOfEconomy: Weight = 8 * Weights.request
    /// A block closes one epoch of an endpoint: epochs must not end faster than blocks are made.
    package static let minimumEpochOfEconomy: UInt64 = 1_000
    /// A block of a million transfers: beyond it, one block's body would exceed every frame.
    package static let maximumBlockWeight: Weight = 1_000_000 * Weights.transfer
}

/// Why a network cannot run on its parameters.
package enum ParameterFault: Error, Hashable, Sendable, CustomStringConvertible {
    case chainIDZero
    case blockWeightTooSmall(minimum: Weight)
    case blockWeightTooLarge(maximum: Weight)
    case windowOutOfRange
    case dueBoundOutOfRange
    case epochZero
    case heartbeatTooShort
    case epochTooShort(minimum: UInt64)
    case dueBoundTooSmall(minimum: Int)
    case economy(EconomyFault)

    package var description: String {
        switch self {
        case .chainIDZero: "chainId must not be 0"
        case .blockWeightTooSmall(let minimum): "blockWeight must be at least \(minimum)"
        case .blockWeightTooLarge(let maximum): "blockWeight must be at most \(maximum)"
        case .windowOutOfRange: "window must be 1 to 65,536"
        case .dueBoundOutOfRange: "dueBound must be 1 to 1,048,576"
        case .epochZero: "epochMilliseconds must not be 0"
        case .heartbeatTooShort: "heartbeatMilliseconds must be at least 100"
        case .epochTooShort(let minimum):
            "epochMilliseconds must be at least \(minimum) with an economy"
        case .dueBoundTooSmall(let minimum):
            "dueBound must be at least \(minimum) with an economy of so many shards"
        case .economy(let fault): "economy: \(fault.description)"
        }
    }
}

extension NetworkParameters: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(chainID)
            out.append(layout.shardCount)
            out.append(blockWeight)
            out.append(UInt64(window))
            out.append(UInt64(dueBound))
            out.append(minimumBaseFee)
            out.append(baseFeeDestination.rawValue)
            out.append(epochMilliseconds)
            out.append(heartbeatMilliseconds)
            economy?.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let chainID: ChainID = try list.nextInteger()
        let shards: UInt16 = try list.nextInteger()
        guard let layout = ShardLayout(shardCount: Int(shards)) else {
            throw .unknownValue(UInt64(shards))
        }
        self.init(chainID: chainID, layout: layout)
        blockWeight = try list.nextInteger()
        window = Int(try list.nextInteger(UInt32.self))
        dueBound = Int(try list.nextInteger(UInt32.self))
        minimumBaseFee = try list.nextAmount()
        baseFeeDestination = try list.nextCase()
        epochMilliseconds = try list.nextInteger()
        heartbeatMilliseconds = try list.nextInteger()
        if !list.isAtEnd { economy = try EconomyParameters(from: &list) }
        try list.finish()
    }
}
