import TallyClient
import TallyCrypto
import TallyEngine
import TallyPrimitives
import TallyTransactions

/// The transactions of the tour, and what becomes of them.
///
/// The first account of each shard sends, the second receives: what receivers hold at the end
/// follows from the tour alone.
struct DemoTour: Sendable {
    /// What came of the tour.
    struct Outcome: Sendable {
        var statuses: [TransactionStatus] = []
        /// What is not as it must be.
        var complaints: [String] = []

        var isAsExpected: Bool { complaints.isEmpty }
    }

    /// One transaction of the tour.
    struct Chapter: Sendable {
        let title: String
        let sender: DemoNode.Account
        let operation: TransferOperation
        /// The last state of each leg.
        let expected: [String]
    }

    private let node: DemoNode
    private let client: LedgerClient
    private let narrator: Narrator
    private let clock = SystemClock()

    private let delayMilliseconds: UInt64

    /// No state of the tour takes longer than this.
    private static let patienceMilliseconds: UInt64 = 30_000
    private static let ether = Amount(1_000_000_000_000_000_000)

    /// - Parameter delayMilliseconds: how long the scheduled leg waits.
    init(
        node: DemoNode, narrator: Narrator, delayMilliseconds: UInt64 = 2_000
    ) throws(LedgerClientError) {
        self.delayMilliseconds = delayMilliseconds
        self.node = node
        self.narrator = narrator
        client = try LedgerClient(node.rpc)
    }

    func run() async throws -> Outcome {
        var outcome = Outcome()
        var opening: [Address: Amount] = [:]
        for account in node.accounts {
            opening[account.address] = try await client.balance(of: account.address)
        }
        var received: [Address: Amount] = [:]
        for (number, make) in chapters.enumerated() {
            let chapter = make()
            let status = try await play(chapter, number: number + 1)
            outcome.statuses.append(status)
            if status.legs.map(\.state) != chapter.expected {
                outcome.complaints.append(
                    "\(chapter.title): legs are \(status.legs.map(\.state)), not "
                        + "\(chapter.expected)")
            }
            for leg in status.legs where leg.state == "credited" {
                received[leg.to] = received[leg.to, default: .zero].adding(leg.value)
            }
        }
        for (address, amount) in received.sorted(by: { $0.key < $1.key }) {
            let balance = try await client.balance(of: address)
            if balance != opening[address]?.adding(amount) {
                outcome.complaints.append("the balance of \(address) is \(balance)")
            }
        }
        return outcome
    }

    // MARK: Chapters

    private var shardCount: Int { node.accounts.count / 2 }
    private func sender(_ shard: Int) -> DemoNode.Account {
        node.accounts[shard % shardCount * 2]
    }
    private func receiver(_ shard: Int) -> DemoNode.Account {
        node.accounts[shard % shardCount * 2 + 1]
    }

    /// Made one by one: the last names a time.
    private var chapters: [() -> Chapter] { [inside, across, batch, scheduled] }

    private func inside() -> Chapter {
        Chapter(
            title: "A transfer inside shard 0", sender: sender(0),
            operation: .single(to: receiver(0).address, value: Self.ether),
            expected: ["credited"])
    }

    private func across() -> Chapter {
        Chapter(
            title: "A transfer from shard 0 to shard \(shardCount - 1), by receipt",
            sender: sender(0),
            operation: .single(to: receiver(shardCount - 1).address, value: Self.ether),
            expected: ["credited"])
    }

    private func batch() -> Chapter {
        Chapter(
            title: "A batch from shard 1, whose last leg comes too late and comes back",
            sender: sender(1),
            operation: .batch([
                TransferLeg(to: receiver(1).address, value: Self.ether),
                TransferLeg(to: receiver(2).address, value: Self.ether),
                TransferLeg(
                    to: receiver(0).address, value: Self.ether,
                    terms: .creditBy(BeaconTime(milliseconds: 1))),
            ]), expected: ["credited", "credited", "refunded"])
    }

