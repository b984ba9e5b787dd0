import Synchronization
package import TallyJournal
package import TallyStore

/// What there is no space for.
package enum SpaceShortage: Hashable, Sendable {
    case log(JournalSegment)
    /// The disk, or the map of one store.
    case checkpoint(StoreError)
}

extension SpaceShortage: CustomStringConvertible {
    /// What happened and what to do.
    package var description: String {
        switch self {
        case .log(let segment): "No space is left for the beacon log (\(segment))."
        case .checkpoint(let error): error.description
        }
    }
}

/// Whether there is space for what the node accepts (STORE-17). The beacon tells, those who take
/// transactions ask.
package final class WriteSpace: Sendable {
    private let shortage = Atomic<Bool>(false)

    package init() {}

    package var isShort: Bool { shortage.load(ordering: .relaxed) }

    func set(isShort: Bool) { shortage.store(isShort, ordering: .relaxed) }
}
