extension RPCMethod {
    private static let id = RPCParameter.required("id", .hash)
    private static let address = RPCParameter.required("address", .address)

    // RPC-50
    static let compute: [RPCMethod] = [
        .reading(
            "compute_node", "An account's compute node: its state, power, stake and record",
            [address], gives: .orNull(.object), ComputeMethods.node),
        .reading(
            "compute_proof", "The round of proofs that a node is in, and how the last ended",
            [address], gives: .orNull(.object), ComputeMethods.proof),
        .reading(
            "compute_job", "An order: its terms, its escrow, and how far it is", [id],
            gives: .orNull(.object), ComputeMethods.job),
        .reading(
            "compute_bid", "A bid for an order; null once it has ended",
            [.required("order", .hash), .required("bid", .hash)], gives: .orNull(.object),
            ComputeMethods.bid),
        .reading(
            "compute_offer", "An offer of computing power; null once it is closed", [id],
            gives: .orNull(.object), ComputeMethods.offer),
        .reading(
            "compute_trade", "What a trade is owed; null once it is paid",
            [id, .required("seller", .address)], gives: .orNull(.object), ComputeMethods.trade),
        .reading(
            "compute_stake", "The stake of a validator or router", [address],
            gives: .orNull(.object), ComputeMethods.stake),
        .atOnce(
            "compute_epoch", "The epoch, and the newest seed; null without an economy",
            gives: .orNull(.object), ComputeMethods.epoch),
        .reading(
            "compute_emission", "What was minted of each pool; null without an economy",
            gives: .orNull(.object), ComputeMethods.emission),
        .reading(
            "compute_list",
            "Objects of a kind on a shard, a page at a time; stakes are on the beacon",
            [
                .required("kind", .word(ComputeMethods.kinds.map(\.name))),
                .optional("shard", .quantity), .optional("cursor", .hash),
                .optional("limit", .quantity),
            ], gives: .object, ComputeMethods.list),
    ]
}
