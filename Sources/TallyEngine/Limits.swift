/// Every bound of the engine, in one place, each with its reason.
package struct Limits: Hashable, Sendable {
    /// Transactions one shard's mempool holds: about 100 MB with their decoded forms.
    package var poolTransactions = 131_072
    /// Bytes of raw transactions it holds, so that large call data cannot multiply that.
    package var poolBytes = 64 << 20
    /// Transactions of one account, so that no sender fills the pool alone.
    package var accountTransactions = 4_096
    /// How far ahead of the account's nonce a transaction may be while there is a gap: geth's 64.
    package var nonceGap: UInt64 = 64
    /// Rise of both fee caps that a replacement needs, in percent: geth's 10.
    package var replacementPercent: UInt64 = 10
    /// Raw transactions being verified at once, beyond which callers are asked to come back.
    package var intakeInFlight = 65_536
    /// Address space of one LMDB environment, at most. The file grows as it fills; a map cannot grow
    /// while it is read, so this is the most a shard can ever hold.
    package var mapSizeBytes = 1 << 40
    /// Address space of all of them: half of what a process has.
    package var totalMapBytes = 64 << 40
    /// Read views of one environment at once: one a snapshot that somebody still reads.
    package var maxReaders = 1_024
    /// Transactions in one era of the hash index: an index that stays in memory while it grows.
    package var eraTransactions: UInt64 = 1 << 20

    package init() {}
}
