import Dispatch
import Synchronization
import TallySharding

/// Independent pieces of work on all cores, while the caller waits: for a start, where nothing else
/// runs yet. Not for tasks: they would hold a thread of the pool.
struct ThreadMap: WorkMap {
    func map<Result: Sendable>(
        _ count: Int, _ body: @Sendable (Int) -> Result
    ) -> [Result] {
        guard count > 1 else { return (0..<count).map(body) }
        let results = Mutex<[Result?]>(Array(repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let result = body(index)
            results.withLock { $0[index] = result }
        }
        return results.withLock { $0.compactMap(\.self) }
    }
}
