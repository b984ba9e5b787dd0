package import TallyPrimitives
package import TallyState

// ROUND-9: the encoding of rounds.

extension ProofRound {
    /// - Throws: also `.unknownValue` for money.
    package init(_ object: StateObject) throws(RLPError) {
        guard object.value.isZero else { throw .unknownValue(0) }
        self = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            ProofRound(
                node: try list.nextFixed(), number: try list.nextInteger(),
                state: try RoundState(from: &list), entry: try list.nextInteger(),
                last: try RoundOutcome.next(&list))
        }
    }

    package var object: StateObject {
        let payload = RLPEncoder.list(capacity: 256) { out in
            out.append(node)
            out.append(number)
            state.encode(to: &out)
            out.append(entry)
            RoundOutcome.append(last, to: &out)
        }
        return StateObject(kind: .round, value: .zero, payload: Payload(payload))
    }
}

extension RoundState: RLPValue {
    private enum Tag: UInt8 {
        case idle = 1
        case bound, open, committed, drawn, revealed
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            switch self {
            case .idle(let next):
                out.append(Tag.idle.rawValue)
                out.append(next)
            case .bound(let drawFrom):
                out.append(Tag.bound.rawValue)
                out.append(drawFrom)
            case .open(let opening):
                out.append(Tag.open.rawValue)
                opening.encode(to: &out)
            case .committed(let opening, let commitment):
                out.append(Tag.committed.rawValue)
                opening.encode(to: &out)
                commitment.encode(to: &out)
            case .drawn(let opening, let commitment, let draw):
                out.append(Tag.drawn.rawValue)
                opening.encode(to: &out)
                commitment.encode(to: &out)
                draw.encode(to: &out)
            case .revealed(let opening, let commitment, let draw, let deadline):
                out.append(Tag.revealed.rawValue)
                opening.encode(to: &out)
                commitment.encode(to: &out)
                draw.encode(to: &out)
                out.append(deadline)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        switch try list.nextCase(Tag.self) {
        case .idle: self = .idle(next: try list.nextTime())
        case .bound: self = .bound(drawFrom: try list.nextInteger())
        case .open: self = .open(try RoundOpening(from: &list))
        case .committed:
            self = .committed(
                try RoundOpening(from: &list), try RoundCommitment(from: &list))
        case .drawn:
            self = .drawn(
                try RoundOpening(from: &list), try RoundCommitment(from: &list),
                try RoundDraw(from: &list))
        case .revealed:
            self = .revealed(
                try RoundOpening(from: &list), try RoundCommitment(from: &list),
                try RoundDraw(from: &list), deadline: try list.nextTime())
        }
        try list.finish()
    }
}

extension RoundOpening: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(seed)
            out.append(at)
            out.append(deadline)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        seed = try list.nextFixed()
        at = try list.nextTime()
        deadline = try list.nextTime()
        try list.finish()
    }
}

extension RoundCommitment: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(root)
            out.append(at)
            out.append(drawFrom)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        root = try list.nextFixed()
        at = try list.nextTime()
        drawFrom = try list.nextInteger()
        try list.finish()
    }
}

extension RoundDraw: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(seed)
            out.append(deadline)
            out.append(attesters)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        seed = try list.nextFixed()
        deadline = try list.nextTime()
        attesters = try list.nextArray(limit: Int(RoundRule.maximumAttesters))
        try list.finish()
    }
}

extension RoundAttester: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(address)
            out.append(milliseconds ?? 0)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        address = try list.nextFixed()
        let time: UInt64 = try list.nextInteger()
        milliseconds = time == 0 ? nil : time
        try list.finish()
    }
}

extension RoundOutcome {
    private enum Tag: UInt8 {
        case attested = 1
        case void, missed
    }

    /// `nil` is the empty list.
    fileprivate static func append(_ outcome: RoundOutcome?, to out: inout RLPEncoder) {
        out.list { out in
            switch outcome {
            case .attested(let milliseconds, let power):
                out.append(Tag.attested.rawValue)
                out.append(milliseconds)
                out.append(power.tenThousandths)
            case .void: out.append(Tag.void.rawValue)
            case .missed: out.append(Tag.missed.rawValue)
            case nil: break
            }
        }
    }

    fileprivate static func next(_ input: inout RLPDecoder) throws(RLPError) -> RoundOutcome? {
        var list = try input.nextList()
        guard !list.isAtEnd else { return nil }
        let outcome: RoundOutcome
        switch try list.nextCase(Tag.self) {
        case .attested:
            outcome = .attested(
                milliseconds: try list.nextInteger(),
                ComputePower(tenThousandths: try list.nextInteger()))
        case .void: outcome = .void
        case .missed: outcome = .missed
        }
        try list.finish()
        return outcome
    }
}
