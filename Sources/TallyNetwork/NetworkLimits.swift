package import TallyConsensus
import TallySharding

/// Every bound of the network, in one place, each with its reason (`Specs/network.md`).
package struct NetworkLimits: Hashable, Sendable {
    // Frames
    /// Longest body of a block: what one record of the log holds.
    package var bodyBytes = 64 << 20
    /// Raw transactions of one batch, and their bytes: some milliseconds of checking.
    package var batchTransactions = 1_024
    package var batchBytes = 1 << 20

    // Outlines (NET-28)
    /// How long a transaction must be known here before peers are thought to have it too.
    package var spreading = Duration.milliseconds(250)
    /// Transactions that an outline must name, so that it is worth the round trip it may cost.
    package var leastNamed = 32
    /// Positions in a block that can be asked for.
    package var missingTransactions = BlockOutline.maximumItems

    // Budgets of one peer (NET-14)
    /// More than a validator under full load sends; less than what fills memory.
    package var bytes = Rate(perSecond: 32 << 20, burst: 128 << 20)
    package var frames = Rate(perSecond: 20_000, burst: 40_000)
    /// Blocks that a peer is given: as fast as somebody who catches up executes them.
    package var answers = Rate(perSecond: 1_000, burst: 2_000)

    // Offences (NET-15)
    package var banScore = 100.0
    package var scoreDecayPerSecond = 1.0
    package var banTime = Duration.seconds(600)

    // Queues of one peer
    /// Votes of some heights of the largest set (NET-16).
    package var voteQueue = QueueBound(frames: 4_096, bytes: 4 << 20)
    /// Two of the largest blocks.
    package var bodyQueue = QueueBound(frames: 64, bytes: 160 << 20)
    package var gossipQueue = QueueBound(frames: 256, bytes: 16 << 20)
    /// Of what waits here, for who has just been connected (NET-25): a quarter of the queue.
    package var pending = QueueBound(frames: 4_096, bytes: 4 << 20)
    /// What arrived and nobody has looked at (NET-18).
    package var inbox = QueueBound(frames: 4_096, bytes: 8 << 20)

    // Strangers (NET-19)
    package var strangers = 64
    package var greetingTimeout = Duration.seconds(5)

    // Liveness (NET-20)
    package var silenceUntilPing = Duration.seconds(10)
    package var silenceUntilEnd = Duration.seconds(20)

    // Dialling (NET-21)
    package var firstPause = Duration.milliseconds(250)
    package var longestPause = Duration.seconds(30)
    package var stableAfter = Duration.seconds(10)
    /// How long the larger address leaves the dial to the smaller one.
    package var courtesy = Duration.milliseconds(500)
    package var connectTimeout = Duration.seconds(5)

    // Heads (NET-12)
    package var headInterval = Duration.milliseconds(500)
    /// How long a stopping node waits for what is queued (NET-24).
    package var farewell = Duration.seconds(1)

    package init() {}

    /// A token bucket's measure.
    package struct Rate: Hashable, Sendable {
        package var perSecond: Int
        package var burst: Int

        package init(perSecond: Int, burst: Int) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    /// The most that waits.
    package struct QueueBound: Hashable, Sendable {
        package var frames: Int
        package var bytes: Int

        package init(frames: Int, bytes: Int) {
            self.frames = frames
            self.bytes = bytes
        }
    }

    /// Those of the agreement.
    package var messages: MessageLimits { MessageLimits(bodyBytes: bodyBytes) }

    /// Longest payload of a kind (NET-6).
    package func payloadBytes(_ kind: FrameKind) -> Int {
        switch kind {
        case .hello: 256
        case .goodbye, .ping, .pong: 16
        case .vote: messages.bytes(.roundChange)
        case .block: messages.bytes(.proposal)
        case .head: 64
        case .bodyRequest: 40
        case .body: bodyBytes + 48
        case .finalsRequest: 32
        case .transactions: batchBytes
        case .outline: messages.bytes(.proposal)
        case .missingRequest: missingTransactions / 8 + 48
        case .missing: bodyBytes + 48
        }
    }
}
