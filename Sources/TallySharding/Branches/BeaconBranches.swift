package import TallyExecution
package import TallyPrimitives

/// The beacon's final books, and those after undecided blocks: the beacon's part of
/// ``EndpointBranches``.
package struct BeaconBranches: Sendable {
    private struct Overlay: Sendable {
        let parent: Hash32
        let core: BeaconCore
    }

    /// The final books.
    package private(set) var core: BeaconCore
    /// Books after an undecided block on the final head, by its digest.
    private var overlays: [Hash32: Overlay] = [:]

    package init(_ core: BeaconCore) { self.core = core }

    private func books(after digest: Hash32) -> BeaconCore? {
        digest == core.headHash ? core : overlays[digest]?.core
    }

    /// What a block on this one may know; `nil` unless it is final or was extended.
    package func view(after digest: Hash32) -> AnchoredView? { books(after: digest)?.view }

    /// The beacon block over candidates' blocks on a parent that is final or was extended.
    /// - Parameters:
    ///   - secrets: the proposer's (SEED-2).
    ///   - mandatory: endpoints that must be in it, by their states after the parent.
    ///   - elected: of the beacon's state after the parent.
    /// - Returns: `nil` for any other parent.
    /// - Throws: why our own block would be refused.
    package func propose(
        _ anchors: [ShardBlock], on parent: Hash32, now: BeaconTime, proposer: Address,
        secrets: inout RevealSecrets?, mandatory: [EndpointID], elected: ElectedSet?
    ) throws(AnchorRejection) -> BeaconBlock? {
        guard let books = books(after: parent) else { return nil }
        let block = books.propose(
            anchors, now: now, proposer: proposer, secrets: &secrets, elected: elected)
        if let rejection = books.check(
            block.header, block.anchors.map(\.header), mandatory: mandatory, elected: elected)
        {
            throw rejection
        }
        return block
    }

    /// Judges a proposed block on the final head from its headers, and what the final states say.
    package func check(
        _ block: BeaconBlock, mandatory: [EndpointID], elected: ElectedSet?
    ) -> AnchorRejection? {
        let headers = block.anchors.map(\.header)
        return core.checkBuilder(block.header, headers)
            ?? core.check(block.header, headers, mandatory: mandatory, elected: elected)
    }

    /// Computes the books after a valid block on the final head.
    package mutating func extend(_ header: BeaconHeader, _ anchors: [ShardHeader]) {
        let digest = header.hash
        guard overlays[digest] == nil, header.parent == core.headHash else { return }
        var books = core
        books.commit(header, anchors)
        overlays[digest] = Overlay(parent: header.parent, core: books)
    }

    /// Takes over a decided block that was checked, and drops what lost.
    package mutating func decide(_ header: BeaconHeader, _ anchors: [ShardHeader]) {
        let digest = header.hash
        let extended = overlays[digest]?.core
        // Nothing is extended beyond the final head's children.
        overlays = [:]
        if let extended { core = extended } else { core.commit(header, anchors) }
    }
}
