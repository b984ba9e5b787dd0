package import TallyConsensus
package import TallyPrimitives
package import TallySharding

/// What peers send each other (NET-6). Messages of the agreement are opaque here.
package enum PeerFrame: Hashable, Sendable {
    case hello(PeerHello)
    /// The number of a `PeerRefusal`: for the log, nothing else.
    case goodbye(UInt8)
    case ping(UInt64)
    case pong(UInt64)
    /// The wire bytes of a message without a block.
    case vote([UInt8])
    /// Those of PROPOSAL or FINAL.
    case block([UInt8])
    case head(Height, digest: Hash32)
    case bodyRequest(Hash32)
    /// `nil` for one that is not had.
    case body(Hash32, [UInt8]?)
    case finalsRequest(first: Height, last: Height)
    case transactions([[UInt8]])
    /// The wire bytes of an ``OutlinedProposal``.
    case outline([UInt8])
    /// Positions in the block, ascending; at least one.
    case missingRequest(Hash32, [Int])
    /// None where the block is not had.
    case missing(Hash32, [SignedBytes])

    /// A message of the agreement.
    package init(_ message: Message) {
        switch message {
        case .proposal, .final: self = .block(message.wire)
        case .prepare, .commit, .roundChange, .headQuery, .headAnswer: self = .vote(message.wire)
        }
    }

    package var kind: FrameKind {
        switch self {
        case .hello: .hello
        case .goodbye: .goodbye
        case .ping: .ping
        case .pong: .pong
        case .vote: .vote
        case .block: .block
        case .head: .head
        case .bodyRequest: .bodyRequest
        case .body: .body
        case .finalsRequest: .finalsRequest
        case .transactions: .transactions
        case .outline: .outline
        case .missingRequest: .missingRequest
        case .missing: .missing
        }
    }

    /// Bytes in front of a payload.
    static let headerBytes = 5

    /// The whole frame: what is queued and sent, shared by all who get it.
    package var bytes: [UInt8] {
        switch self {
        case .vote(let wire), .block(let wire), .outline(let wire): Self.framed(kind, wire)
        default: Self.framed(kind, payload)
        }
    }

    private static func framed(_ kind: FrameKind, _ payload: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(headerBytes + payload.count)
        withUnsafeBytes(of: UInt32(payload.count + 1).bigEndian) { frame.append(contentsOf: $0) }
        frame.append(kind.rawValue)
        frame += payload
        return frame
    }

    private var payload: [UInt8] {
        RLPEncoder.list(capacity: 64) { out in
            switch self {
            case .vote, .block, .outline: preconditionFailure("framed as they are")
            case .hello(let hello): hello.encode(to: &out)
            case .goodbye(let reason): out.append(reason)
            case .ping(let number), .pong(let number): out.append(number)
            case .head(let height, let digest):
                out.append(height)
                out.append(digest)
            case .bodyRequest(let digest): out.append(digest)
            case .body(let digest, let body):
                out.append(digest)
                out.append(body ?? [])
            case .finalsRequest(let first, let last):
                out.append(first)
                out.append(last)
            case .transactions(let raws): for raw in raws { out.append(raw) }
            case .missingRequest(let digest, let positions):
                out.append(digest)
                out.append(Self.bits(positions))
            case .missing(let digest, let transactions):
                out.append(digest)
                for transaction in transactions { transaction.append(to: &out) }
            }
        }
    }

    /// Decodes a payload whose length is within the bound of its kind. Messages of the agreement
    /// are left to `Authenticator`.
    /// - Throws: `.malformed`, and for HELLO `.wrongVersion`.
    init(
        _ kind: FrameKind, payload: [UInt8], limits: NetworkLimits
    ) throws(PeerRefusal) {
        switch kind {
        case .vote: self = .vote(payload)
        case .block: self = .block(payload)
        case .outline: self = .outline(payload)
        case .hello: self = .hello(try PeerHello(payload: payload))
        case .goodbye, .ping, .pong, .head, .bodyRequest, .body, .finalsRequest, .transactions,
            .missingRequest, .missing:
            do throws(RLPError) {
                self = try RLPDecoder.list(payload) { (list) throws(RLPError) in
                    try PeerFrame(kind, from: &list, limits)
                }
            } catch { throw .malformed(kind, error) }
        }
    }

    private init(
        _ kind: FrameKind, from list: inout RLPDecoder, _ limits: NetworkLimits
    ) throws(RLPError) {
        switch kind {
        case .vote, .block, .outline, .hello: preconditionFailure("decoded elsewhere")
        case .goodbye: self = .goodbye(try list.nextInteger())
        case .ping: self = .ping(try list.nextInteger())
        case .pong: self = .pong(try list.nextInteger())
        case .head: self = .head(try list.nextHeight(), digest: try list.nextFixed())
        case .bodyRequest: self = .bodyRequest(try list.nextFixed())
        case .body:
            let digest: Hash32 = try list.nextFixed()
            let body = try list.nextString(limit: limits.bodyBytes)
            self = .body(digest, body.isEmpty ? nil : Array(body))
        case .finalsRequest:
            let first = try list.nextHeight()
            let last = try list.nextHeight()
            guard first <= last else { throw .unknownValue(last.value) }
            guard last.value - first.value < CatchUp.window else {
                throw .tooLong(limit: Int(CatchUp.window))
            }
            self = .finalsRequest(first: first, last: last)
        case .transactions:
            var raws: [[UInt8]] = []
            while !list.isAtEnd {
                guard raws.count < limits.batchTransactions else {
                    throw .tooLong(limit: limits.batchTransactions)
                }
                raws.append(Array(try list.nextString()))
            }
            guard !raws.isEmpty else { throw .truncated }
            self = .transactions(raws)
        case .missingRequest:
            let digest: Hash32 = try list.nextFixed()
            let bits = try list.nextString(limit: limits.missingTransactions / 8)
            self = .missingRequest(digest, try Self.positions(bits))
        case .missing:
            let digest: Hash32 = try list.nextFixed()
            var transactions: [SignedBytes] = []
            while !list.isAtEnd {
                guard transactions.count < limits.missingTransactions else {
                    throw .tooLong(limit: limits.missingTransactions)
                }
                transactions.append(try SignedBytes(from: &list))
            }
            self = .missing(digest, transactions)
        }
    }
}

/// Positions as bits, the lowest one of each byte first, up to the last one that is set.
extension PeerFrame {
    private static func bits(_ positions: [Int]) -> [UInt8] {
        guard let last = positions.last else { preconditionFailure("nothing is asked for") }
        var bits = [UInt8](repeating: 0, count: last / 8 + 1)
        for position in positions { bits[position / 8] |= 1 << (position % 8) }
        return bits
    }

    private static func positions(_ bits: ArraySlice<UInt8>) throws(RLPError) -> [Int] {
        guard let last = bits.last else { throw .truncated }
        guard last != 0 else { throw .nonCanonicalInteger }
        var positions: [Int] = []
        for (index, byte) in bits.enumerated() {
            for bit in 0..<8 where byte >> bit & 1 == 1 { positions.append(8 * index + bit) }
        }
        return positions
    }
}
