import TallyNetwork
import TallyPrimitives
import TallyTesting
import Testing

/// NET-16
@Suite struct OutboundQueueTests {
    private func queue(frames: Int = 3, bytes: Int = 100) -> OutboundQueue {
        var limits = NetworkLimits()
        let bound = NetworkLimits.QueueBound(frames: frames, bytes: bytes)
        (limits.voteQueue, limits.bodyQueue, limits.gossipQueue) = (bound, bound, bound)
        return OutboundQueue(limits: limits)
    }

    private func drain(_ queue: OutboundQueue) -> [UInt8] {
        var queue = queue
        var tags: [UInt8] = []
        while let frame = queue.pop() { tags.append(frame[0]) }
        return tags
    }

    @Test func votesLeaveBeforeBodiesBeforeGossip() {
        var queue = queue()
        queue.push([1], .gossip)
        queue.push([2], .bodies)
        queue.push([3], .votes)
        queue.push([4], .gossip)
        queue.push([5], .votes)
        queue.push([6], .bodies)
        #expect(drain(queue) == [3, 5, 2, 6, 1, 4])
        #expect(queue.pop() == [3])
        queue.push([7], .votes)
        #expect(drain(queue) == [5, 7, 2, 6, 1, 4])
    }

    @Test(arguments: [TrafficClass.votes, .bodies])
    func dropsTheOldest(_ traffic: TrafficClass) {
        var queue = queue()
        for tag in 1...5 as ClosedRange<UInt8> { queue.push([tag], traffic) }
        #expect(drain(queue) == [3, 4, 5])
        #expect(queue.dropped(traffic) == 2)
        // As many as its bytes need.
        queue.push([6] + [UInt8](repeating: 0, count: 98), traffic)
        #expect(drain(queue) == [5, 6])
        #expect(!queue.hasRoom(1, traffic))
        queue.push([UInt8](repeating: 7, count: 101), traffic)
        #expect(drain(queue) == [5, 6], "what can never fit pushes nothing out")
        #expect(queue.dropped(traffic) == 5)
    }

    @Test func ofGossipDropsTheNewest() {
        var queue = queue()
        for tag in 1...5 as ClosedRange<UInt8> { queue.push([tag], .gossip) }
        #expect(drain(queue) == [1, 2, 3])
        #expect(queue.dropped(.gossip) == 2)
    }

    @Test func aFullClassLeavesOthersAlone() {
        var queue = queue()
        queue.push([9], .votes)
        for tag in 1...9 as ClosedRange<UInt8> { queue.push([tag], .bodies) }
        #expect(queue.hasRoom(1, .votes))
        #expect(drain(queue) == [9, 7, 8, 9])
        #expect(queue.dropped(.votes) == 0)
    }

    @Test func neverHoldsMoreThanItMay() {
        forEachSeed(base: 7, count: 30) { _, generator in
            var queue = queue(frames: 8, bytes: 64)
            for _ in 0..<200 {
                let traffic = TrafficClass.allCases.randomElement(using: &generator) ?? .votes
                let count = Int.random(in: 1...70, using: &generator)
                queue.push([UInt8](repeating: 0, count: count), traffic)
                #expect(queue.bytes <= 3 * 64)
                if Bool.random(using: &generator) { _ = queue.pop() }
            }
            queue.clear()
            #expect(queue.isEmpty && queue.bytes == 0)
        }
    }
}
