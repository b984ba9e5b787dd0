public import TallyPrimitives

/// Addresses that name operations instead of accounts: the 4,096 from `0x…c000` to `0x…cfff`. They
/// have no home shard and hold no balance (`TX-4`).
public enum ReservedAddress {
    /// The treasury on the beacon.
    public static let treasury = address(0xc000)
    /// Cross-shard transfers: batches, schedules, escrow.
    public static let crossShard = address(0xc001)
    /// Rounds of proofs and their attestations.
    public static let proofs = address(0xc002)
    /// Orders, bids, leases and results.
    public static let jobs = address(0xc003)
    /// Offers of computing power and trades.
    public static let trades = address(0xc004)
    /// Compute nodes and their stakes.
    public static let nodes = address(0xc005)
    /// Stakes of validators and routers, evidence and impeachment: on the beacon.
    public static let validators = address(0xc006)
    /// Emits the log of a native transfer (EIP-7708). Outside the range: it takes no calls.
    public static let nativeTransfers = Address(
        words: (0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_fffe))

    public static func contains(_ address: Address) -> Bool {
        address.words.0 == 0 && address.words.1 == 0 && address.words.2 & 0xffff_f000 == 0xc000
    }

    private static func address(_ low: UInt32) -> Address { Address(words: (0, 0, low)) }
}
