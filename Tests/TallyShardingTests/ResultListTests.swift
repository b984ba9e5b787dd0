import TallyExecution
import TallyPrimitives
import TallySharding
import Testing

@Suite struct ResultListTests {
    private static let alice = Address(words: (1, 2, 3))
    private static let results = [
        TransactionResult(
            failure: nil, weight: 21_000, price: Amount(7),
            events: [.transferred(from: alice, to: .zero, value: Amount(1 << 100))],
            balances: [BalanceChange(account: alice, after: .zero)]),
        TransactionResult(
            failure: .creditsRefused, weight: 0, price: .zero, events: [], balances: []),
        TransactionResult(
            failure: nil, weight: 1, price: .max,
            events: Array(repeating: .escrowClaimed(owner: alice, value: .max), count: 9),
            balances: []),
    ]

    @Test func givesBackWhatWentIn() {
        let list = ResultList(Self.results)
        #expect(Array(list) == Self.results)
        #expect(list.indices.map { Array(list.encoding($0)) } == Self.results.map(\.encoded))
        #expect(ResultList().isEmpty)
    }

    @Test func isCommittedToLikeItsResults() {
        let list = ResultList(Self.results)
        for count in 0...Self.results.count {
            #expect(
                ShardHeader.resultRoot(Self.results[0], ResultList(Self.results.prefix(count)))
                    == ShardHeader.resultRoot(Self.results[0], Self.results.prefix(count)))
        }
        #expect(
            ShardHeader.resultRoot(nil, list)
                != ShardHeader.resultRoot(nil, ResultList(Self.results.reversed())))
    }
}
