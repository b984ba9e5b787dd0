import TallyConsensus
package import TallyExecution
package import TallyPrimitives
import TallyState

/// Why a beacon block is refused.
package enum AnchorRejection: Error, Hashable, Sendable {
    case wrongChain
    case wrongHeight(expected: Height, actual: Height)
    case wrongParent
    /// The set two heights above is another than the one named (IBFT-R13).
    case wrongValidators
    /// The proposer has no vote at this height.
    case foreignProposer(Address)
    /// Time runs backwards.
    case timeRegression(parent: BeaconTime, actual: BeaconTime)
    case anchorsRootMismatch
    /// Anchors are not in order of endpoints, each once.
    case anchorOrder
    /// A header names another chain, layout, height, parent, beacon block or time than it must.
    case headerContext(EndpointID, field: String)
    /// A stream vector is not ascending, names the endpoint itself, or one that does not exist.
    case malformedVector(EndpointID)
    /// A stream's end, cursor or value goes back.
    case streamRegression(EndpointID, peer: EndpointID)
    /// A cursor is past what was anchored before this block (RCPT-1).
    case unanchoredReceipt(EndpointID, source: EndpointID)
    /// A cursor at an end has consumed another value than was sent, or more than that.
    case streamValue(EndpointID, source: EndpointID)
    /// A shard minted (RCPT-12).
    case foreignMint(EndpointID)
    /// Minted or burned totals go back.
    case supplyRegression(EndpointID)
    /// Δsum ≠ Δin − Δout + Δmint − Δburn.
    case conservation(EndpointID)
    /// Σsum + in flight ≠ genesis + minted − burned.
    case supply
    /// A waiting receipt or a runnable due entry was left out (RCPT-3).
    case omitted(EndpointID)
    /// The proposer has a chain and reveals nothing (SEED-2).
    case revealMissing(Address)
    /// The proposer has no chain that can be revealed from.
    case unexpectedReveal(Address)
    /// Not the preimage of the proposer's newest commitment.
    case wrongReveal(Address)
    /// The state of the randomness after the block is another (SEED-3).
    case wrongRandomness
}

