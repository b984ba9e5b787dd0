package import TallyPrimitives

/// A statement about the ledger that anybody can check who knows one beacon header to be final.
///
/// Hashes lead from what is claimed to a shard header, from there to the beacon header that anchors
/// it, and along parents to the header that is trusted. Nothing in a proof is believed that no hash
/// on this way covers. `Specs/proofs.md` has the rules.
package struct LedgerProof: Hashable, Sendable {
    /// From the oldest that the claim needs to the one to be trusted, each the parent of the next.
    package let headers: [BeaconHeader]
    package let finality: FinalityProof
    package let claim: ProofClaim

    package init(
        headers: [BeaconHeader], finality: FinalityProof = .external, claim: ProofClaim
    ) {
        self.headers = headers
        self.finality = finality
        self.claim = claim
    }

    /// Longest chain of headers: some 150 KB.
    package static let maximumHeaders = 1_024
    /// Most bytes of an encoded proof: a whole block's system result fits in many times.
    package static let maximumByteCount = 32 << 20
    /// First item of the encoding.
    package static let version: UInt8 = 1
}

/// What a proof itself has to say about the finality of its last header.
package enum FinalityProof: UInt8, Hashable, Sendable {
    // The committed seals of a quorum are to be a case of their own, checked in `verify`.

    /// Nothing: who checks the proof knows the header's hash from elsewhere (PROOF-6).
    case external = 0

    /// - Throws: `.untrusted` when nothing makes `header` final.
    func verify(
        _ header: BeaconHeader, _ anchor: TrustAnchor
    ) throws(LedgerProofError) -> Hash32 {
        let hash = header.hash
        switch (self, anchor) {
        case (.external, .beaconHash(let trusted)):
            guard hash == trusted else {
                throw .untrusted(height: header.height, expected: trusted, actual: hash)
            }
        }
        return hash
    }
}

/// What the one who checks a proof believes already.
package enum TrustAnchor: Hashable, Sendable {
    /// The hash of a beacon header that is final.
    case beaconHash(Hash32)
}

/// What is claimed, with the way from there to the beacon headers.
package enum ProofClaim: Hashable, Sendable {
    case account(AccountClaim)
    case receipt(ReceiptClaim)
    case transaction(TransactionClaim)
}

/// What a proof has shown.
package struct ProvenStatement: Hashable, Sendable {
    /// Genesis hash.
    package let chain: Hash32
    package let layout: ShardLayout
    /// The beacon header that was trusted, and its hash.
    package let trusted: BeaconHeader
    package let trustedHash: Hash32
    package let fact: ProvenFact
}

package enum ProvenFact: Hashable, Sendable {
    case account(ProvenAccount)
    case receipt(ProvenReceipt)
    case transaction(ProvenTransaction)
}

/// A block of an endpoint that a proof has shown to be final.
package struct ProvenBlock: Hashable, Sendable {
    package let endpoint: EndpointID
    package let height: Height
    /// Of the endpoint's header, and of the beacon header that anchors it.
    package let hash: Hash32
    package let beaconHash: Hash32
    /// Of the anchoring header.
    package let time: BeaconTime
}

extension LedgerProof {
    /// Checks everything (PROOF-5 to PROOF-10).
    /// - Throws: the first step that fails.
    /// - Complexity: one hash for every header, sibling and peak, and one over all bytes claimed.
    package func verify(_ anchor: TrustAnchor) throws(LedgerProofError) -> ProvenStatement {
        guard let trusted = headers.last, headers.count <= Self.maximumHeaders else {
            throw .headerCount(headers.count)
        }
        let hash = try finality.verify(trusted, anchor)
        let chain = try HeaderChain(headers)
        let layout: ShardLayout
        let fact: ProvenFact
        switch claim {
        case .account(let claim):
            layout = try claim.block.layout()
            fact = .account(try claim.verify(chain, layout))
        case .receipt(let claim):
            layout = try claim.sent.layout()
            fact = .receipt(try claim.verify(chain, layout))
        case .transaction(let claim):
            layout = try claim.block.layout()
            fact = .transaction(try claim.verify(chain, layout))
        }
        guard lowestHeight == headers.first?.height else { throw .unusedHeader }
        return ProvenStatement(
            chain: trusted.chain, layout: layout, trusted: trusted, trustedHash: hash, fact: fact)
    }

    /// Of the endpoint headers that the claim leads to.
    private var lowestHeight: Height {
        switch claim {
        case .account(let claim): claim.block.header.height
        case .receipt(let claim):
            min(claim.sent.header.height, claim.consumed?.header.height ?? claim.sent.header.height)
        case .transaction(let claim): claim.block.header.height
        }
    }
}

/// Beacon headers of which each was seen to be the parent of the next.
struct HeaderChain {
    private let headers: [BeaconHeader]

    // PROOF-5
    init(_ headers: [BeaconHeader]) throws(LedgerProofError) {
        for (parent, child) in zip(headers, headers.dropFirst()) {
            // Heights are anybody's numbers here: no successor is computed.
            guard child.height > parent.height, child.height.value - parent.height.value == 1,
                child.parent == parent.hash, child.chain == parent.chain
            else { throw .brokenChain(parent.height) }
        }
        self.headers = headers
    }

    subscript(height: Height) -> BeaconHeader? {
        guard let first = headers.first, height >= first.height else { return nil }
        let distance = height.value - first.height.value
        return distance < UInt64(headers.count) ? headers[Int(distance)] : nil
    }
}
