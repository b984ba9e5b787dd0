import Dispatch

/// Where requests are worked on: threads of their own, so that reading for clients, which does not
/// suspend, never stands in the way of the tasks that make blocks.
final class RequestExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "tally.rpc", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
