import NIOCore

/// One deadline of a connection, on its event loop.
///
/// One timer serves all deadlines: it fires at the earliest that ever was, and goes on to the
/// present one. A request thereby costs a look at the clock instead of a timer.
struct ConnectionTimer {
    private(set) var deadline: NIODeadline?
    private var timer: (at: NIODeadline, task: Scheduled<Void>)?

    /// Moves the deadline; `fired` is to call `isDue`.
    mutating func set(
        _ duration: Duration, on loop: any EventLoop, _ fired: @escaping () -> Void
    ) {
        let at = NIODeadline.now() + TimeAmount(duration)
        deadline = at
        if let timer {
            guard timer.at > at else { return }
            timer.task.cancel()
        }
        start(at, on: loop, fired)
    }

    mutating func clear() { deadline = nil }

    mutating func cancel() {
        timer?.task.cancel()
        timer = nil
        deadline = nil
    }

    /// Whether the present deadline has come; goes on to it otherwise.
    mutating func isDue(on loop: any EventLoop, _ fired: @escaping () -> Void) -> Bool {
        timer = nil
        guard let deadline else { return false }
        if deadline <= .now() { return true }
        start(deadline, on: loop, fired)
        return false
    }

    private mutating func start(
        _ at: NIODeadline, on loop: any EventLoop, _ fired: @escaping () -> Void
    ) {
        timer = (at, loop.assumeIsolated().scheduleTask(deadline: at, fired))
    }
}
