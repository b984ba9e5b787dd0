internal import TallyPrimitives

extension Message {
    /// The bytes that are sent (IBFT-C1).
    package var wire: [UInt8] {
        RLPEncoder.list(capacity: 512) { out in
            out.append(kind.rawValue)
            switch self {
            case .proposal(let message):
                message.signed.encode(to: &out)
                if let justification = message.justification {
                    justification.encode(to: &out)
                } else {
                    out.list { _ in }
                }
                out.append(message.block.body)
            case .prepare(let message): message.encode(to: &out)
            case .commit(let message): message.encode(to: &out)
            case .roundChange(let message):
                message.signed.encode(to: &out)
                out.append(optional: message.certificate)
            case .final(let message):
                message.certificate.encode(to: &out)
                out.append(message.block.body)
            case .headQuery(let message): message.encode(to: &out)
            case .headAnswer(let message): message.encode(to: &out)
            }
        }
    }

    /// Decodes strictly. The body of a block is not read yet: until ``Authenticator`` has checked
    /// the signature it stands for what the statement says of it.
    /// - Throws: `.tooLong` before anything is decoded, `.malformed`.
    init(wire bytes: [UInt8], limits: MessageLimits) throws(MessageRefusal) {
        let longest = limits.bytes(.proposal)
        guard bytes.count <= longest else {
            throw .tooLong(bytes: bytes.count, limit: longest)
        }
        let kind: MessageKind
        do throws(RLPError) {
            var outer = RLPDecoder(bytes)
            var list = try outer.nextList()
            kind = try list.nextCase()
        } catch { throw .malformed(error) }
        guard bytes.count <= limits.bytes(kind) else {
            throw .tooLong(bytes: bytes.count, limit: limits.bytes(kind))
        }
        do throws(RLPError) {
            self = try RLPDecoder.list(bytes) { (list) throws(RLPError) in
                _ = try list.nextCase(MessageKind.self)
                return try Message(kind, from: &list, limits)
            }
        } catch { throw .malformed(error) }
    }

    private init(
        _ kind: MessageKind, from list: inout RLPDecoder, _ limits: MessageLimits
    ) throws(RLPError) {
        switch kind {
        case .proposal:
            let signed = try Signed<ProposalStatement>(from: &list)
            let justification = try list.nextOptionalJustification()
            let body = Array(try list.nextString(limit: limits.bodyBytes))
            let block = ProposedBlock(
                height: signed.height, parent: signed.statement.parent,
                digest: signed.statement.digest, timestamp: .init(milliseconds: 0), body: body)
            self = .proposal(Proposal(signed, justification: justification, block: block))
        case .prepare: self = .prepare(try Signed(from: &list))
        case .commit: self = .commit(try Signed(from: &list))
        case .roundChange:
            let signed = try Signed<RoundChangeStatement>(from: &list)
            self = .roundChange(
                RoundChange(signed, certificate: try list.nextOptionalCertificate()))
        case .final:
            let certificate = try FinalCertificate(from: &list)
            let body = Array(try list.nextString(limit: limits.bodyBytes))
            let block = ProposedBlock(
                height: certificate.height, parent: .zero, digest: certificate.digest,
                timestamp: .init(milliseconds: 0), body: body)
            self = .final(Final(certificate: certificate, block: block))
        case .headQuery: self = .headQuery(try Signed(from: &list))
        case .headAnswer: self = .headAnswer(try Signed(from: &list))
        }
    }
}

extension Final {
    /// The height of which the bytes claim to be a FINAL; nothing else is checked.
    static func height(wire: [UInt8]) -> Height? {
        do throws(RLPError) {
            var outer = RLPDecoder(wire)
            var list = try outer.nextList()
            guard try list.nextCase(MessageKind.self) == .final else { return nil }
            var certificate = try list.nextList()
            return try certificate.nextHeight()
        } catch { return nil }
    }
}

extension RLPDecoder {
    /// The empty list, or a justification.
    mutating func nextOptionalJustification() throws(RLPError) -> Justification? {
        var ahead = self
        if try ahead.nextList().isAtEnd {
            self = ahead
            return nil
        }
        return try Justification(from: &self)
    }
}
