import TallyConsensus
import TallyPrimitives
import TallySharding

/// The network between the validators.
extension NetworkRun {
    // MARK: Sending

    /// To everybody but the sender.
    func broadcast(_ message: Message, from node: VirtualValidator) {
        transmit(message, from: node, to: nodes.indices.filter { $0 != node.index })
    }

    /// To some, as it is or as a sender that breaks the rules would have it.
    func transmit(_ message: Message, from node: VirtualValidator, to receivers: [Int]) {
        if node.mischief != nil {
            for (message, to, delay) in twist(message, receivers, node) {
                hear(message, from: node)
                send(.message(message.wire), from: node.index, to: to, after: delay)
            }
        } else {
            hear(message, from: node)
            let bytes = message.wire
            for to in receivers { send(.message(bytes), from: node.index, to: to) }
        }
    }

    /// What a validator says in its own name becomes known, whoever it reaches.
    func hear(_ message: Message, from node: VirtualValidator) {
        if message.sender == node.address { word.hear(message) }
    }

    /// Into the network, which may lose, delay, repeat or keep it.
    func send(_ packet: Packet, from: Int, to: Int, after wait: UInt64 = 0) {
        guard from != to else { return }
        guard links.connects(from, to) else { return result.faults.add(.partitioned) }
        var delay = wait + scenario.delay + links.clog(from, to)
        if links.clog(from, to) > 0 { result.faults.add(.clogged) }
        if !isHealed {
            if scenario.loss.happens(&random) { return result.faults.add(.lost) }
            if scenario.jitter > 0 {
                let jitter = random.pick(0...scenario.jitter)
                if jitter > scenario.delay { result.faults.add(.reordered) }
                delay += jitter
            }
            if scenario.duplicates.happens(&random) {
                result.faults.add(.duplicated)
                schedule(
                    .deliver(packet, from: from, to: to),
                    after: delay + random.pick(0...scenario.delay * 4))
            }
            if case .message = packet, scenario.replays.happens(&random) {
                result.faults.add(.replayed)
                schedule(
                    .deliver(packet, from: from, to: random.pick(nodes.count)),
                    after: delay + random.pick(1_000_000...20_000_000))
            }
        }
        schedule(.deliver(packet, from: from, to: to), after: delay)
    }

    func sendFinal(_ height: Height, from node: VirtualValidator, to address: Address) {
        guard let final = node.final(height) else { return }
        transmit(.final(final), from: node, to: places[address] ?? [])
    }

    func announce(_ node: VirtualValidator) {
        schedule(.announce(node.index), after: 2_000_000)
        guard node.isUp, node.pausedUntil <= now else { return }
        for to in nodes.indices { send(.head(node.height), from: node.index, to: to) }
    }

    /// Asks one of the holders after the other.
    func ask(for request: Ibft.BodyRequest, _ node: VirtualValidator) {
        let holders = request.holders.flatMap { places[$0] ?? [] }.filter { $0 != node.index }
        guard !holders.isEmpty else { return }
        let holder = holders[node.asks % holders.count]
        node.asks += 1
        send(.bodyRequest(request), from: node.index, to: holder)
    }

    /// Another member's node, one after the other.
    func nextPeer(_ node: VirtualValidator) -> Int? {
        let others = nodes.indices.filter { nodes[$0].member != node.member }
        guard !others.isEmpty else { return nil }
        defer { node.asks += 1 }
        return others[node.asks % others.count]
    }

    func fetch(_ request: CatchUp.Request?, _ node: VirtualValidator, _ peer: Int) {
        guard let request else { return }
        node.asked = peer
        send(.finalsRequest(request), from: node.index, to: peer)
    }

    /// What came early, when its turn has come, and the next window (IBFT-R14).
    func catchUp(_ node: VirtualValidator) {
        guard node.isUp, node.catchUp.isAsking else { return }
        if let wire = node.catchUp.next(after: node.height) {
            receive(wire, from: node.asked, node)
        } else if node.catchUp.isPassed(by: node.height), let peer = nextPeer(node) {
            fetch(node.catchUp.more(after: node.height, of: nodes[peer].address), node, peer)
        }
    }

    // MARK: Receiving

    func deliver(_ packet: Packet, from: Int, to node: VirtualValidator) {
        guard node.isUp, !postponed(.deliver(packet, from: from, to: node.index), node) else {
            return
        }
        // A link that is cut takes what is under way with it.
        guard links.connects(from, node.index) else { return result.faults.add(.partitioned) }
        trace.add(UInt64(from) << 32 | UInt64(node.index))
        result.messages += 1
        switch packet {
        case .message(let bytes):
            guard !node.catchUp.keep(bytes, from: nodes[from].address, head: node.height) else {
                return
            }
            receive(bytes, from: from, node)
        case .bodyRequest(let request):
            if node.mischief?.has(.withholdsBodies) ?? false {
                return result.faults.add(.withheldBody)
            }
            let body =
                node.machine.block(request.digest)?.body
                ?? node.chain.last { $0.block.digest == request.digest }?.block.body
            if let body { send(.body(body), from: node.index, to: from) }
        case .body(let bytes):
            if let block = VirtualReader.reader.block(body: bytes) { give(.body(block), to: node) }
        case .finalsRequest(let request):
            for height in request.first.value...request.last.value {
                guard let final = node.final(Height(height)) else { break }
                transmit(.final(final), from: node, to: [from])
            }
        case .head(let height):
            if height > node.height {
                give(.peerHead(height, from: nodes[from].address), to: node)
            }
        }
    }

    func receive(_ bytes: [UInt8], from: Int, _ node: VirtualValidator) {
        trace.add(UInt64(bytes.count))
        let before = node.hearing
        node.hearing = from
        defer { node.hearing = before }
        do throws(MessageRefusal) {
            let message = try authenticator.authenticate(
                bytes: bytes, sets: node.machine.sets, cache: &node.cache)
            node.mischief?.overhear(message.message)
            checkReceived(message.message, node)
            node.hasRefused = false
            let life = node.life
            give(.message(message), to: node)
            if node.life == life { noteCommit(message.message, node) }
            checkReported(node)
        } catch {
            if case .unjustified(_, let evidence) = error { checkEvidence(evidence, node) }
            if case .unknownValidatorSet(let height) = error { hint(height, from, node) }
            checkRefusal(error, from: from, node)
        }
    }

    /// Who speaks of a height far from ours is ahead, or has to learn that we are.
    private func hint(_ height: Height, _ from: Int, _ node: VirtualValidator) {
        if height > node.height {
            give(.peerHead(Height(height.value - 1), from: nodes[from].address), to: node)
        } else {
            send(.head(node.height), from: node.index, to: from)
        }
    }
}

extension VirtualValidator {
    /// A decided block with its seals.
    func final(_ height: Height) -> Final? {
        guard height > .genesis, height.value <= UInt64(chain.count) else { return nil }
        return chain[Int(height.value) - 1]
    }
}
