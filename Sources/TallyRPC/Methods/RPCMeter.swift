package import TallyEngine

/// How many calls were answered, and how long it took (OPS-20). The methods are those of the table:
/// a client cannot make up another label.
package final class RPCMeter: Sendable {
    /// Of each call, or of all the transactions of a batch. Calls that ask to wait are not among them.
    package let durations = Histogram()
    /// Calls of methods that there are not.
    package let unknown = Counter()
    private let answered = RPCMethod.all.map { _ in Counter() }
    private let failed = RPCMethod.all.map { _ in Counter() }

    package init() {}

    /// By method, in the order of the table.
    package var calls: [(method: String, answered: UInt64, failed: UInt64)] {
        RPCMethod.all.map { method in
            (method.name, answered[method.place].current, failed[method.place].current)
        }
    }

    func count(_ method: RPCMethod, failed isFailed: Bool) {
        (isFailed ? failed : answered)[method.place].add()
    }
}
