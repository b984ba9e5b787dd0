import TallyPrimitives
import TallyTesting
import Testing

@Suite struct BoundedQueueTests {
    @Test func refusesWhatExceedsItsLimit() {
        var queue = BoundedQueue<Int>(limit: 2)
        let first = [1, 2, 3].map { queue.append($0) }
        #expect(first == [true, true, false])
        #expect(queue.count == 2)
        let popped = queue.popFirst()
        let second = [4, 5].map { queue.append($0) }
        #expect(popped == 1 && second == [true, false])
        let rest = (0..<3).map { _ in queue.popFirst() }
        #expect(rest == [2, 4, nil])
        #expect(queue.isEmpty)
    }

    @Test func takesAllWhenAskedForMore() {
        var queue = BoundedQueue<Int>(limit: 4)
        for i in 0..<4 { _ = queue.append(i) }
        let first = queue.popFirst()
        let taken = [0, .max, 3].map { queue.popFirst($0) }
        #expect(first == 0)
        #expect(taken == [[], [1, 2, 3], []])
    }

    @Test func behavesAsAnArrayWithABound() {
        forEachSeed(base: 0x7175_6575, count: 50) { seed, generator in
            let limit = Int.random(in: 1...100, using: &generator)
            var queue = BoundedQueue<Int>(limit: limit)
            var model: [Int] = []
            for step in 0..<400 {
                switch Int.random(in: 0..<10, using: &generator) {
                case 0..<5:
                    let added = queue.append(step)
                    #expect(added == (model.count < limit), "seed \(seed)")
                    if model.count < limit { model.append(step) }
                case 5..<9:
                    let expected = model.isEmpty ? nil : model.removeFirst()
                    let popped = queue.popFirst()
                    #expect(popped == expected, "seed \(seed)")
                default:
                    let count = Int.random(in: 0...20, using: &generator)
                    let popped = queue.popFirst(count)
                    #expect(popped == Array(model.prefix(count)), "seed \(seed)")
                    model.removeFirst(min(count, model.count))
                }
                #expect(queue.count == model.count, "seed \(seed)")
            }
        }
    }
}
