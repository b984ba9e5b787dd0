import NIOCore
import NIOWebSocket

/// The library's decoder of frames, and how many bytes wait in it.
final class WebSocketDecoder: ByteToMessageDecoder {
    typealias InboundOut = WebSocketFrame

    private let frames: WebSocketFrameDecoder
    /// Told of the bytes that are no frame yet; answers whether to go on. What comes after that is
    /// thrown away.
    private let waiting: (Int) -> Bool
    /// Whether a frame has begun and not ended: its header's bytes do not wait in the buffer.
    private(set) var isInFrame = false

    init(maxFrameSize: Int, waiting: @escaping (Int) -> Bool) {
        frames = WebSocketFrameDecoder(maxFrameSize: maxFrameSize)
        self.waiting = waiting
    }

    func decode(
        context: ChannelHandlerContext, buffer: inout ByteBuffer
    ) throws -> DecodingState {
        guard waiting(buffer.readableBytes) else {
            buffer.clear()
            return .needMoreData
        }
        if buffer.readableBytes > 0 { isInFrame = true }
        let state = try frames.decode(context: context, buffer: &buffer)
        if case .continue = state { isInFrame = false }
        _ = waiting(buffer.readableBytes)
        return state
    }

    func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        // Half a frame at the end is of no use.
        try decode(context: context, buffer: &buffer)
    }
}
