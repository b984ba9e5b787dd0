package import TallyPrimitives

/// A block as the agreement sees it: what names it, and bytes that only the owner can read.
///
/// The digest is a function of the body, without round or seals, so a block that is proposed again
/// keeps its digest (IBFT-R16). Blocks that come from outside are made by a ``BlockReader``.
package struct ProposedBlock: Hashable, Sendable {
    package let height: Height
    /// Digest of the block before.
    package let parent: Hash32
    package let digest: Hash32
    package let timestamp: BeaconTime
    /// Header and bodies in the owner's encoding.
    package let body: [UInt8]

    package init(
        height: Height, parent: Hash32, digest: Hash32, timestamp: BeaconTime, body: [UInt8]
    ) {
        self.height = height
        self.parent = parent
        self.digest = digest
        self.timestamp = timestamp
        self.body = body
    }

    package static func == (a: ProposedBlock, b: ProposedBlock) -> Bool { a.digest == b.digest }
    package func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

/// Reads what names a block out of its body. The owner supplies it.
package protocol BlockReader: Sendable {
    /// `nil` unless `body` is a block in canonical form. The digest has to bind every byte of it;
    /// whether the block is valid is asked later.
    func block(body: [UInt8]) -> ProposedBlock?
}
