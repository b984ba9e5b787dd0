import TallyPrimitives
import Testing

@testable import TallyBench

@Suite struct TrackerTests {
    private let hashes = (0..<4).map { Hash32.numbered($0) }

    private func block(
        _ height: UInt64, _ seen: UInt64, _ transactions: [Hash32]
    ) -> ObservedBlock {
        ObservedBlock(
            height: height, hash: .zero, seen: seen, proposed: Int64(seen) - 5,
            transactions: transactions)
    }

    @Test func followsATransaction() {
        var tracker = RunTracker(hashes: hashes)
        tracker.offer(0, intended: 100)
        tracker.sent(0, at: 110)
        #expect(tracker.backlog == 1)
        tracker.accept(0, at: 120)
        tracker.accept(0, at: 130)
        #expect(tracker.accepted == 1)
        #expect(tracker.entries[0].accepted == 120)
        #expect(tracker.observe(block(1, 200, [hashes[0], .numbered(99)])) == 1)
        #expect(tracker.observe(block(2, 300, [hashes[0]])) == 0, "counted once")
        #expect(tracker.entries[0].final == 200)
        #expect(tracker.entries[0].height == 1)
        #expect(tracker.backlog == 0)
        #expect(tracker.takeLatencies() == [100])
        #expect(tracker.takeLatencies() == [])
        #expect(tracker.heights == [1: 200, 2: 300])
    }

    @Test func aRefusedOneMayStillBecomeFinal() {
        var tracker = RunTracker(hashes: hashes)
        tracker.offer(1, intended: 0)
        tracker.refuse(1, reason: "underpriced")
        #expect(tracker.failed == 1)
        #expect(tracker.backlog == 0)
        tracker.observe(block(1, 10, [hashes[1]]))
        #expect(tracker.failed == 0)
        #expect(tracker.final == 1)
        #expect(tracker.reasons == ["underpriced": 1])
    }

    @Test func findsWhatHasWaitedForLong() {
        var tracker = RunTracker(hashes: hashes)
        for index in 0..<3 {
            tracker.offer(index, intended: 0)
            tracker.sent(index, at: UInt64(index) * 10)
        }
        tracker.accept(0, at: 5)
        tracker.accept(2, at: 25)
        #expect(tracker.overdue(since: 15, limit: 9) == [0], "1 was never taken, 2 is young")
        #expect(tracker.overdue(since: 30, limit: 9) == [0, 2])
        #expect(tracker.overdue(since: 30, limit: 1) == [0])
        tracker.observe(block(1, 40, [hashes[0]]))
        #expect(tracker.overdue(since: 30, limit: 9) == [2])
    }

    @Test func slopeOfALineIsItsSlope() {
        let (slope, error) = Repetition.Sustained.slope([5, 8, 11, 14])
        #expect(abs(slope - 3) < 1e-9)
        #expect(error < 1e-6)
        #expect(Repetition.Sustained.slope([1, 9]).slope == 0, "two points say nothing")
    }

    private func seconds(_ backlogs: [Int]) -> [Repetition.Second] {
        backlogs.enumerated().map { index, backlog in
            Repetition.Second(
                second: index + 1, offered: 0, accepted: 0, final: 0, settled: 0, failed: 0,
                backlog: backlog, p50: nil, p99: nil, processes: [])
        }
    }

    @Test func judgesWhetherALoadIsHeld() {
        let noise = (0..<60).map { 20 + $0 * 7 % 5 }
        let steady = Repetition.Sustained(seconds: seconds(noise), rate: 400, failureRatio: 0)
        #expect(steady.holds)
        let growing = Repetition.Sustained(
            seconds: seconds((0..<60).map { 20 + $0 * 4 }), rate: 400, failureRatio: 0)
        #expect(!growing.holds)
        #expect(growing.grows)
        let failing = Repetition.Sustained(
            seconds: seconds(noise), rate: 400, failureRatio: 0.001)
        #expect(!failing.holds)
        #expect(!failing.isHeldSoFar)
        let short = Repetition.Sustained(
            seconds: seconds(Array(noise.prefix(59))), rate: 400, failureRatio: 0)
        #expect(!short.holds)
        #expect(short.isHeldSoFar)
    }

    @Test func readsCountersOfSyncs() {
        let text = """
            # HELP tally_log_fsync_seconds Time of a sync.
            # TYPE tally_log_fsync_seconds histogram
            tally_log_fsync_seconds_bucket{le="0.1"} 40
            tally_log_fsync_seconds_count 42
            tally_shard_fsync_seconds_count{shard="1"} 3
            tally_blocks_total 7
            other_fsync_count 9
            """
        #expect(MetricsProbe.fsyncs(metrics: text) == 45)
        #expect(MetricsProbe.fsyncs(metrics: "tally_blocks_total 7\n") == nil)
        #expect(MetricsProbe.difference([1, 2], [4, 2]) == 3)
        #expect(MetricsProbe.difference([1, nil], [4, 2]) == nil)
        #expect(MetricsProbe.difference([5], [4]) == nil, "a node began anew")
    }
}

extension Hash32 {
    static func numbered(_ number: Int) -> Hash32 {
        var bytes = [UInt8](repeating: 0, count: 32)
        bytes[31] = UInt8(number)
        return Hash32(bytes) ?? .zero
    }
}
