/// How independent pieces of work are done: a core has no threads of its own, so its driver says.
package protocol WorkMap: Sendable {
    /// What `body` makes of each of `0 ..< count`, in this order whatever order they are done in.
    func map<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result]
}

/// One piece after another.
package struct InOrder: WorkMap {
    package init() {}

    package func map<Result: Sendable>(
        _ count: Int, _ body: @Sendable (Int) -> Result
    ) -> [Result] {
        (0..<count).map(body)
    }
}
