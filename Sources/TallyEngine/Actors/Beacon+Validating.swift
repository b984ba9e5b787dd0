import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding

/// Judging blocks of others by executing them (SHARD-3, IBFT-R15).
extension Beacon {
    /// How far a fresh block may be ahead of our clock.
    static let allowedDriftMilliseconds: UInt64 = 500

    func validate(
        _ request: Ibft.ValidationRequest, _ proposed: ProposedBlock
    ) async throws(EngineError) {
        // Out of date: another block was decided meanwhile.
        guard proposed.parent == core.headHash else { return }
        if let refusal = await judge(proposed, checksClock: request.checksClock) {
            meter.refusedBlocks.add()
            notify(.refused(request.height, digest: request.digest, refusal))
            answer(.validated(request, .invalid))
        } else {
            answer(.validated(request, .valid))
        }
    }

    private func judge(_ proposed: ProposedBlock, checksClock: Bool) async -> BlockRefusal? {
        let now = clock.now()
        if checksClock,
            proposed.timestamp > now,
            proposed.timestamp.milliseconds - now.milliseconds > Self.allowedDriftMilliseconds
        {
            return .ahead(proposed.timestamp, now: now)
        }
        if kept[proposed.digest] != nil { return nil }
        switch await execute(proposed, mandatory: true) {
        case .success: return nil
        case .failure(let refusal): return refusal
        }
    }

    /// Executes a block on the final head and keeps it if it is what its headers say.
    /// - Parameter mandatory: whether it must hold what waits (RCPT-3); a decided one need not,
    ///   since others may have had reasons to leave an endpoint out.
    func execute(
        _ proposed: ProposedBlock, mandatory: Bool
    ) async -> Result<KeptBlock, BlockRefusal> {
        let block: BeaconBlock
        do throws(BlockDecodingError) {
            // Its senders were checked when it came in.
            block = try BeaconBlock(body: proposed.body)
        } catch { return .failure(.undecodable(error)) }
        let elected: ElectedSet?
        do throws(ExecutionError) {
            elected = try own.core.elected(pages: ownStorage.view)
        } catch { return .failure(.unexecutable(layout.beacon, error)) }
        if let rejection = books.check(block, mandatory: [], elected: elected) {
            return .failure(.anchors(rejection))
        }
        let view = core.view
        var anchors: [ShardBlock?] = Array(repeating: nil, count: shards.count + 1)
        for anchor in block.anchors { anchors[Int(anchor.header.endpoint.index)] = anchor }
        let parts = anchors
        let answers = await ask(
            quarantinedToo: true, transactions: block.transactionCount
        ) { shard throws(ExecutionError) in
            try await shard.check(parts[Int(shard.endpoint.index)], view)
        }
        var checked: [Result<Shard.Verdict, ExecutionError>] = answers.compactMap { $0 }
        checked.append(checkOwn(parts[shards.count], view))
        var candidates: [Candidate?] = []
        var waiting: [EndpointID] = []
        for (endpoint, answer) in zip(layout.endpoints, checked) {
            switch answer {
            case .success(let verdict):
                switch verdict.candidate {
                case .success(let candidate): candidates.append(candidate)
                case .failure(let rejection): return .failure(.block(endpoint, rejection))
                }
                if verdict.isMandatory, !quarantined.contains(endpoint) { waiting.append(endpoint) }
            case .failure(let error):
                quarantine(endpoint, error)
                return .failure(.unexecutable(endpoint, error))
            }
        }
        if mandatory,
            let rejection = books.check(block, mandatory: waiting, elected: elected)
        {
            return .failure(.anchors(rejection))
        }
        let result = KeptBlock(block: block, candidates: candidates)
        keep(result, of: proposed.digest)
        return .success(result)
    }

    private func checkOwn(
        _ block: ShardBlock?, _ view: AnchoredView
    ) -> Result<Shard.Verdict, ExecutionError> {
        Result { () throws(ExecutionError) in
            try Shard.Verdict(own.core, block, view, pages: ownStorage.view)
        }
    }
}
