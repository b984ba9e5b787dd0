import NIOCore
import Synchronization
import TallyEngine

/// What all connections share: their number, the bytes they hold, and the end of it all.
final class RPCServerState: Sendable {
    private struct Connections {
        var open: [ObjectIdentifier: RPCConnection] = [:]
        var isStopping = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let limits: RPCLimits
    private let gauge: Gauge
    private let connections = Mutex(Connections())
    private let buffered = Atomic(0)
    /// Whether connections were cut off, and their tasks are to be cancelled.
    let isCutOff = Atomic(false)
    private let accepted: AsyncStream<RPCConnection>.Continuation

    init(
        limits: RPCLimits, gauge: Gauge, accepted: AsyncStream<RPCConnection>.Continuation
    ) {
        self.limits = limits
        self.gauge = gauge
        self.accepted = accepted
    }

    /// Whether there was room for one more; its task will be started.
    func admit(_ connection: RPCConnection) -> Bool {
        let isAdmitted = connections.withLock { connections in
            guard !connections.isStopping, connections.open.count < limits.connections else {
                return false
            }
            connections.open[ObjectIdentifier(connection)] = connection
            gauge.set(connections.open.count)
            return true
        }
        if isAdmitted { accepted.yield(connection) }
        return isAdmitted
    }

    /// Gives a connection's place free, after its task has ended.
    func remove(_ connection: RPCConnection) {
        let isLast = connections.withLock { connections in
            connections.open[ObjectIdentifier(connection)] = nil
            gauge.set(connections.open.count)
            return connections.isStopping && connections.open.isEmpty
        }
        if isLast { resumeStopWaiters() }
    }

    private func resumeStopWaiters() {
        let waiters = connections.withLock { connections in
            defer { connections.stopWaiters = [] }
            return connections.stopWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Admits no connection any more, and returns those that there are.
    func beginStop() -> [RPCConnection] {
        connections.withLock { connections in
            connections.isStopping = true
            return Array(connections.open.values)
        }
    }

    /// Closes what is left, and has the tasks cancelled. Nobody waits for a method that goes on
    /// all the same.
    func cutOff() {
        isCutOff.store(true, ordering: .releasing)
        for connection in beginStop() { connection.channel.close(promise: nil) }
        accepted.finish()
        resumeStopWaiters()
    }

    /// After the last task ended: connections that never got one are gone too.
    func forgetAll() {
        for connection in beginStop() {
            connection.channel.close(promise: nil)
            remove(connection)
        }
    }

    /// Returns when no connection is left after `beginStop`, or all are cut off.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = connections.withLock { connections in
                if connections.open.isEmpty || isCutOff.load(ordering: .acquiring) {
                    return true
                }
                connections.stopWaiters.append(continuation)
                return false
            }
            if isEmpty { continuation.resume() }
        }
        accepted.finish()
    }

    /// Whether there is memory for so many more bytes of bodies or responses.
    func reserve(_ bytes: Int) -> Bool {
        let total = buffered.wrappingAdd(bytes, ordering: .relaxed).newValue
        guard total <= limits.bufferedBytes else {
            release(bytes)
            return false
        }
        return true
    }

    func release(_ bytes: Int) { buffered.wrappingSubtract(bytes, ordering: .relaxed) }

    var openConnections: Int { connections.withLock { $0.open.count } }
    var bufferedBytes: Int { buffered.load(ordering: .relaxed) }
}
