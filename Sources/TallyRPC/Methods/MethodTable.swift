import TallyEngine

/// Every method there is.
extension RPCMethod {
    static let sendRawTransaction = "eth_sendRawTransaction"
    static let getTransactionStatus = "shard_getTransactionStatus"

    /// In the order of documents.
    static let all: [RPCMethod] = chain + accounts + blocks + transactions + shards + proofs

    static let table = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let chain: [RPCMethod] = [
        .atOnce("web3_clientVersion", [], ChainMethods.clientVersion),
        .atOnce("net_version", [], ChainMethods.networkVersion),
        .atOnce("eth_chainId", [], ChainMethods.chainID),
        .atOnce("eth_blockNumber", [], ChainMethods.blockNumber),
        .atOnce("eth_syncing", [], ChainMethods.syncing),
        .atOnce("eth_accounts", [], ChainMethods.accounts),
        .atOnce("eth_gasPrice", [], FeeMethods.gasPrice),
        .atOnce("eth_maxPriorityFeePerGas", [], FeeMethods.priorityFee),
        .reading(
            "eth_feeHistory",
            [
                .required("blockCount", .quantity), .required("newestBlock", .block),
                .optional("rewardPercentiles", .percentiles),
            ], FeeMethods.feeHistory),
        .reading(
            "eth_estimateGas", [.required("transaction", .call), .optional("block", .block)],
            FeeMethods.estimateGas),
        .reading("node_info", [], ChainMethods.nodeInfo),
    ]

    private static let account: [RPCParameter] = [
        .required("address", .address), .optional("block", .block),
    ]

    private static let accounts: [RPCMethod] = [
        .reading("eth_getBalance", account, AccountMethods.balance),
        .waiting("eth_getTransactionCount", account, AccountMethods.transactionCount),
        .reading("eth_getCode", account, AccountMethods.code),
    ]

    private static let byNumber: [RPCParameter] = [.required("block", .block)]
    private static let byHash: [RPCParameter] = [.required("hash", .hash)]
    private static let index = RPCParameter.required("index", .quantity)

    private static let blocks: [RPCMethod] = [
        .reading(
            "eth_getBlockByNumber", byNumber + [.optional("full", .flag)], BlockMethods.byNumber),
        .reading("eth_getBlockByHash", byHash + [.optional("full", .flag)], BlockMethods.byHash),
        .reading("eth_getBlockReceipts", byNumber, BlockMethods.receipts),
        .reading(
            "eth_getBlockTransactionCountByNumber", byNumber, BlockMethods.countByNumber),
        .reading("eth_getBlockTransactionCountByHash", byHash, BlockMethods.countByHash),
        .reading(
            "eth_getTransactionByBlockNumberAndIndex", byNumber + [index],
            BlockMethods.transactionByNumber),
        .reading(
            "eth_getTransactionByBlockHashAndIndex", byHash + [index],
            BlockMethods.transactionByHash),
        .reading("eth_getUncleCountByBlockNumber", byNumber, BlockMethods.unclesByNumber),
        .reading("eth_getUncleCountByBlockHash", byHash, BlockMethods.unclesByHash),
        .reading(
            "eth_getUncleByBlockNumberAndIndex", byNumber + [index], BlockMethods.uncle),
        .reading("eth_getUncleByBlockHashAndIndex", byHash + [index], BlockMethods.uncle),
    ]

    private static let transactions: [RPCMethod] = [
        .waiting(
            sendRawTransaction, [.required("transaction", .bytes)], TransactionMethods.sendRaw),
        .waiting("eth_getTransactionByHash", byHash, TransactionMethods.byHash),
        .reading("eth_getTransactionReceipt", byHash, TransactionMethods.receipt),
    ]

    private static let shards: [RPCMethod] = [
        .waiting("shard_list", [], ShardMethods.list),
        .waiting(
            getTransactionStatus,
            byHash + [
                .optional("waitUntil", .word(TransactionStage.allCases.map(\.rawValue))),
                .optional("timeoutMs", .milliseconds),
            ], ShardMethods.transactionStatus),
    ]

    private static let shard = RPCParameter.required("shard", .quantity)
    private static let anchor = RPCParameter.optional("block", .block)

    private static let proofs: [RPCMethod] = [
        .reading("shard_head", [shard], HeaderMethods.shardHead),
        .reading("shard_block", [shard, anchor], HeaderMethods.shardBlock),
        .atOnce("shard_forAddress", [.required("address", .address)], HeaderMethods.forAddress),
        .reading("shard_getAccountProof", account, ProofMethods.account),
        .reading(
            "shard_getReceiptProof",
            [
                .required("source", .quantity), .required("destination", .quantity), index,
                .optional(
                    "evidence", .word(ProofSource.ReceiptEvidence.allCases.map(\.rawValue))),
                anchor,
            ], ProofMethods.receipt),
        .reading("shard_getTransactionProof", byHash + [anchor], ProofMethods.transaction),
        .reading("beacon_block", [anchor], HeaderMethods.beaconBlock),
    ]
}
