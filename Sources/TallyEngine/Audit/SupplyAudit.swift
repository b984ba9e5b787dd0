import DequeModule
import TallyPrimitives
package import TallySharding
import TallyState

/// Recomputes the money of a stopped ledger from everything it has stored, and compares all of it:
/// leaves with headers, headers with each other, receipts with streams, rows with blocks, and the
/// log with the checkpoints (protocol section "Conservation").
///
/// Nothing is written. Blocks that are in the log only, as after a crash, are executed in memory, so
/// that the audit covers everything that was acknowledged.
package struct SupplyAudit {
    /// Audits the ledger in a data directory, whose lock the caller holds.
    ///
    /// - Parameter isDeep: verify the signature of every transaction too, and the invariants between
    ///   objects, which are all held in memory for that.
    /// - Throws: what keeps the ledger from being read. What is wrong with it is in the report.
    /// - Complexity: O(objects + history), about 60 µs more a transaction when `isDeep`.
    package static func run(
        directory: String, genesis: Genesis, limits: Limits = Limits(), isDeep: Bool = false
    ) throws(AuditError) -> AuditReport {
        var findings = AuditFindings()
        let source = try AuditSource(
            directory: directory, genesis: genesis, limits: limits, &findings)
        let base = try findings.read(source.layout.beacon, MetaKey.base) {
            () throws(ReadError) in try source.views[source.beacon].base()
        }
        if let base, base > .genesis { throw .historyAbsent(below: base) }
        var states: [AuditedState] = []
        for index in source.heads.indices {
            // Without a checkpoint the state is that of genesis, which is not stored.
            var pages = OverlayPages(source.views[index], [])
            if source.heads[index] == nil {
                let changes = source.states[index].tree.pageChanges(since: .empty)
                pages = OverlayPages(source.views[index], changes)
            }
            let header = source.heads[index]?.header ?? source.states[index].header
            states.append(
                AuditedState(
                    header, source.genesis.parameters, pages: pages, isDeep: isDeep, &findings))
        }
        let tail = try AuditTail(source, directory: directory, &findings)
        var walk = HeaderWalk(
            source,
            checkpointStreams: states.enumerated().map {
                source.heads[$0.offset] == nil ? nil : $0.element.streams
            }, isDeep: isDeep, findings)
        try walk.run(tail)
        for index in states.indices {
            guard let (header, pages) = tail.final(index) else { continue }
            states[index] = AuditedState(
                header, source.genesis.parameters, pages: pages, isDeep: isDeep, &walk.findings)
            walk.compare(states[index].streams, of: index)
        }
        return report(&walk, tail, states.map(\.totals))
    }

    private static func report(
        _ walk: inout HeaderWalk, _ tail: AuditTail, _ totals: [EndpointTotals]
    ) -> AuditReport {
        var totals = totals
        for index in totals.indices {
            for stream in walk.streams[index] {
                for entry in stream.inFlight { totals[index].inFlight.add(entry.value ?? .max) }
            }
        }
        walk.counts.logRecords = tail.recordCount
        func report(_ findings: AuditFindings) -> AuditReport {
            AuditReport(
                height: walk.core.head.height, checkpoint: walk.source.checkpoint,
                endpoints: totals, genesisSupply: walk.source.genesis.supply,
                minted: Amount.sum(walk.core.heads.lazy.map(\.header.minted)) ?? .max,
                burned: Amount.sum(walk.core.heads.lazy.map(\.header.burned)) ?? .max,
                counts: walk.counts, cutBytes: tail.cutBytes, findings: findings.list,
                droppedFindings: findings.dropped)
        }
        let result = report(walk.findings)
        guard result.assets == nil || result.assets != result.claims else { return result }
        walk.findings.add(
            .supply(result.height, assets: result.assets, claims: result.claims))
        return report(walk.findings)
    }
}
