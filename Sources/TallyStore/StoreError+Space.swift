extension StoreError {
    /// Whether the write failed for want of room only: nothing is damaged, and it can be tried again
    /// (STORE-10).
    package var isLackOfSpace: Bool {
        switch self {
        case .mapFull, .diskFull: true
        case .readersFull, .mapResized, .transactionFull, .databasesFull, .corrupted,
            .versionMismatch, .alreadyOpen, .locked, .notFound, .unknownDatabase, .permission,
            .invalidSize, .outOfOrder, .failedTransaction, .busy, .readOnly, .stopped, .other:
            false
        }
    }
}
