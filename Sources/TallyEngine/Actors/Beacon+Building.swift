import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// A block of an open height with what executing it gave.
struct KeptBlock: Sendable {
    let block: BeaconBlock
    /// By endpoint index.
    let candidates: [Candidate?]

    var records: [BlockRecord] { candidates.compactMap { $0?.record } }
    var headers: [ShardHeader] { block.anchors.map(\.header) }
}

/// Building blocks, on the final head or ahead of a decision.
extension Beacon {
    /// Blocks of the open heights in memory, whatever is proposed in whatever many rounds.
    private static let maximumKept = 8

    func build(_ request: Ibft.BuildRequest) async throws(EngineError) {
        let extensions: [Extension]?
        if request.parent == core.headHash {
            extensions = nil
        } else {
            // IBFT-P1; out of date if the parent is neither final nor on the final head.
            guard let parent = try await pipelined(request) else { return }
            extensions = parent
        }
        guard let view = books.view(after: request.parent), view.height == request.height else {
            return
        }
        let now = clock.now()
        let proposals = try await proposals(view, on: request.parent, extensions)
        nextDueTime = proposals.compactMap(\.nextDueTime).min()
        let candidates = proposals.map(\.candidate)
        guard
            request.isMandatory || candidates.contains(where: { $0 != nil })
                || isTimeDue(now)
        else { return answer(.nothingToBuild(request.height)) }
        let mandatory = zip(layout.endpoints, proposals)
            .filter { $0.1.isMandatory && !quarantined.contains($0.0) }.map(\.0)
        let elected = try elected(after: request.parent)
        let block: BeaconBlock?
        do throws(AnchorRejection) {
            block = try books.propose(
                candidates.compactMap { $0?.record.block }, on: request.parent, now: now,
                proposer: agreement.address, secrets: &secrets, mandatory: mandatory,
                elected: elected)
        } catch {
            // The chain in use is not of this node's making: others propose until it lapses (SEED-1).
            if case .revealMissing = error { return answer(.nothingToBuild(request.height)) }
            throw .ownProposal(request.height, error)
        }
        guard let block else { return }
        let proposed = block.proposed
        keep(KeptBlock(block: block, candidates: candidates), of: proposed.digest)
        answer(.built(proposed))
    }

    /// Computes the books after an undecided block on the final head, which somebody committed to.
    /// - Returns: what each shard needs for its part; `nil` when the block is no such block any more.
    private func pipelined(_ request: Ibft.BuildRequest) async throws(EngineError) -> [Extension]? {
        if kept[request.parent] == nil {
            guard let proposed = agreement.block(request.parent),
                proposed.parent == core.headHash
            else { return nil }
            // Voted for before a restart.
            guard case .success = await execute(proposed, mandatory: false) else { return nil }
        }
        guard let parent = kept[request.parent], parent.block.header.parent == core.headHash,
            parent.block.header.height.next == request.height
        else { return nil }
        let height = parent.block.header.height
        let deliveries = Delivery.group(parent.records, layout: layout)
        let beacon = Int(layout.beacon.index)
        books.extend(parent.block.header, parent.headers)
        own.keep(parent.candidates[beacon], of: request.parent, on: core.headHash)
        do throws(ExecutionError) {
            try own.extend(request.parent, height: height, deliveries: deliveries[beacon])
        } catch { throw .execution(layout.beacon, error) }
        return parent.candidates.indices.map { index in
            Extension(
                digest: request.parent, parent: parent.block.header.parent, height: height,
                candidate: parent.candidates[index], deliveries: deliveries[index])
        }
    }

    /// The beacon's own endpoint after a block that is final or was extended.
    private func ownState(after digest: Hash32) -> ShardCore {
        guard let state = own.state(after: digest) else {
            preconditionFailure("the beacon's endpoint goes with the books")
        }
        return state
    }

