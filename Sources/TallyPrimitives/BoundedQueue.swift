/// A first-in first-out queue that refuses what exceeds its bound.
public struct BoundedQueue<Element> {
    private var items: [Element] = []
    private var head = 0
    public let limit: Int

    /// - Parameter limit: most elements held at once, at least 1.
    public init(limit: Int) {
        precondition(limit > 0, "a queue that holds nothing")
        self.limit = limit
    }

    public var count: Int { items.count - head }
    public var isEmpty: Bool { count == 0 }

    /// Whether there was room.
    public mutating func append(_ element: Element) -> Bool {
        guard count < limit else { return false }
        items.append(element)
        return true
    }

    public mutating func popFirst() -> Element? {
        guard head < items.count else { return nil }
        let element = items[head]
        head += 1
        if head > 32, head * 2 > items.count {
            items.removeFirst(head)
            head = 0
        }
        return element
    }

    /// The first `maximum` elements, or all when there are fewer.
    /// - Parameter maximum: at least 0.
    public mutating func popFirst(_ maximum: Int) -> [Element] {
        let taken = Array(items[head..<(head + min(count, maximum))])
        items.removeFirst(head + taken.count)
        head = 0
        return taken
    }
}

extension BoundedQueue: Sendable where Element: Sendable {}
