import Testing

@testable import TallyBench

@Suite struct ScheduleTests {
    @Test(arguments: [0.7, 1, 3, 400, 12_345.6])
    func handsOutEachTransactionOnceWhenItIsDue(rate: Double) {
        let schedule = ArrivalSchedule(rate: rate, count: 500)
        for index in [0, 1, 2, 17, 499] {
            let time = schedule.intended(index)
            #expect(schedule.due(at: time) == index + 1)
            if time > 0 { #expect(schedule.due(at: time - 1) <= index) }
        }
        #expect(schedule.due(at: .max / 1_000_000) == 500)
        var pacer = Pacer(schedule)
        var all: [Int] = []
        // A clock that stands still now and then, and that jumps.
        for time in stride(from: UInt64(0), through: schedule.intended(499) + 1, by: 7_654_321) {
            all += pacer.take(at: time)
            #expect(pacer.take(at: time).isEmpty)
        }
        all += pacer.take(at: schedule.intended(499))
        #expect(all == Array(0..<500))
        #expect(pacer.isDone)
        #expect(pacer.next == nil)
    }

    @Test func ratesAreKeptOverLongTimes() {
        let schedule = ArrivalSchedule(rate: 400, count: 400 * 600)
        #expect(schedule.due(at: 599_999_999_999) == 240_000)
        #expect(schedule.intended(239_999) == 599_997_500_000)
    }

    @Test func countsWhatWasLate() {
        var pacer = Pacer(ArrivalSchedule(rate: 1_000, count: 100))
        #expect(pacer.take(at: 0) == 0..<1)
        // 20 ms pass: those due in the first half of it are more than 10 ms late.
        #expect(pacer.take(at: 20_000_000) == 1..<21)
        #expect(pacer.late == 9)
        #expect(pacer.worst == 19_000_000)
        #expect(pacer.lateShare == 9.0 / 21)
        #expect(pacer.next == 21_000_000)
    }

    @Test func aRateSearchEndsBetweenHeldAndRefused() {
        for limit in [3.0, 90, 1_000, 47_123] {
            var search = RateSearch(start: 100, ceiling: 1_000_000)
            var tried = 0
            while let rate = search.next {
                tried += 1
                search.note(isHeld: rate <= limit)
            }
            #expect(search.held <= limit)
            #expect(search.held >= limit / 1.1, "\(limit)")
            #expect(tried < 20)
        }
    }

    @Test func aRateSearchStopsAtItsCeilingAndAtNothing() {
        var search = RateSearch(start: 100, ceiling: 350)
        var tried: [Double] = []
        while let rate = search.next {
            tried.append(rate)
            search.note(isHeld: true)
        }
        #expect(tried == [100, 200, 350])
        var none = RateSearch(start: 8, ceiling: 100)
        while none.next != nil { none.note(isHeld: false) }
        #expect(none.held == 0)
    }
}
