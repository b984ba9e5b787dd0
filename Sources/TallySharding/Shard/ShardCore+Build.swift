package import TallyExecution
package import TallyPrimitives
package import TallyState
import TallyTransactions

/// Why a proposed shard block is refused.
package enum BlockRejection: Error, Hashable, Sendable {
    /// A header field is not what executing the body gives.
    case headerMismatch(field: String)
    /// A transaction of the body cannot be in the block.
    case transaction(index: Int, Ineligibility)
    /// The block builds on another block than the head.
    case unknownParent
}

extension ShardCore {
    /// Builds a block on the head from whatever `source` offers.
    /// - Returns: `nil` when the block would change nothing.
    package func build<Source: TransactionSource>(
        _ view: AnchoredView, beneficiary: Address, from source: inout Source,
        pages: any PageReader
    ) throws(ExecutionError) -> Candidate? {
        let candidate = try execute(view, beneficiary: beneficiary, from: &source, pages: pages)
        return candidate.isEmpty ? nil : candidate
    }

    /// Executes a proposed block and compares every field of its header.
    package func check(
        _ block: ShardBlock, _ view: AnchoredView, pages: any PageReader
    ) throws(ExecutionError) -> Result<Candidate, BlockRejection> {
        guard block.header.parent == headerHash, block.header.endpoint == endpoint else {
            return .failure(.unknownParent)
        }
        // A sweep would pay an account of that name, and a reserved address has none (TX-4).
        guard !ReservedAddress.contains(block.header.beneficiary) else {
            return .failure(.headerMismatch(field: "beneficiary"))
        }
        var source = BodySource(block.transactions)
        let candidate = try execute(
            view, beneficiary: block.header.beneficiary, from: &source, pages: pages)
        if let refusal = source.refusal {
            return .failure(.transaction(index: refusal.index, refusal.reason))
        }
        if let field = block.header.firstDifference(from: candidate.header) {
            return .failure(.headerMismatch(field: field))
        }
        return .success(candidate)
    }

    /// Order inside a block: credit records, inbox, due entries, transactions (`SHARD-4`).
    func execute<Source: TransactionSource>(
        _ view: AnchoredView, beneficiary: Address, from source: inout Source,
        pages: any PageReader
    ) throws(ExecutionError) -> Candidate {
        let context = BlockContext(
            chain: chain, parameters: parameters, endpoint: endpoint, height: view.height,
            time: view.time, baseFee: baseFee(view), beneficiary: beneficiary,
            seed: view.seed, validators: view.validators)
        var run = BlockRun(
            core: self,
            executor: try BlockExecutor(
                context: context, tree: tree, pages: pages, ends: streams.map(\.sent.count),
                expecting: inbound.reduce(0) { $0 + $1.count } + accountsOfLastBlock))
        run.recordCredit(view)
        run.executor.beginSystem()
        try run.consumeInbox(view)
        try run.runDueEntries(view)
        run.endSystem()
        try run.applyTransactions(&source)
        return try run.candidate(view)
    }
}

extension ShardCore {
    /// About how many accounts the transactions of the last block touched: the next will be like it.
    private var accountsOfLastBlock: Int { 2 * Int(header.weightUsed / Weights.transfer) }
}

extension ShardHeader {
    /// The name of the first field that differs; `nil` when the headers are equal.
    fileprivate func firstDifference(from other: ShardHeader) -> String? {
        if self == other { return nil }
        let fields: [(String, Bool)] = [
            ("chain", chain == other.chain), ("layout", shardCount == other.shardCount),
            ("endpoint", endpoint == other.endpoint), ("height", height == other.height),
            ("parent", parent == other.parent), ("beaconRef", beaconRef == other.beaconRef),
            ("time", time == other.time), ("beneficiary", beneficiary == other.beneficiary),
            ("baseFee", baseFee == other.baseFee), ("txRoot", txRoot == other.txRoot),
            ("resultRoot", resultRoot == other.resultRoot), ("out", out == other.out),
            ("in", self.in == other.in), ("stateSum", stateSum == other.stateSum),
            ("stateRoot", stateRoot == other.stateRoot), ("minted", minted == other.minted),
            ("burned", burned == other.burned), ("weightUsed", weightUsed == other.weightUsed),
        ]
        return fields.first { !$0.1 }?.0
    }
}
