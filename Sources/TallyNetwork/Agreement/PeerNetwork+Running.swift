import TallyConsensus
package import TallyEngine
import TallyPrimitives
import TallySharding

extension PeerNetwork {
    /// Joins the engine with the network until ``stop()`` or the end of the task.
    /// - Throws: `EngineError`: what makes the engine unusable.
    package func run(_ engine: Engine) async throws {
        transport.setHeight(engine.publisher.current.height)
        transport.start { [weak self] in self?.look() }
        try await withThrowingDiscardingTaskGroup { group in
            let beacon = engine.beacon
            group.addTask {
                for await _ in self.jobs.values { try await beacon.proceed() }
            }
            group.addTask { try await self.watchHeads(engine.publisher) }
            group.addTask { try await self.takeTurns(engine) }
            group.addTask {
                for await batch in self.gossip { await self.submit(batch, engine.intake) }
            }
            for await link in transport.established {
                group.addTask { try await PeerService(self, engine, link).run() }
                if link.identity.role == .validator {
                    group.addTask { await self.sendPending(engine.shards, to: link) }
                }
            }
            transport.cutOff()
            group.cancelAll()
        }
    }

    /// Says goodbye to everybody; `run` returns.
    package func stop() async { await transport.stop() }

    /// A new head may be what a message that was kept waits for.
    private func watchHeads(_ publisher: HeadPublisher) async throws {
        try takeValidators(publisher.current)
        var height = publisher.current.height
        while let snapshot = await publisher.next(after: height) {
            height = snapshot.height
            transport.setHeight(height)
            try takeValidators(snapshot)
            turns.give()
        }
    }

    // NET-5: who is staked comes before it is elected, so that it is there by then.
    private func takeValidators(_ snapshot: LedgerSnapshot) throws(EngineError) {
        do throws(ReadError) {
            transport.update(validators: try snapshot.validators())
        } catch { throw .read(error) }
    }

    /// What waited for somebody who proposes it before we do (NET-25).
    ///
    /// What is taken from now on goes to the link anyway: it is among those of the transport.
    private func sendPending(_ shards: [Shard], to link: PeerLink) async {
        let limit = transport.limits.pending
        var raws: [[UInt8]] = []
        for shard in shards {
            raws += await shard.pending(
                max(1, limit.frames / shards.count), bytes: limit.bytes / shards.count)
        }
        for batch in batches(of: raws) {
            guard link.sendIfRoom(.transactions(batch)) else { return }
        }
    }

    /// Offers a peer's transactions (NET-13). An observer may reach few of us: what it sends goes on as
    /// if it came from a client.
    private func submit(_ batch: Batch, _ intake: Intake) async {
        let results = await intake.submit(
            batch.raws, isForwarded: batch.link.identity.role == .validator)
        // Its own intake took them: what no intake takes was made up.
        if results.contains(where: { if case .failure(.malformed) = $0 { true } else { false } }) {
            transport.offence(.malformedTransaction, by: batch.link)
        }
    }

    /// Gives the beacon what was kept, as its turn comes: messages (NET-29), FINALs (IBFT-R14).
    private func takeTurns(_ engine: Engine) async throws {
        for await _ in turns.values {
            let head = engine.publisher.current.height
            try await takeAhead(through: head.next.next, engine)
            guard let wire = nextFinal(after: head) else { continue }
            var cache = SignatureCache(limit: 1_024)
            let sets = await engine.beacon.validatorSets
            let message: Authenticated
            do throws(MessageRefusal) {
                message = try authenticator.authenticate(bytes: wire, sets: sets, cache: &cache)
            } catch {
                // Whoever was asked sent nonsense: the machine asks another.
                continue
            }
            try await take([.message(message)], engine.beacon)
        }
    }

    private func takeAhead(through known: Height, _ engine: Engine) async throws {
        let due = takeAhead(through: known)
        guard !due.isEmpty else { return }
        var cache = SignatureCache()
        let sets = await engine.beacon.validatorSets
        var inputs: [Ibft.Input] = []
        for kept in due {
            do throws(MessageRefusal) {
                inputs.append(
                    .message(
                        try authenticator.authenticate(
                            bytes: kept.wire, sets: sets, cache: &cache)))
            } catch {
                guard let link = transport.link(to: kept.peer) else { continue }
                transport.offence(.message(error), by: link)
            }
        }
        try await take(inputs, engine.beacon)
    }

    func take(_ inputs: [Ibft.Input], _ beacon: Beacon) async throws {
        guard !inputs.isEmpty else { return }
        if try await beacon.take(inputs) { jobs.give() }
    }
}

/// What one peer sends, in order.
private struct PeerService {
    private let network: PeerNetwork
    private let engine: Engine
    private let link: PeerLink
    private var cache = SignatureCache()
    private var sets = ValidatorSets([:])
    private var outlines = OpenOutlines()
    /// For the beacon.
    private var inputs: [Ibft.Input] = []

    init(_ network: PeerNetwork, _ engine: Engine, _ link: PeerLink) {
        self.network = network
        self.engine = engine
        self.link = link
    }

    private var beacon: Beacon { engine.beacon }

    consuming func run() async throws {
        defer { network.lost(link.address) }
        sets = await beacon.validatorSets
        inputs = [.peerHead(link.identity.height, from: link.address)]
        try await give()
        while let frames = await link.received() {
            for frame in frames { try await handle(frame) }
            try await give()
        }
    }

