import TallyEngine

extension RPCMethod {
    private static let shard = RPCParameter.required("shard", .quantity)
    private static let block = RPCParameter.optional("block", .block)
    private static let address = RPCParameter.required("address", .address)

    static let headers: [RPCMethod] = [
        .reading(
            "shard_head", "Header of a shard's newest block: every field and the bytes", [shard],
            gives: .object, HeaderMethods.shardHead),
        .reading(
            "shard_block", "Header of a shard's block; null where it has none", [shard, block],
            gives: .orNull(.object), HeaderMethods.shardBlock),
        .atOnce(
            "shard_forAddress", "The shard that an address lives on", [address], gives: .object,
            HeaderMethods.forAddress),
        .reading(
            "beacon_block", "A beacon header and what it anchors", [block],
            gives: .orNull(.object), HeaderMethods.beaconBlock),
    ]

    static let proofs: [RPCMethod] = [
        .reading(
            "shard_getAccountProof", "Proof of what an account is, below a beacon header",
            [address, block], gives: .object, ProofMethods.account),
        .reading(
            "shard_getReceiptProof",
            "Proof that a receipt was sent, and of its end, below a beacon header",
            [
                .required("source", .quantity), .required("destination", .quantity),
                .required("index", .quantity),
                .optional(
                    "evidence", .word(ProofSource.ReceiptEvidence.allCases.map(\.rawValue))),
                block,
            ], gives: .object, ProofMethods.receipt),
        .reading(
            "shard_getTransactionProof",
            "Proof of a transaction and what it did, below a beacon header",
            [.required("hash", .hash), block], gives: .object, ProofMethods.transaction),
    ]
}
