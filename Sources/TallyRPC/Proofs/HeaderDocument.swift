package import TallyClient
import TallyConsensus
import TallyEngine
package import TallyPrimitives
package import TallySharding
import TallyState

/// Headers as JSON: every field that is hashed, and the canonical bytes beside them (PROOF-12).
package enum HeaderDocument {
    // MARK: Shard

    static func members(_ header: ShardHeader, hash: Hash32) -> [JSONObject.Member] {
        [
            .init("hash", JSON(hash)),
            .init("raw", JSON(hex: header.encoded)),
            .init("chain", JSON(header.chain)),
            .init("shardCount", JSON(header.shardCount)),
            .init("shard", JSON(header.endpoint.index)),
            .init("height", JSON(header.height)),
            .init("parent", JSON(header.parent)),
            .init("beaconRef", JSON(header.beaconRef)),
            .init("timeMs", JSON(header.time.milliseconds)),
            .init("beneficiary", .string(header.beneficiary.description)),
            .init("baseFee", JSON(header.baseFee)),
            .init("stateRoot", JSON(header.stateRoot)),
            .init("stateSum", JSON(header.stateSum)),
            .init("txRoot", JSON(header.txRoot)),
            .init("resultRoot", JSON(header.resultRoot)),
            .init(
                "out",
                .array(
                    header.out.map {
                        [
                            "shard": JSON($0.peer.index), "end": JSON(quantity: $0.entry.end),
                            "value": JSON($0.entry.value), "root": JSON($0.entry.root),
                        ]
                    })),
            .init(
                "in",
                .array(
                    header.in.map {
                        [
                            "shard": JSON($0.peer.index), "cursor": JSON(quantity: $0.entry.cursor),
                            "value": JSON($0.entry.value),
                        ]
                    })),
            .init("minted", JSON(header.minted)),
            .init("burned", JSON(header.burned)),
            .init("weightUsed", JSON(quantity: header.weightUsed)),
        ]
    }

    // MARK: Beacon

    static func members(_ header: BeaconHeader, hash: Hash32) -> [JSONObject.Member] {
        [
            .init("hash", JSON(hash)),
            .init("raw", JSON(hex: header.encoded)),
            .init("chain", JSON(header.chain)),
            .init("height", JSON(header.height)),
            .init("parent", JSON(header.parent)),
            .init("timeMs", JSON(header.time.milliseconds)),
            .init("proposer", .string(header.proposer.description)),
            .init("anchorsRoot", JSON(header.anchorsRoot)),
            .init("validators", JSON(header.validators)),
            .init("reveal", JSON(header.reveal)),
            .init("announced", JSON(header.announced)),
            .init("randomness", JSON(header.randomness)),
            .init("newValidators", header.newValidators.map(json) ?? .null),
        ]
    }

    private static func json(_ set: ValidatorSet) -> JSON {
        [
            "members": .array(
                set.validators.map {
                    [
                        "validator": .string($0.address.description),
                        "power": JSON(quantity: $0.power),
                    ]
                }), "seed": JSON(set.seed),
        ]
    }

    /// The header of a document that `beacon_block` answered, alone or as a whole response.
    ///
    /// Of `anchors` the header binds the hashes; the shard's number beside each is what the node says.
    /// - Throws: `.noDocument`, `.refused`, `.malformed`, and `.member` for one that says something
    ///   else than the bytes in `raw`.
    package static func beaconHeader(
        _ document: JSON
    ) throws(ProofDocumentError) -> (header: BeaconHeader, hash: Hash32) {
        let document = try ProofDocument.result(of: document)
        guard let raw = document["raw"]?.hexBytes else { throw .noDocument }
        let header: BeaconHeader
        do throws(RLPError) { header = try BeaconHeader(encoded: raw) } catch {
            throw .malformed(error)
        }
        let hash = header.hash
        for member in members(header, hash: hash) where document[member.key] != member.value {
            throw .member(member.key)
        }
        if let anchors = document["anchors"] {
            let hashes = (anchors.arrayValue ?? []).compactMap {
                $0["hash"]?.fixedBytes(Hash32.self)
            }
            guard hashes.count == anchors.arrayValue?.count,
                MerkleRange.root(ofLeaves: hashes) == header.anchorsRoot
            else { throw .member("anchors") }
        }
        return (header, hash)
    }
}

extension JSON {
    init(_ hash: Hash32) { self = .string(hash.description) }
    init(_ amount: Amount) { self = .string(Hex.quantity(amount.units)) }
    init(_ height: Height) { self = .string(Hex.quantity(height.value)) }
    init(quantity value: UInt64) { self = .string(Hex.quantity(value)) }
    init(hex bytes: [UInt8]) { self = .string(Hex.encode(bytes)) }
}
