package import TallyConsensus
package import TallyPrimitives

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
        }
    }

    /// Bytes in front of a payload.
    static let headerBytes = 5

    /// The whole frame: what is queued and sent, shared by all who get it.
    package var bytes: [UInt8] {
        switch self {
        case .vote(let wire), .block(let wire): Self.framed(kind, wire)
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
            case .vote, .block: preconditionFailure("framed as they are")
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
        case .hello: self = .hello(try PeerHello(payload: payload))
        case .goodbye, .ping, .pong, .head, .bodyRequest, .body, .finalsRequest, .transactions:
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
        case .vote, .block, .hello: preconditionFailure("decoded elsewhere")
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
        }
    }
}
