/// Every method there is.
extension RPCMethod {
    static let sendRawTransaction = "eth_sendRawTransaction"
    static let getTransactionStatus = "shard_getTransactionStatus"
    static let subscribe = "eth_subscribe"

    /// In the order of documents.
    static let all: [RPCMethod] = [
        chain, fees, accounts, calls, blocks, transactions, subscriptions, shards, headers, proofs,
        compute, own,
    ].joined().enumerated().map { place, method in
        var method = method
        method.place = place
        return method
    }

    static let table = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let chain: [RPCMethod] = [
        .atOnce(
            "web3_clientVersion", "Name and version of this program", gives: .text,
            ChainMethods.clientVersion),
        .atOnce(
            "net_version", "Number of the chain, in decimal", gives: .text,
            ChainMethods.networkVersion),
        .atOnce("eth_chainId", "Number of the chain", gives: .quantity, ChainMethods.chainID),
        .atOnce(
            "eth_blockNumber", "Height of the newest block, which is final", gives: .quantity,
            ChainMethods.blockNumber),
        .atOnce(
            "eth_syncing", "False: what is answered is the newest block", gives: .flag,
            ChainMethods.syncing),
        .atOnce(
            "eth_accounts", "Funded accounts of a development node", gives: .list(.address),
            ChainMethods.accounts),
    ]

    private static let fees: [RPCMethod] = [
        .atOnce(
            "eth_gasPrice", "The next base fee and the suggested tip", gives: .quantity,
            FeeMethods.gasPrice),
        .atOnce(
            "eth_maxPriorityFeePerGas", "The suggested tip", gives: .quantity,
            FeeMethods.priorityFee),
        .reading(
            "eth_feeHistory", "Base fees, use and tips of past blocks",
            [
                .required("blockCount", .quantity), .required("newestBlock", .block),
                .optional("rewardPercentiles", .percentiles),
            ], gives: .object, FeeMethods.feeHistory),
        .reading(
            "eth_estimateGas", "The exact weight of a transaction, which no state changes",
            [.required("transaction", .call), .optional("block", .block)], gives: .quantity,
            FeeMethods.estimateGas),
    ]

    private static let account: [RPCParameter] = [
        .required("address", .address), .optional("block", .block),
    ]

    private static let accounts: [RPCMethod] = [
        .atOnce(
            "eth_getBalance", "Balance of an account", account, gives: .quantity,
            AccountMethods.balance),
        .mostlyAtOnce(
            "eth_getTransactionCount",
            "Nonce of an account; pending counts the pool's unbroken run too", account,
            gives: .quantity, AccountMethods.decidedCount,
            otherwise: AccountMethods.transactionCount),
        .atOnce(
            "eth_getCode", "0xfe for a reserved address, 0x for an account", account,
            gives: .bytes, AccountMethods.code),
    ]

    private static let calls: [RPCMethod] = [
        .reading(
            "eth_call", "Answer of a view function of a reserved address",
            [.required("transaction", .call), .optional("block", .block)], gives: .bytes,
            CallMethods.call)
    ]

    private static let byNumber: [RPCParameter] = [.required("block", .block)]
    private static let byHash: [RPCParameter] = [.required("hash", .hash)]
    private static let index = RPCParameter.required("index", .quantity)
    private static let full = RPCParameter.optional("full", .flag)

    private static let blocks: [RPCMethod] = [
        .reading(
            "eth_getBlockByNumber", "A block, with hashes of its transactions or the whole",
            byNumber + [full], gives: .orNull(.object), BlockMethods.byNumber),
        .reading(
            "eth_getBlockByHash", "A block, with hashes of its transactions or the whole",
            byHash + [full], gives: .orNull(.object), BlockMethods.byHash),
        .reading(
            "eth_getBlockReceipts", "Receipts of all transactions of a block", byNumber,
            gives: .orNull(.list(.object)), BlockMethods.receipts),
        .reading(
            "eth_getBlockTransactionCountByNumber", "Number of transactions of a block",
            byNumber, gives: .orNull(.quantity), BlockMethods.countByNumber),
        .reading(
            "eth_getBlockTransactionCountByHash", "Number of transactions of a block", byHash,
            gives: .orNull(.quantity), BlockMethods.countByHash),
        .reading(
            "eth_getTransactionByBlockNumberAndIndex", "A transaction by its place",
            byNumber + [index], gives: .orNull(.object), BlockMethods.transactionByNumber),
        .reading(
            "eth_getTransactionByBlockHashAndIndex", "A transaction by its place",
            byHash + [index], gives: .orNull(.object), BlockMethods.transactionByHash),
        .reading(
            "eth_getUncleCountByBlockNumber", "0: there are no uncles", byNumber,
            gives: .orNull(.quantity), BlockMethods.unclesByNumber),
        .reading(
            "eth_getUncleCountByBlockHash", "0: there are no uncles", byHash,
            gives: .orNull(.quantity), BlockMethods.unclesByHash),
        .reading(
            "eth_getUncleByBlockNumberAndIndex", "Null: there are no uncles",
            byNumber + [index], gives: .orNull(.object), BlockMethods.uncle),
        .reading(
            "eth_getUncleByBlockHashAndIndex", "Null: there are no uncles", byHash + [index],
            gives: .orNull(.object), BlockMethods.uncle),
    ]

    private static let transactions: [RPCMethod] = [
        .waiting(
            sendRawTransaction, "Offers a signed transaction and answers its hash",
            [.required("transaction", .bytes)], gives: .hash, TransactionMethods.sendRaw),
        .mostlyAtOnce(
            "eth_getTransactionByHash", "A transaction, of a block or of the pool", byHash,
            gives: .orNull(.object), TransactionMethods.byHashAtOnce,
            otherwise: TransactionMethods.byHash),
        .mostlyAtOnce(
            "eth_getTransactionReceipt", "What a transaction of a block did", byHash,
            gives: .orNull(.object), TransactionMethods.receiptAtOnce,
            otherwise: TransactionMethods.receipt),
    ]

    private static let subscriptions: [RPCMethod] = [
        .pushing(
            subscribe, "Announces every head to come: eth_subscribe(\"newHeads\")",
            [.required("kind", .text), .optional("filter", .object)], gives: .text),
        .pushing(
            "eth_unsubscribe", "Ends a subscription of this connection",
            [.required("subscription", .text)], gives: .flag),
    ]

    private static let shards: [RPCMethod] = [
        .waiting(
            "shard_list", "Every shard: head, state, fee and pool", gives: .list(.object),
            ShardMethods.list),
        .waiting(
            getTransactionStatus,
            "Stage of a transaction and where every leg stands, at once or once a stage is reached",
            byHash + [
                .optional("waitUntil", .word(TransactionStage.allCases.map(\.rawValue))),
                .optional("timeoutMs", .milliseconds),
            ], gives: .object, ShardMethods.transactionStatus),
    ]

    private static let own: [RPCMethod] = [
        .reading("node_info", "What this node is", gives: .object, ChainMethods.nodeInfo),
        .atOnce(
            "rpc.discover", "This document: every method in OpenRPC's form", gives: .object,
            OpenRPC.discover),
    ]
}