    private func scheduled() -> Chapter {
        let time = BeaconTime(milliseconds: clock.now().milliseconds + delayMilliseconds)
        return Chapter(
            title: "A transfer from shard \(shardCount - 1) to shard 0 that waits a while",
            sender: sender(shardCount - 1),
            operation: .batch([
                TransferLeg(to: receiver(0).address, value: Self.ether, terms: .runAt(time))
            ]), expected: ["credited"])
    }

    // MARK: Playing

    private func play(_ chapter: Chapter, number: Int) async throws -> TransactionStatus {
        narrator.say("\(number)  \(chapter.title)")
        let raw = try await raw(chapter)
        var timeline = Timeline(start: clock.now(), narrator: narrator)
        let hash = try await client.send(raw: raw)
        timeline.note(clock.now(), "submitted", hash.description)
        let deadline = clock.now().milliseconds + Self.patienceMilliseconds
        while true {
            let status = try await client.status(of: hash)
            timeline.show(status, at: clock.now())
            if status.isSettled {
                narrator.say("")
                return status
            }
            guard clock.now().milliseconds < deadline else {
                throw CommandFailure("timeout", "\(chapter.title) did not settle")
            }
            // Shorter than a block, so that few states pass unseen.
            try await clock.sleep(milliseconds: 1)
        }
    }

    private func raw(_ chapter: Chapter) async throws -> [UInt8] {
        guard let target = chapter.operation.target else {
            preconditionFailure("the tour moves small amounts")
        }
        let data = chapter.operation.callData
        let price = try await client.gasPrice()
        return Envelope(
            chainID: node.chainID,
            nonce: try await client.nonce(of: chapter.sender.address, at: "pending"),
            weightLimit: chapter.operation.weight + Weights.callData(data),
            maxFee: price.multiplied(by: 2) ?? price,
            maxPriorityFee: try await client.priorityFee(), to: target.to, value: target.value,
            data: data
        ).signed(by: chapter.sender.key)
    }
}

/// Tells each change of a transaction's status once.
private struct Timeline {
    let start: BeaconTime
    let narrator: Narrator
    private var state = ""
    private var legs: [String] = []

    init(start: BeaconTime, narrator: Narrator) {
        self.start = start
        self.narrator = narrator
    }

    mutating func show(_ status: TransactionStatus, at time: BeaconTime) {
        if status.state != state, status.state != "unknown" {
            state = status.state
            let place = status.height.flatMap { height in
                status.shard.map { "in block \(height) of shard \($0)" }
            }
            note(time, state, place ?? "in the mempool")
        }
        guard state == "final" else { return }
        if legs.isEmpty { legs = Array(repeating: "", count: status.legs.count) }
        for (index, leg) in status.legs.enumerated() where leg.state != legs[index] {
            show(leg, index, after: legs[index], time)
            legs[index] = leg.state
        }
    }

    private func show(
        _ leg: LegStatus, _ index: Int, after previous: String, _ time: BeaconTime
    ) {
        let name = "leg \(index)"
        // States that came and went between two looks.
        if let sent = leg.sentHeight, leg.state != "sent", previous != "sent", previous != "bounced"
        {
            note(time, name, "sent to shard \(leg.shard) at height \(sent)")
        }
        if leg.state == "refunded", previous != "bounced", leg.sentHeight != nil {
            note(time, name, "bounced by shard \(leg.shard): \(leg.reason ?? "no reason")")
        }
        let height = (leg.height ?? leg.sentHeight).map { " at height \($0)" } ?? ""
        let text =
            switch leg.state {
            case "sent": "sent to shard \(leg.shard)\(height)"
            case "scheduled": "waits on the due queue"
            case "credited": "credited on shard \(leg.shard)\(height)"
            case "bounced": "bounced by shard \(leg.shard)\(height): \(leg.reason ?? "no reason")"
            case "refunded": "refunded to the sender\(height)"
            default: leg.state + height
            }
        note(time, name, text)
    }

    func note(_ time: BeaconTime, _ what: String, _ text: String) {
        let elapsed = String(max(time, start).milliseconds - start.milliseconds)
        let padding = String(repeating: " ", count: max(0, 6 - elapsed.count))
        let label = what + String(repeating: " ", count: max(0, 9 - what.count))
        narrator.say("\(padding)+\(elapsed) ms  \(label)  \(text)")
    }
}
