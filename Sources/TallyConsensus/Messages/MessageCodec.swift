internal import TallyCrypto
package import TallyPrimitives

/// Bounds of what is read from others (IBFT-R12).
package struct MessageLimits: Hashable, Sendable {
    /// Longest body of a block.
    package var bodyBytes: Int

    package init(bodyBytes: Int) { self.bodyBytes = bodyBytes }

    /// Address, signature and headers of one vote, with room.
    static let voteBytes = 256
    /// Longest certificate: an endorsement of every member.
    static let certificateBytes = 128 + ValidatorSet.maximumCount * 96

    /// Longest message of a kind.
    package func bytes(_ kind: MessageKind) -> Int {
        switch kind {
        case .prepare, .commit, .headQuery, .headAnswer: Self.voteBytes
        case .roundChange: Self.voteBytes + Self.certificateBytes
        case .final: bodyBytes + Self.certificateBytes
        case .proposal:
            bodyBytes + Self.voteBytes + Self.certificateBytes
                + ValidatorSet.maximumCount * Self.voteBytes
        }
    }
}

extension RecoverableSignature {
    /// r ‖ s ‖ parity.
    static let byteCount = 65

    func append(to out: inout RLPEncoder) { out.append(r.bytes + s.bytes + [yParity]) }

    static func next(_ input: inout RLPDecoder) throws(RLPError) -> RecoverableSignature {
        let bytes = Array(try input.nextString(limit: byteCount))
        guard bytes.count == byteCount, let r = Hash32(bytes[0..<32]),
            let s = Hash32(bytes[32..<64])
        else { throw .wrongLength(expected: byteCount, actual: bytes.count) }
        return RecoverableSignature(r: r, s: s, yParity: bytes[64])
    }
}

extension RLPEncoder {
    mutating func append(_ round: Round) { append(round.value) }
}

extension RLPDecoder {
    mutating func nextRound() throws(RLPError) -> Round { Round(try nextInteger()) }
}

// Statements are the leading items of the list that `Signed` writes.
extension ProposalStatement {
    package func encode(to out: inout RLPEncoder) {
        out.append(height)
        out.append(round)
        out.append(parent)
        out.append(digest)
        out.append(justification)
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        self.init(
            height: try input.nextHeight(), round: try input.nextRound(),
            parent: try input.nextFixed(), digest: try input.nextFixed(),
            justification: try input.nextFixed())
    }
}

extension PrepareStatement {
    package func encode(to out: inout RLPEncoder) {
        out.append(height)
        out.append(round)
        out.append(digest)
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        self.init(
            height: try input.nextHeight(), round: try input.nextRound(),
            digest: try input.nextFixed())
    }
}

extension CommitStatement {
    package func encode(to out: inout RLPEncoder) {
        out.append(height)
        out.append(round)
        out.append(digest)
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        self.init(
            height: try input.nextHeight(), round: try input.nextRound(),
            digest: try input.nextFixed())
    }
}

extension RoundChangeStatement {
    package func encode(to out: inout RLPEncoder) {
        out.append(height)
        out.append(round)
        out.list { out in
            guard let prepared else { return }
            out.append(prepared.round)
            out.append(prepared.digest)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        let height = try input.nextHeight()
        let round = try input.nextRound()
        var list = try input.nextList()
        guard !list.isAtEnd else {
            self.init(height: height, round: round, prepared: nil)
            return
        }
        let report = PreparedReport(round: try list.nextRound(), digest: try list.nextFixed())
        try list.finish()
        self.init(height: height, round: round, prepared: report)
    }
}

extension HeadQueryStatement {
    package func encode(to out: inout RLPEncoder) {
        out.append(height)
        out.append(nonce)
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        self.init(height: try input.nextHeight(), nonce: try input.nextFixed())
    }
}

extension HeadAnswerStatement {
    package func encode(to out: inout RLPEncoder) {
        out.append(height)
        out.append(digest)
        out.append(nonce)
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        self.init(
            height: try input.nextHeight(), digest: try input.nextFixed(),
            nonce: try input.nextFixed())
    }
}

extension Signed: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            statement.encode(to: &out)
            out.append(sender)
            signature.append(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            try Content(from: &list), sender: try list.nextFixed(),
            signature: try RecoverableSignature.next(&list))
        try list.finish()
    }
}
