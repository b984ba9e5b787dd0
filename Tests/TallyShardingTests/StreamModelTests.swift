import TallyExecution
import TallyPrimitives
import TallyState
import Testing

@testable import TallySharding

/// The receipt model once more, with `StreamState` in the place of its variables: two endpoints, a
/// quota of one receipt and every kind of request, also the one that no transaction makes yet.
/// The weights let a block consume about as much as it sends, so that only here streams stay long.
@Suite struct StreamModelTests {
    struct Setting: Sendable {
        let window: Int
        let kinds: [Kind]
        let batch: Int
        let dueBound: Int
        /// Of the first: what the model checker counts too.
        let states: Int
        let longest: Int
    }

    enum Kind: Character {
        /// Taken without an answer.
        case ok = "o"
        /// Answered.
        case ask = "a"
        /// Leaves a due entry at the receiver, or is answered.
        case open = "n"
        case answer = "r"
    }

    @Test(arguments: [
        Setting(
            window: 2, kinds: [.ok, .ask, .open], batch: 1, dueBound: 2, states: 10_484, longest: 3),
        Setting(
            window: 1, kinds: [.ok, .ask, .open], batch: 2, dueBound: 1, states: 326, longest: 2),
        Setting(window: 3, kinds: [.ok], batch: 2, dueBound: 1, states: 354, longest: 2),
        Setting(window: 2, kinds: [.ok, .ask], batch: 2, dueBound: 1, states: 2_614, longest: 3),
    ])
    func everyReachableStateKeepsTheRules(_ setting: Setting) throws {
        let start = Model(setting)
        var seen: Set<String> = [start.key]
        var frontier = [start]
        var longest = 0
        while let model = frontier.popLast() {
            for next in try model.successors() where seen.insert(next.key).inserted {
                longest = max(longest, next.sides[0].inbound.count, next.sides[1].inbound.count)
                // Without its bounds the model is infinite, so the first violation ends the search.
                try #require(
                    next.sides.allSatisfy { $0.inbound.count <= 2 * setting.window }, "Bound")
                try #require(
                    next.sides.allSatisfy { $0.stream.slots <= setting.window }, "Slots")
                try #require(next.sides.allSatisfy { $0.due <= setting.dueBound }, "Queue")
                try #require(seen.count <= setting.states)
                #expect(try next.settles(), "stuck at \(next.key)")
                frontier.append(next)
            }
        }
        print("stream model, window \(setting.window): \(seen.count) states, longest \(longest)")
        #expect(seen.count == setting.states)
        #expect(longest == setting.longest)
    }

    // RCPT-7: the first header that passes a request decides when its slot is free.
    @Test func theFirstRecordDecides() throws {
        var stream = StreamState()
        for index in 0..<2 as Range<UInt64> {
            try stream.append(receipt(1, index), leaf: .zero)
        }
        #expect(stream.slots == 2)
        stream.record(peerCursor: 1, peerEnd: 1)
        stream.release()
        #expect(stream.slots == 2, "its answer is not consumed")
        // Traffic behind the answer is no reason to wait longer.
        stream.record(peerCursor: 1, peerEnd: 9)
        try stream.consume([receipt(2, 0)], to: stream.consumed.appending([.zero]))
        #expect(stream.slots(peerCursor: 1, peerEnd: 9) == 1)
        stream.release()
        #expect(stream.slots == 1)
        // An answer that is sent takes no slot.
        try stream.append(receipt(2, 2), leaf: .zero)
        #expect(stream.slots == 1)
        #expect(try StreamState(stream.object) == stream)
    }

    private func receipt(_ kind: UInt8, _ index: UInt64) -> Receipt {
        Model.receipt(kind, index)
    }
}

/// One state of the model and its steps.
private struct Model {
    struct Side {
        var stream = StreamState()
        /// On the way to this side.
        var inbound: [StreamModelTests.Kind] = []
        var due = 0
    }

    let setting: StreamModelTests.Setting
    var sides = [Side(), Side()]
    private var isOdd = false
    /// Progress of stream 0 → 1 in the last height, as the model watches it.
    private var progress = [false, false, false]

    init(_ setting: StreamModelTests.Setting) { self.setting = setting }

    static func receipt(_ kind: UInt8, _ index: UInt64) -> Receipt {
        Receipt(
            reference: ReceiptReference(source: 0, destination: 1, index: index), kind: kind,
            origin: .zero, parent: nil, from: .zero, to: .zero, value: .zero, fee: .zero,
            payload: .empty)
    }

