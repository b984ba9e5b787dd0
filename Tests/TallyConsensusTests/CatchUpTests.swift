import TallyConsensus
import TallyPrimitives
import Testing

/// Who is behind fetches in windows and keeps what comes early (IBFT-R14).
@Suite struct CatchUpTests {
    typealias Case = (first: UInt64, last: UInt64, end: UInt64)

    private let fixture: Fixture
    private var asked: Address { fixture.members[1] }
    private var other: Address { fixture.members[2] }

    init() throws { fixture = try Fixture(4) }

    private func final(_ height: UInt64, content: String = "") -> [UInt8] {
        let block = TestBlocks.make(height, parent: .zero, time: height, content: content)
        let certificate = FinalCertificate(
            height: Height(height), round: .zero, digest: block.digest, signers: [], seals: [])
        return Message.final(Final(certificate: certificate, block: block)).wire
    }

    /// `#expect` takes no call that changes a variable.
    private final class Asking {
        private var catchUp = CatchUp()
        let request: CatchUp.Request?

        init(from first: UInt64, through last: UInt64, of peer: Address) {
            request = catchUp.ask(from: Height(first), through: Height(last), of: peer)
        }

        var isAsking: Bool { catchUp.isAsking }

        func ask(from first: UInt64, through last: UInt64, of peer: Address) -> CatchUp.Request? {
            catchUp.ask(from: Height(first), through: Height(last), of: peer)
        }
        func keep(_ wire: [UInt8], from peer: Address, head: UInt64) -> Bool {
            catchUp.keep(wire, from: peer, head: Height(head))
        }
        func next(after head: UInt64) -> [UInt8]? { catchUp.next(after: Height(head)) }
        func isPassed(by head: UInt64) -> Bool { catchUp.isPassed(by: Height(head)) }
        func more(after head: UInt64, of peer: Address) -> CatchUp.Request? {
            catchUp.more(after: Height(head), of: peer)
        }
    }

    private func asking(from first: UInt64, through last: UInt64) -> Asking {
        Asking(from: first, through: last, of: asked)
    }

    private func request(_ first: UInt64, _ last: UInt64, _ peer: Address) -> CatchUp.Request {
        .init(first: Height(first), last: Height(last), peer: peer)
    }

    @Test(arguments: [(1, 5, 5), (1, 16, 16), (1, 17, 16), (7, 900, 22)] as [Case])
    func asksForOneWindow(first: UInt64, last: UInt64, end: UInt64) {
        let catchUp = asking(from: first, through: last)
        #expect(catchUp.request == request(first, end, asked))
        #expect(catchUp.isAsking)
    }

    @Test func handsOverInOrderOnce() {
        let catchUp = asking(from: 1, through: 4)
        for height in [4, 2, 3] as [UInt64] {
            #expect(catchUp.keep(final(height), from: asked, head: 0))
        }
        #expect(catchUp.next(after: 0) == nil)
        for height in 2...4 as ClosedRange<UInt64> {
            #expect(catchUp.next(after: height - 1) == final(height))
            #expect(catchUp.next(after: height - 1) == nil)
        }
    }

    /// They are checked at once, like any message, and refused where they should be.
    @Test func keepsOnlyWhatWasAskedForAndComesEarly() {
        let catchUp = asking(from: 3, through: 6)
        let head: UInt64 = 2
        let commit = Message.commit(fixture.commit(1, 4, 0, .zero)).wire
        let refused: [(String, [UInt8], Address)] = [
            ("its turn", final(3), asked), ("past", final(2), asked),
            ("beyond the window", final(7), asked), ("of somebody else", final(4), other),
            ("a vote", commit, asked), ("nothing", [], asked), ("rubbish", [0xC1, 0x80], asked),
        ]
        for (name, wire, peer) in refused {
            #expect(!catchUp.keep(wire, from: peer, head: head), "\(name)")
        }
        #expect(catchUp.keep(final(4), from: asked, head: head))
        #expect(!catchUp.keep(final(4, content: "other"), from: asked, head: head))
        #expect(catchUp.next(after: 3) == final(4))
    }

    @Test func asksForNothingWhileItMakesProgress() {
        let catchUp = asking(from: 1, through: 40)
        #expect(catchUp.ask(from: 5, through: 50, of: other) == nil)
        // Nothing came since.
        let again = catchUp.ask(from: 5, through: 50, of: other)
        #expect(again == request(5, 20, other))
    }

    @Test func forgetsTheAnswerOfAPeerThatIsNotAskedAnyMore() {
        let catchUp = asking(from: 1, through: 40)
        #expect(catchUp.keep(final(3), from: asked, head: 0))
        _ = catchUp.ask(from: 1, through: 40, of: other)
        #expect(catchUp.next(after: 2) == nil)
        #expect(!catchUp.keep(final(3), from: asked, head: 0))
    }

    @Test func asksForTheNextWindowAtOnce() {
        let catchUp = asking(from: 1, through: 20)
        // The first FINAL has its turn at once, and shows that the peer answers.
        #expect(!catchUp.keep(final(1), from: asked, head: 0))
        #expect(catchUp.more(after: 15, of: other) == nil)
        #expect(!catchUp.isPassed(by: 15))
        #expect(catchUp.isPassed(by: 16))
        let more = catchUp.more(after: 16, of: other)
        #expect(more == request(17, 20, other))
        #expect(catchUp.more(after: 20, of: other) == nil)
        #expect(!catchUp.isAsking)
    }

    /// Votes led past what nobody sent: the machine knows whether there is more to ask for.
    @Test func endsWithAWindowThatNobodyAnswered() {
        let catchUp = asking(from: 1, through: .max)
        #expect(!catchUp.keep(final(1), from: other, head: 0))
        #expect(!catchUp.keep(final(17), from: asked, head: 0))
        #expect(catchUp.isPassed(by: 16))
        let more = catchUp.more(after: 16, of: other)
        #expect(more == nil)
        #expect(!catchUp.isAsking)
    }

    @Test func believesTheNewestRequestOfHowFarToGo() {
        let catchUp = asking(from: 1, through: .max)
        let again = catchUp.ask(from: 1, through: 3, of: other)
        #expect(again == request(1, 3, other))
    }

    @Test func aHintOfTheLastHeightDoesNotTrap() {
        let last = UInt64.max
        let catchUp = asking(from: last - 3, through: last)
        #expect(catchUp.request == request(last - 3, last, asked))
    }

    @Test func keepsNoMoreThanItsBound() {
        let catchUp = asking(from: 1, through: 16)
        let big = String(repeating: "x", count: CatchUp.maximumBytes / 4)
        var kept: [UInt64] = []
        for height in 2...16 as ClosedRange<UInt64>
        where catchUp.keep(final(height, content: big), from: asked, head: 0) {
            kept.append(height)
        }
        #expect(kept == [2, 3, 4])
    }
}