    /// Whom the stakes elected, as the state after a block says (STAKE-13).
    private func elected(after digest: Hash32) throws(EngineError) -> ElectedSet? {
        do throws(ExecutionError) {
            return try ownState(after: digest).elected(pages: ownStorage.view)
        } catch { throw .execution(layout.beacon, error) }
    }

    /// What every endpoint has for the next block, by index.
    private func proposals(
        _ view: AnchoredView, on parent: Hash32, _ extensions: [Extension]?
    ) async throws(EngineError) -> [Shard.Proposal] {
        let beneficiary = agreement.address
        // As many as in the last block, as far as can be known here.
        let answers = await ask(
            quarantinedToo: false, transactions: lastTransactions
        ) { shard throws(ExecutionError) in
            try await shard.build(
                view, beneficiary: beneficiary, on: parent,
                extensions?[Int(shard.endpoint.index)])
        }
        var proposals = shards.map { shard in
            switch answers[Int(shard.endpoint.index)] {
            case .success(let proposal): return proposal
            case .failure(let error): quarantine(shard.endpoint, error)
            case nil: break
            }
            return Shard.Proposal(candidate: nil, isMandatory: false, nextDueTime: nil)
        }
        let state = ownState(after: parent)
        do throws(ExecutionError) {
            var none = NoTransactions()
            proposals.append(
                Shard.Proposal(
                    candidate: try state.build(
                        view, beneficiary: beneficiary, from: &none, pages: ownStorage.view),
                    isMandatory: state.isMandatory(view),
                    nextDueTime: state.nextDueTime(after: view.time)))
        } catch { throw .execution(layout.beacon, error) }
        return proposals
    }

    /// Remembers what executing a block gave. What is forgotten is executed once more.
    func keep(_ block: KeptBlock, of digest: Hash32) {
        if kept.count >= Self.maximumKept { kept = [:] }
        kept[digest] = block
    }

    func quarantine(_ endpoint: EndpointID, _ error: ExecutionError) {
        guard quarantined.insert(endpoint).inserted else { return }
        meter.quarantine(endpoint, error)
        notify(.quarantined(endpoint, error))
    }

    /// From so many transactions on, executing them takes longer than waking a thread for each shard: a
    /// transaction is some 5 µs, a thread some 20 and, where others wait for the core, their time too.
    private static let leastForAllAtOnce = 64

    /// Asks all shards: at once, or one after another where there is little to do.
    /// - Parameter transactions: about how many transactions there are to execute or to take over.
    /// - Returns: the answers, by index; `nil` where nobody was asked.
    func ask<Answer: Sendable>(
        quarantinedToo: Bool, transactions: Int,
        _ question: @escaping @Sendable (Shard) async throws(ExecutionError) -> Answer
    ) async -> [Result<Answer, ExecutionError>?] {
        let asked =
            quarantinedToo ? shards : shards.filter { !quarantined.contains($0.endpoint) }
        guard transactions >= Self.leastForAllAtOnce else {
            var answers: [Result<Answer, ExecutionError>?] = Array(
                repeating: nil, count: shards.count)
            for shard in asked {
                do throws(ExecutionError) {
                    answers[Int(shard.endpoint.index)] = .success(try await question(shard))
                } catch { answers[Int(shard.endpoint.index)] = .failure(error) }
            }
            return answers
        }
        return await withTaskGroup(of: (Int, Result<Answer, ExecutionError>).self) { group in
            for shard in asked {
                group.addTask {
                    let index = Int(shard.endpoint.index)
                    do throws(ExecutionError) {
                        return (index, .success(try await question(shard)))
                    } catch { return (index, .failure(error)) }
                }
            }
            var answers: [Result<Answer, ExecutionError>?] = Array(
                repeating: nil, count: shards.count)
            for await (index, answer) in group { answers[index] = answer }
            return answers
        }
    }
}

/// The beacon's own endpoint takes no signed transactions.
private struct NoTransactions: TransactionSource {
    mutating func next(remaining: Weight) -> Transaction? { nil }
    mutating func refused(_ transaction: Transaction, _ reason: Ineligibility) -> Bool { false }
}