    private mutating func give() async throws {
        let taken = inputs
        inputs = []
        try await network.take(taken, beacon)
    }

    private mutating func handle(_ frame: PeerFrame) async throws {
        switch frame {
        case .vote(let wire), .block(let wire): try await handle(wire)
        case .head(let height, _):
            link.note(height)
            inputs.append(.peerHead(height, from: link.address))
        case .bodyRequest(let digest):
            link.send(.body(digest, await beacon.block(digest)?.body))
        case .body(let digest, let body): handle(digest, body)
        case .finalsRequest(let first, let last): await answer(first, last)
        case .transactions(let raws): network.gossipInput.yield(.init(raws: raws, link: link))
        // Validators alone propose.
        case .outline(let wire) where link.identity.role == .validator:
            try await handle(outline: wire)
        case .outline: break
        case .missingRequest(let digest, let positions): await answer(digest, positions)
        case .missing(let digest, let transactions): try await handle(digest, transactions)
        case .hello, .goodbye, .ping, .pong: break
        }
    }

    /// A message of the agreement (NET-9).
    private mutating func handle(_ wire: [UInt8]) async throws {
        let head = engine.publisher.current.height
        guard !network.keep(wire, from: link.address, head: head) else { return }
        do throws(MessageRefusal) {
            inputs.append(.message(try authenticate(wire)))
        } catch {
            guard case .unknownValidatorSet = error else { return offence(.message(error)) }
            // What came before may have led to the next height.
            try await give()
            sets = await beacon.validatorSets
            do throws(MessageRefusal) {
                inputs.append(.message(try authenticate(wire)))
            } catch {
                if case .unknownValidatorSet(let height) = error {
                    network.keepAhead(
                        wire, of: height, from: link.address, known: head.next.next)
                }
                if let hint = await beacon.hint(error, from: link.address) { inputs.append(hint) }
                offence(.message(error))
            }
        }
    }

    private mutating func authenticate(
        _ wire: [UInt8]
    ) throws(MessageRefusal) -> Authenticated {
        try network.authenticator.authenticate(bytes: wire, sets: sets, cache: &cache)
    }

    /// NET-28
    private mutating func handle(outline wire: [UInt8]) async throws {
        let proposal: OutlinedProposal
        do throws(RLPError) {
            proposal = try OutlinedProposal(wire: wire)
        } catch { return offence(.malformed(.outline, error)) }
        let height = proposal.outline.header.height
        let head = engine.publisher.current.height
        guard height > head else { return }
        guard height <= head.next.next else {
            // Of a height that we are far from (IBFT-R14).
            return inputs.append(.peerHead(Height(height.value - 1), from: link.address))
        }
        let assembly = OutlineAssembly(proposal, network.transactions)
        let missing = assembly.missing
        guard missing.isEmpty else {
            if outlines.ask(for: assembly) {
                link.send(.missingRequest(assembly.digest, missing))
            }
            return
        }
        try await handle(assembly)
    }

    private mutating func handle(_ digest: Hash32, _ missing: [SignedBytes]) async throws {
        let assembly: OutlineAssembly?
        do throws(PeerRefusal) {
            assembly = try outlines.answered(digest, missing)
        } catch { return offence(error) }
        if let assembly { try await handle(assembly) }
    }

    private mutating func handle(_ assembly: OutlineAssembly) async throws {
        let wire: [UInt8]
        do throws(PeerRefusal) {
            wire = try assembly.wire(network.transport.limits)
        } catch { return offence(error) }
        try await handle(wire)
    }

    /// NET-28: nothing for a block that is not had any more.
    private func answer(_ digest: Hash32, _ positions: [Int]) async {
        var found: [SignedBytes] = []
        if let body = await beacon.block(digest)?.body, let block = try? BeaconBlock(body: body) {
            let all = block.anchors.flatMap(\.transactions)
            guard let last = positions.last, last < all.count else {
                return offence(.malformed(.missingRequest, .truncated))
            }
            found = positions.map { SignedBytes(all[$0]) }
        }
        link.send(.missing(digest, found))
    }

    /// NET-10
    private mutating func handle(_ digest: Hash32, _ body: [UInt8]?) {
        switch network.answered(digest, by: link.address, hasBody: body != nil) {
        case .nothing: break
        case .ask(let peer): network.ask(peer, for: digest)
        case .unasked: offence(.unaskedBody(digest))
        case .read:
            guard let body, let block = network.reader.block(body: body),
                block.digest == digest
            else {
                network.bodyFailed(digest)
                return offence(.wrongBody(digest))
            }
            inputs.append(.body(block))
        }
    }

    /// NET-11
    private func answer(_ first: Height, _ last: Height) async {
        for height in first.value...last.value {
            guard let final = await final(Height(height)),
                link.sendIfRoom(PeerFrame(.final(final)))
            else { return }
        }
    }

    /// From memory, or put together from what is stored.
    private func final(_ height: Height) async -> Final? {
        if let recent = await beacon.final(of: height) { return recent }
        // What cannot be read is not had: the peer asks another, and the audit tells why.
        return try? engine.publisher.current.final(height)
    }

    private func offence(_ refusal: PeerRefusal) { network.transport.offence(refusal, by: link) }
}
