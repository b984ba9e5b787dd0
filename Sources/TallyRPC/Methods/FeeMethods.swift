import TallyClient
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// What things cost.
enum FeeMethods {
    /// As geth: the next base fee and the suggested tip.
    static func gasPrice(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        out.quantity(ledger.view.nextBaseFee.adding(ledger.suggestedTip) ?? .max)
    }

    static func priorityFee(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { out.quantity(ledger.suggestedTip) }

    // MARK: Estimate

    /// The exact weight: it does not depend on state.
    static func estimateGas(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let request = try CallRequest(arguments)
        let snapshot = try ledger.snapshot(at: try arguments.block(1))
        guard let to = request.to else { throw RPCFailure(.malformed(.contractCreation)) }
        let envelope = Envelope(
            chainID: ledger.chainID, nonce: 0, weightLimit: .max, maxFee: .zero,
            maxPriorityFee: .zero, to: to, value: Amount(request.value ?? 0), data: request.data)
        let operation: Operation
        do throws(TransactionError) {
            operation = try Operation(envelope)
        } catch { throw RPCFailure(.malformed(error)) }
        if let from = request.from, !envelope.value.isZero {
            let balance = try reading { () throws(ReadError) in
                try snapshot.account(from).balance
            }
            guard balance >= envelope.value else {
                throw .because(
                    RPCFailure.invalidInputCode, "insufficient funds for transfer",
                    reason: "insufficientFunds", retryable: true)
            }
        }
        out.quantity(operation.weight + Weights.callData(envelope.data))
    }

    // MARK: History

    /// Blocks of one answer, as geth.
    private static let maximumBlocks: UInt64 = 1_024
    /// With rewards, which look at transactions.
    private static let maximumRewardBlocks: UInt64 = 128

    static func feeHistory(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let count = try arguments.quantity(0)
        let selector = try arguments.block(1)
        let percentiles = try arguments.percentiles(2)
        let view = ledger.view
        let named = try reading { () throws(ReadError) in try view.block(selector) }
        guard let newest = named?.header.height.value else { throw .unknownBlock }
        do throws(ReadError) {
            let limit = percentiles.isEmpty ? maximumBlocks : maximumRewardBlocks
            // As geth does where history is pruned: as many as there are.
            let base = try view.snapshot.historyBase.value
            let length = min(count, limit, newest + 1 - min(base, newest))
            var history = FeeHistory(oldest: newest + 1 - length)
            for number in history.oldest..<(history.oldest + length) {
                guard let block = try view.block(Height(number)) else { break }
                try history.append(block, percentiles, view)
            }
            history.next = try nextFee(view, after: newest)
            history.write(to: &out, withRewards: !percentiles.isEmpty)
        } catch { throw RPCFailure(error) }
    }

    private static func nextFee(
        _ view: ChainView, after newest: UInt64
    ) throws(ReadError) -> Amount {
        guard newest < view.snapshot.height.value,
            let row = try view.snapshot.beaconBlock(Height(newest + 1))
        else { return view.nextBaseFee }
        return try view.baseFee(row)
    }
}

/// The answer of `eth_feeHistory`.
private struct FeeHistory {
    let oldest: UInt64
    private var fees: [Amount] = []
    private var ratios: [Double] = []
    private var rewards: [[Amount]] = []
    var next = Amount.zero

    /// Transactions of one shard block that rewards are taken from, evenly spread.
    private static let sampleSize = 128

    init(oldest: UInt64) { self.oldest = oldest }

    mutating func append(
        _ block: ViewBlock, _ percentiles: [Double], _ view: ChainView
    ) throws(ReadError) {
        fees.append(try view.baseFee(block.row))
        ratios.append(min(1, Double(block.gasUsed) / Double(view.gasLimit)))
        if !percentiles.isEmpty { rewards.append(try Self.rewards(block, percentiles)) }
    }

    /// Tips at percentiles of gas. What a tip is depends on the shard: base fees differ.
    private static func rewards(
        _ block: ViewBlock, _ percentiles: [Double]
    ) throws(ReadError) -> [Amount] {
        var tips: [(tip: Amount, weight: Double)] = []
        for part in block.parts where part.anchor.transactionCount > 0 {
            let step = max(1, part.anchor.transactionCount / sampleSize)
            for index in stride(from: 0, to: part.anchor.transactionCount, by: step) {
                let result = try part.transaction(index).result
                let tip = result.price.subtracting(part.anchor.baseFee) ?? .zero
                tips.append((tip, Double(result.weight) * Double(step)))
            }
        }
        guard !tips.isEmpty else { return percentiles.map { _ in .zero } }
        tips.sort { $0.tip < $1.tip }
        let total = tips.reduce(0) { $0 + $1.weight }
        var position = 0
        var sum = tips[0].weight
        return percentiles.map { percentile in
            let threshold = total * percentile / 100
            while sum < threshold, position + 1 < tips.count {
                position += 1
                sum += tips[position].weight
            }
            return tips[position].tip
        }
    }

    func write(to out: inout JSONWriter, withRewards: Bool) {
        out.object { out in
            out.member("oldestBlock") { $0.quantity(oldest) }
            out.key("baseFeePerGas")
            out.array { out in
                for fee in fees { out.quantity(fee) }
                out.quantity(next)
            }
            out.key("gasUsedRatio")
            out.array { out in for ratio in ratios { out.value(.number(String(ratio))) } }
            guard withRewards else { return }
            out.key("reward")
            out.array { out in
                for reward in rewards {
                    out.array { out in for tip in reward { out.quantity(tip) } }
                }
            }
        }
    }
}

extension LedgerDispatcher {
    /// A tenth of the lowest base fee: enough to be ahead of those who tip nothing.
    var suggestedTip: Amount {
        Amount(max(1, genesis.parameters.minimumBaseFee.units / 10))
    }
}