/// What the beacon decides on: the newest header of every endpoint and the books over all of them.
/// No disk, no clock, no network; the beacon's own accounts are a `ShardCore`.
package struct BeaconCore: Sendable {
    package let chain: Hash32
    package let parameters: NetworkParameters
    /// Who votes at which height.
    package private(set) var schedule: ValidatorSchedule
    /// The last decided header, and its hash.
    package private(set) var head: BeaconHeader
    package private(set) var headHash: Hash32
    /// Newest anchored header of every endpoint, by index.
    package private(set) var heads: [EndpointHead]
    /// As of the last decided header.
    package private(set) var randomness: HeaderRandomness
    /// Money at genesis.
    package let supply: Amount
    private var books: Books

    /// Sums over all endpoints: conservation in constant time a header.
    private struct Books: Sendable {
        var held = Amount.zero
        var sent = Amount.zero
        var consumed = Amount.zero
        var minted = Amount.zero
        var burned = Amount.zero

        init(held: Amount) { self.held = held }

        /// `nil` when a sum exceeds 2^128 − 1.
        init?(_ heads: [EndpointHead]) {
            guard let held = Amount.sum(heads.lazy.map(\.header.stateSum)),
                let sent = Amount.sum(heads.lazy.flatMap { $0.out.map(\.value) }),
                let consumed = Amount.sum(heads.lazy.flatMap { $0.in.map(\.value) }),
                let minted = Amount.sum(heads.lazy.map(\.header.minted)),
                let burned = Amount.sum(heads.lazy.map(\.header.burned))
            else { return nil }
            self.held = held
            self.sent = sent
            self.consumed = consumed
            self.minted = minted
            self.burned = burned
        }
    }

    package init(_ genesis: Genesis, states: [GenesisState]) {
        chain = genesis.hash
        parameters = genesis.parameters
        schedule = ValidatorSchedule(genesis)
        head = genesis.beaconHeader(states)
        headHash = head.hash
        randomness = HeaderRandomness(genesis: genesis.hash)
        supply = genesis.supply
        let emptyRoot = MerkleRange.empty.root
        heads = states.map {
            EndpointHead(
                genesis: $0.header, layout: genesis.parameters.layout, emptyRoot: emptyRoot)
        }
        books = Books(held: supply)
    }

    /// Takes up the books where a checkpoint left them: the sums follow from the heads.
    /// - Parameter schedule: the sets of the head's height and of the two above it.
    /// - Throws: `.integerTooLarge` when a sum exceeds 2^128 − 1.
    package init(
        _ genesis: Genesis, head: BeaconHeader, heads: [EndpointHead],
        randomness: HeaderRandomness, schedule: ValidatorSchedule
    ) throws(RLPError) {
        chain = genesis.hash
        parameters = genesis.parameters
        self.schedule = schedule
        supply = genesis.supply
        self.head = head
        headHash = head.hash
        self.heads = heads
        self.randomness = randomness
        guard let books = Books(heads) else { throw .integerTooLarge }
        self.books = books
    }

    /// What the blocks of the next height may know.
    package var view: AnchoredView {
        AnchoredView(
            beacon: headHash, height: head.height.next, time: head.time, heads: heads,
            seed: randomness.seed, validators: schedule[head.height.next].addresses)
    }

    /// Money that left one endpoint and has not reached the other.
    package var inFlight: Amount { books.sent.subtracting(books.consumed) ?? .zero }

    /// The beacon block over candidates' blocks, in order of endpoints.
    /// - Parameters:
    ///   - now: the proposer's clock; never before the parent's time.
    ///   - secrets: the proposer's. Who has none reveals nothing, which is valid as long as it never
    ///     had any (SEED-2).
    ///   - elected: as the beacon's state after the parent says (STAKE-13).
    package func propose(
        _ anchors: [ShardBlock], now: BeaconTime, proposer: Address,
        secrets: inout RevealSecrets?, elected: ElectedSet?
    ) -> BeaconBlock {
        let height = head.height.next
        let contribution = secrets?.contribution(to: randomness, of: proposer, at: height)
        let set = schedule.set(of: elected)
        var header = BeaconHeader(
            chain: chain, height: height, parent: headHash, time: max(now, head.time),
            proposer: proposer, anchorsRoot: BeaconHeader.anchorsRoot(anchors.map(\.header)),
            validators: set.hash, contribution: contribution ?? .none, randomness: .zero,
            newValidators: set.hash == schedule.last.hash ? nil : set)
        header.randomness = randomness(after: header).hash
        return BeaconBlock(header: header, anchors: anchors)
    }

    /// The beacon block of a proposer without secrets.
    package func propose(
        _ anchors: [ShardBlock], now: BeaconTime, proposer: Address, elected: ElectedSet? = nil
    ) -> BeaconBlock {
        var none: RevealSecrets?
        return propose(anchors, now: now, proposer: proposer, secrets: &none, elected: elected)
    }

    // MARK: Checks before anchoring

    /// Checks a block from its headers and what the states before it say.
    /// - Parameters:
    ///   - mandatory: endpoints with a waiting receipt or a runnable due entry.
    ///   - elected: of the beacon's state after the parent (STAKE-13).
    package func check(
        _ header: BeaconHeader, _ anchors: [ShardHeader], mandatory: [EndpointID],
        elected: ElectedSet?
    ) -> AnchorRejection? {
        checkElection(header, elected)
            ?? checkAnchors(header, anchors, mandatory: mandatory) ?? checkRandomness(header)
    }

    /// Whether the set that a block fixes is the one that the stakes elected (IBFT-R13).
    package func checkElection(
        _ header: BeaconHeader, _ elected: ElectedSet?
    ) -> AnchorRejection? {
        header.validators == schedule.set(of: elected).hash ? nil : .wrongValidators
    }

    /// Everything but the randomness and the election, from headers alone (conservation, RCPT-1,
    /// RCPT-3, RCPT-12).
    package func checkAnchors(
        _ header: BeaconHeader, _ anchors: [ShardHeader], mandatory: [EndpointID]
    ) -> AnchorRejection? {
        if let rejection = checkContext(header, anchors) { return rejection }
        var books = self.books
        for anchor in anchors {
            if let rejection = check(anchor, &books) { return rejection }
        }
        guard let assets = books.held.adding(books.sent)?.adding(books.burned),
            let claims = supply.adding(books.minted)?.adding(books.consumed), assets == claims
        else { return .supply }
        let anchored = Set(anchors.map(\.endpoint))
        if let omitted = mandatory.first(where: { !anchored.contains($0) }) {
            return .omitted(omitted)
        }
        return nil
    }

    /// What a block of the next height reveals, and what it says of the randomness (SEED-2, SEED-3).
    package func checkRandomness(_ header: BeaconHeader) -> AnchorRejection? {
        if let rejection = randomness.check(
            header.reveal, by: header.proposer, at: header.height)
        {
            return rejection
        }
        return header.randomness == randomness(after: header).hash ? nil : .wrongRandomness
    }

    /// What a block of the next height leaves, whether it is valid or not.
    package func randomness(after header: BeaconHeader) -> HeaderRandomness {
        var randomness = randomness
        randomness.absorb(
            header.contribution, by: header.proposer, at: header.height, schedule[header.height])
        return randomness
    }

    /// Checks who built a block that is to be voted on: a validator of its height, for itself
    /// (SHARD-3).
    package func checkBuilder(
        _ header: BeaconHeader, _ anchors: [ShardHeader]
    ) -> AnchorRejection? {
        guard schedule[header.height].contains(header.proposer) else {
            return .foreignProposer(header.proposer)
        }
        let other = anchors.first { $0.beneficiary != header.proposer }
        return other.map { .headerContext($0.endpoint, field: "beneficiary") }
    }

    /// Takes over a decided block that was checked.
    package mutating func commit(_ header: BeaconHeader, _ anchors: [ShardHeader]) {
        for anchor in anchors {
            let rejection = check(anchor, &books)
            precondition(rejection == nil, "a decided block that was never checked")
            heads[Int(anchor.endpoint.index)].advance(to: anchor)
        }
        randomness = randomness(after: header)
        schedule.append(header)
        schedule.forget(around: header.height)
        head = header
        headHash = header.hash
    }

    private func checkContext(
        _ header: BeaconHeader, _ anchors: [ShardHeader]
    ) -> AnchorRejection? {
        guard header.chain == chain else { return .wrongChain }
        guard header.height == head.height.next else {
            return .wrongHeight(expected: head.height.next, actual: header.height)
        }
        guard header.parent == headHash else { return .wrongParent }
        guard namesItsValidators(header) else { return .wrongValidators }
        guard header.time >= head.time else {
            return .timeRegression(parent: head.time, actual: header.time)
        }
        guard header.anchorsRoot == BeaconHeader.anchorsRoot(anchors) else {
            return .anchorsRootMismatch
        }
        for (a, b) in zip(anchors, anchors.dropFirst()) where a.endpoint >= b.endpoint {
            return .anchorOrder
        }
        guard (anchors.last?.endpoint.index ?? 0) < heads.count else { return .anchorOrder }
        return nil
    }

    // IBFT-R13: a set is there in full if it is another than the one before, and only then.
    package func namesItsValidators(_ header: BeaconHeader) -> Bool {
        let before = schedule.last.hash
        guard let set = header.newValidators else { return header.validators == before }
        return header.validators == set.hash && set.hash != before
    }

    private func check(_ anchor: ShardHeader, _ books: inout Books) -> AnchorRejection? {
        let id = anchor.endpoint
        let old = heads[Int(id.index)]
        if let field = contextFault(anchor, old) { return .headerContext(id, field: field) }
        var sent = Amount.zero
        var consumed = Amount.zero
        if let rejection = checkVectors(anchor, old, &sent, &consumed) { return rejection }
        guard id == parameters.layout.beacon || anchor.minted.isZero else {
            return .foreignMint(id)  // RCPT-12
        }
        guard let minted = anchor.minted.subtracting(old.header.minted),
            let burned = anchor.burned.subtracting(old.header.burned)
        else { return .supplyRegression(id) }
        guard let before = old.header.stateSum.adding(consumed)?.adding(minted),
            let after = anchor.stateSum.adding(sent)?.adding(burned), before == after
        else { return .conservation(id) }
        guard let held = books.held.subtracting(old.header.stateSum)?.adding(anchor.stateSum),
            let totalSent = books.sent.adding(sent),
            let totalConsumed = books.consumed.adding(consumed),
            let totalMinted = books.minted.adding(minted),
            let totalBurned = books.burned.adding(burned)
        else { return .supply }
        books.held = held
        books.sent = totalSent
        books.consumed = totalConsumed
        books.minted = totalMinted
        books.burned = totalBurned
        return nil
    }

    private func contextFault(_ anchor: ShardHeader, _ old: EndpointHead) -> String? {
        let fields: [(String, Bool)] = [
            ("chain", anchor.chain == chain),
            ("layout", anchor.shardCount == parameters.layout.shardCount),
            ("height", anchor.height == head.height.next),
            ("parent", anchor.parent == old.hash),
            ("beaconRef", anchor.beaconRef == headHash),
            ("time", anchor.time == head.time),
        ]
        return fields.first { !$0.1 }?.0
    }

    /// Streams only grow, consume only what was anchored, and account for every unit of it.
    private func checkVectors(
        _ anchor: ShardHeader, _ old: EndpointHead, _ sent: inout Amount,
        _ consumed: inout Amount
    ) -> AnchorRejection? {
        let id = anchor.endpoint
        guard isWellFormed(anchor.out.map(\.peer), id), isWellFormed(anchor.in.map(\.peer), id)
        else { return .malformedVector(id) }
        for item in anchor.out {
            let before = old.out[Int(item.peer.index)]
            guard item.entry.end > before.end,
                let value = item.entry.value.subtracting(before.value),
                let total = sent.adding(value)
            else { return .streamRegression(id, peer: item.peer) }
            sent = total
        }
        for item in anchor.in {
            let before = old.in[Int(item.peer.index)]
            let source = heads[Int(item.peer.index)].out[Int(id.index)]
            guard item.entry.cursor > before.cursor,
                let value = item.entry.value.subtracting(before.value),
                let total = consumed.adding(value)
            else { return .streamRegression(id, peer: item.peer) }
            guard item.entry.cursor <= source.end else {
                return .unanchoredReceipt(id, source: item.peer)  // RCPT-1
            }
            guard item.entry.value <= source.value,
                item.entry.cursor < source.end || item.entry.value == source.value
            else { return .streamValue(id, source: item.peer) }
            consumed = total
        }
        return nil
    }

    private func isWellFormed(_ peers: [EndpointID], _ own: EndpointID) -> Bool {
        guard (peers.last?.index ?? 0) < heads.count, !peers.contains(own) else { return false }
        return zip(peers, peers.dropFirst()).allSatisfy { $0 < $1 }
    }
}
