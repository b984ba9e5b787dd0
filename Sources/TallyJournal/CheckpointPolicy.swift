/// When the state in memory is written to the page stores: whichever comes first since the last time.
package struct CheckpointPolicy: Hashable, Sendable {
    /// Transactions: bounds the replay after a crash. Fewer shorten it and write more: a random
    /// transfer among a million accounts dirties two leaf pages, which only many transfers share.
    package var transactions: Int
    /// Bytes of log: bounds the disk and the memory that history waits in.
    package var bytes: Int
    /// Heights: bounds both when blocks are small. A busy network with little in each block makes so
    /// many in half a minute, an idle one in three hours.
    package var heights: UInt64

    package init(transactions: Int = 150_000, bytes: Int = 256 << 20, heights: UInt64 = 2_048) {
        self.transactions = transactions
        self.bytes = bytes
        self.heights = heights
    }
}
