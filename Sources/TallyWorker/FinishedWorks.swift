import Synchronization

/// Work that other threads have finished, until a state machine takes it.
package final class FinishedWorks: Sendable {
    private let works = Mutex<[FinishedWork]>([])

    package init() {}

    package var isEmpty: Bool { works.withLock { $0.isEmpty } }

    package func add(_ work: FinishedWork) { works.withLock { $0.append(work) } }

    package func take() -> [FinishedWork] {
        works.withLock { works in
            defer { works = [] }
            return works
        }
    }
}
