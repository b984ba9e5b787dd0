import TallyClient

/// Every bound of the JSON-RPC server, so that no client makes it grow or wait.
package struct RPCLimits: Sendable {
    /// Bytes of a request's body. A batch of the largest transactions fits many times over.
    package var bodyBytes = 5 << 20
    /// Calls of a batch: what one signature check in parallel digests within some milliseconds.
    package var batchCalls = 100
    /// Bytes of a response's body; whoever needs more asks again with a cursor.
    package var responseBytes = 25_000_000
    /// Arrays and objects inside each other. No method takes more than six.
    package var depth = 32
    /// JSON values of a body: `[0,0,…]` takes twelve times its size once parsed, and a full batch
    /// has some thousand.
    package var values = 65_536
    /// Bytes of one header field, and of all of them with the request line. No client of a ledger
    /// sends cookies.
    package var headerFieldBytes = 8 << 10
    package var headerBytes = 16 << 10
    package var headerFields = 64
    /// Connections, each with at most one call under way. Beyond it, a new one is closed at once.
    package var connections = 1_024
    /// Pieces of requests parsed ahead of the one being answered. A connection is not read
    /// meanwhile, but a peer that closes its side makes the system deliver all it had sent.
    package var pipelinedParts = 2_048
    /// Bytes of a body up to which it is parsed, and answered if possible, on the event loop.
    /// Above, the milliseconds this takes would delay other connections.
    package var inlineBytes = 16 << 10
    /// Bytes of bodies and responses held for all connections together; growing buffers take up to
    /// twice as much.
    package var bufferedBytes = 128 << 20
    /// How long a connection may stand between two requests.
    package var idleTimeout = Duration.seconds(60)
    /// How long a request may take to arrive, from its first byte to its last.
    package var requestTimeout = Duration.seconds(10)
    /// How long a client may take to read a response.
    package var responseTimeout = Duration.seconds(30)
    /// How long a refused client's remaining bytes are thrown away, so that it reads the refusal
    /// rather than a connection reset.
    package var lingerTimeout = Duration.seconds(2)

    /// Messages of a WebSocket being answered at once; it is read no further meanwhile.
    package var webSocketCalls = 16
    /// Subscriptions of a WebSocket.
    package var subscriptions = 16
    /// Notifications of a WebSocket that its client has not taken, beyond which its subscriptions
    /// wait, and fall behind.
    package var notifications = 64
    /// Bytes that a WebSocket's client has not taken, beyond which it is dropped: a response of the
    /// greatest size, and what else may wait.
    package var outboundBytes = 32 << 20
    /// How long a WebSocket may be silent before it is asked for a sign, and then again.
    package var pingInterval = Duration.seconds(30)

    package init() {}

    var json: JSONLimits { JSONLimits(depth: depth, values: values) }
}
