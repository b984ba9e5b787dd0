/// Cuts what arrives into frames (NET-6). Holds at most one frame, within the bound of its kind.
struct FrameParser: Sendable {
    /// The beginning of a frame whose rest has not come.
    private var pending: [UInt8] = []
    private let limits: NetworkLimits

    init(limits: NetworkLimits) { self.limits = limits }

    /// Bytes of an unfinished frame.
    var pendingBytes: Int { pending.count }

    /// A frame's kind and length, judged.
    private struct Header {
        let kind: FrameKind
        let payloadBytes: Int
        var frameBytes: Int { payloadBytes + PeerFrame.headerBytes }
    }

    /// The next frame that is complete; `nil` when all of `bytes` is taken in.
    /// - Parameters:
    ///   - bytes: what arrived; moves past what was used. Does not escape.
    ///   - isGreeted: whether more than HELLO is taken.
    /// - Throws: every refusal of form (NET-8).
    mutating func next(
        _ bytes: inout UnsafeRawBufferPointer, isGreeted: Bool
    ) throws(PeerRefusal) -> PeerFrame? {
        guard !pending.isEmpty else {
            guard bytes.count >= PeerFrame.headerBytes else {
                keep(bytes.count, of: &bytes)
                return nil
            }
            let header = try judge(bytes, isGreeted)
            guard bytes.count >= header.frameBytes else {
                keep(bytes.count, of: &bytes)
                return nil
            }
            let payload = Array(bytes[PeerFrame.headerBytes..<header.frameBytes])
            bytes = UnsafeRawBufferPointer(rebasing: bytes[header.frameBytes...])
            return try PeerFrame(header.kind, payload: payload, limits: limits)
        }
        keep(PeerFrame.headerBytes - pending.count, of: &bytes)
        guard pending.count >= PeerFrame.headerBytes else { return nil }
        let header = try pending.withUnsafeBytes { start in
            Result { () throws(PeerRefusal) in try judge(start, isGreeted) }
        }.get()
        keep(header.frameBytes - pending.count, of: &bytes)
        guard pending.count == header.frameBytes else { return nil }
        let payload = Array(pending[PeerFrame.headerBytes...])
        pending.removeAll(keepingCapacity: header.frameBytes <= Self.keptCapacity)
        return try PeerFrame(header.kind, payload: payload, limits: limits)
    }

    /// Room that stays between frames.
    private static let keptCapacity = 64 << 10

    private mutating func keep(_ count: Int, of bytes: inout UnsafeRawBufferPointer) {
        let count = max(0, min(count, bytes.count))
        pending.append(contentsOf: bytes[..<count])
        bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
    }

    private func judge(
        _ start: UnsafeRawBufferPointer, _ isGreeted: Bool
    ) throws(PeerRefusal) -> Header {
        let length = UInt32(bigEndian: start.loadUnaligned(as: UInt32.self))
        guard length > 0 else { throw .emptyFrame }
        guard let kind = FrameKind(rawValue: start[4]) else { throw .unknownKind(start[4]) }
        guard isGreeted || kind == .hello || kind == .goodbye else { throw .tooEarly(kind) }
        let limit = limits.payloadBytes(kind)
        let payloadBytes = Int(length) - 1
        guard payloadBytes <= limit else {
            throw .tooLong(kind, bytes: payloadBytes, limit: limit)
        }
        return Header(kind: kind, payloadBytes: payloadBytes)
    }
}