    var key: String {
        var text = isOdd ? "1" : "0"
        for bit in progress { text += bit ? "t" : "f" }
        for index in 0..<2 {
            let (side, peer) = (sides[index], sides[1 - index])
            let lists = SlotLists(side.stream)
            text += "|" + String(side.inbound.map(\.rawValue)) + "/\(side.due)/"
            text += lists.waiting.map { $0 >= peer.stream.cursor ? "w" : "p" }.joined()
            for entry in lists.passed {
                text += String(
                    repeating: ",\(entry.end - side.stream.cursor)", count: Int(entry.count))
            }
        }
        return text
    }

    private func isMandatory(_ index: Int) -> Bool {
        let (side, peer) = (sides[index], sides[1 - index])
        let slots = side.stream.slots(
            peerCursor: peer.stream.cursor, peerEnd: peer.stream.sent.count)
        return !side.inbound.isEmpty || (side.due > 0 && slots < setting.window)
    }

    /// What the block of one side does.
    private struct Block {
        var side: Side
        var out: [StreamModelTests.Kind] = []
        var consumed = false
        var ranDue = false
        var released = false
    }

    /// `nil` when the transaction has no credit.
    private func block(
        _ index: Int, _ transaction: (kind: StreamModelTests.Kind, count: Int)?
    ) throws -> Block? {
        let peer = sides[1 - index]
        var block = Block(side: sides[index])
        let dueBefore = block.side.due
        block.side.stream.record(
            peerCursor: peer.stream.cursor, peerEnd: peer.stream.sent.count)
        if let kind = block.side.inbound.first {
            block.consumed = true
            block.side.inbound.removeFirst()
            try block.side.stream.consume(
                [Self.receipt(1, block.side.stream.cursor)],
                to: block.side.stream.consumed.appending([.zero]))
            switch kind {
            case .ok, .answer: break
            case .open where block.side.due < setting.dueBound: block.side.due += 1
            case .ask, .open: block.out.append(.answer)
            }
        }
        block.side.stream.release()
        block.released = block.side.stream.slots < sides[index].stream.slots
        var slots = block.side.stream.slots
        if dueBefore > 0, slots < setting.window {
            block.ranDue = true
            block.side.due -= 1
            block.out.append(.ask)
            slots += 1
        }
        if let (kind, count) = transaction {
            guard slots + count <= setting.window else { return nil }
            block.out += Array(repeating: kind, count: count)
        }
        for kind in block.out {
            let end = block.side.stream.sent.count
            try block.side.stream.append(
                Self.receipt(kind == .answer ? 2 : 1, end), leaf: .zero)
        }
        return block
    }

    private func decide(_ blocks: [Block?]) -> Model {
        var next = self
        next.isOdd.toggle()
        for index in 0..<2 { if let block = blocks[index] { next.sides[index] = block.side } }
        for index in 0..<2 { next.sides[1 - index].inbound += blocks[index]?.out ?? [] }
        next.progress = [
            blocks[1]?.consumed ?? false, blocks[0]?.ranDue ?? false, blocks[0]?.released ?? false,
        ]
        return next
    }

    func successors() throws -> [Model] {
        var choices: [[Block?]] = []
        for index in 0..<2 {
            var options: [Block?] = isMandatory(index) ? [] : [nil]
            if let block = try block(index, nil) { options.append(block) }
            for kind in setting.kinds {
                for count in 1...setting.batch {
                    if let block = try block(index, (kind, count)) { options.append(block) }
                }
            }
            choices.append(options)
        }
        return choices[0].flatMap { first in choices[1].map { decide([first, $0]) } }
    }

    /// Whether doing only what must be done comes to rest with nothing left.
    func settles() throws -> Bool {
        var model = self
        for _ in 0..<64 {
            let blocks = try (0..<2).map { model.isMandatory($0) ? try model.block($0, nil) : nil }
            guard blocks.contains(where: { $0 != nil }) else {
                return model.sides.indices.allSatisfy { index in
                    let (side, peer) = (model.sides[index], model.sides[1 - index])
                    return side.inbound.isEmpty && side.due == 0
                        && side.stream.slots(
                            peerCursor: peer.stream.cursor, peerEnd: peer.stream.sent.count) == 0
                }
            }
            model = model.decide(blocks)
        }
        return false
    }
}
