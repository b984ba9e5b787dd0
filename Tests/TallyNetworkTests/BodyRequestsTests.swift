import TallyCrypto
import TallyPrimitives
import Testing

@testable import TallyNetwork

/// NET-10
@Suite struct BodyRequestsTests {
    let holders: [Address]
    let body = Fixtures.hash("body")

    init() throws { holders = try Fixtures.keys(4).map(\.address) }

    private func everybody(_ peer: Address) -> Bool { true }

    @Test func asksOneHolderAfterTheOther() {
        var requests = BodyRequests()
        func start() -> Address? {
            requests.start(body, holders: holders, isConnected: everybody)
        }
        #expect((0..<5).map { _ in start() } == holders + [holders[0]])
    }

    @Test func asksWhoIsConnected() {
        var requests = BodyRequests()
        let last = holders[3]
        let first = requests.start(body, holders: holders) { $0 == last }
        #expect(first == last)
        let none = requests.start(body, holders: holders) { _ in false }
        #expect(none == nil)
    }

    @Test func goesOnToTheNextWhoMayHaveIt() {
        var requests = BodyRequests()
        let first = requests.start(body, holders: holders, isConnected: everybody)
        #expect(first == holders[0])
        let next = requests.answered(
            body, by: holders[0], hasBody: false, isConnected: everybody)
        #expect(next == .ask(holders[1]))
        let late = requests.answered(
            body, by: holders[0], hasBody: true, isConnected: everybody)
        #expect(late == .read, "late, but asked for")
        let second = requests.answered(
            body, by: holders[1], hasBody: true, isConnected: everybody)
        #expect(second == .nothing, "there already, and no offence")
    }

    @Test func knowsWhoWasNotAsked() {
        var requests = BodyRequests()
        _ = requests.start(body, holders: holders, isConnected: everybody)
        let other = requests.answered(body, by: holders[2], hasBody: true, isConnected: everybody)
        #expect(other == .unasked)
        let unknown = requests.answered(
            .zero, by: holders[0], hasBody: true, isConnected: everybody)
        #expect(unknown == .unasked)
    }

    @Test func asksAnotherWhenThePeerIsGone() {
        var requests = BodyRequests()
        let gone = holders[0]
        _ = requests.start(body, holders: holders, isConnected: everybody)
        let asks = requests.lost(gone) { $0 != gone }
        #expect(asks.map(\.peer) == [holders[1]])
        let again = requests.lost(gone, isConnected: everybody)
        #expect(again.isEmpty)
    }

    @Test func remembersABoundedNumber() {
        var requests = BodyRequests()
        for number in 0...BodyRequests.limit {
            _ = requests.start(
                Fixtures.hash("\(number)"), holders: holders, isConnected: everybody)
        }
        let old = requests.answered(
            Fixtures.hash("0"), by: holders[0], hasBody: true, isConnected: everybody)
        #expect(old == .unasked)
        let young = requests.answered(
            Fixtures.hash("1"), by: holders[0], hasBody: true, isConnected: everybody)
        #expect(young == .read)
    }
}
