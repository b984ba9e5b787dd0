import Foundation
import TallyConsensus
package import TallyPrimitives

/// What a validator may have signed, as it is carried from one directory to another (VOTES-1).
///
/// In the manner of EIP-3076: texts, numbers in decimal.
package struct VoteInterchange: Hashable, Sendable, Codable {
    package var metadata: Metadata
    package var data: [Item]

    package struct Metadata: Hashable, Sendable, Codable {
        package var format = "tally-votes"
        package var version = "1"
        package var genesis: String

        enum CodingKeys: String, CodingKey {
            case format = "interchange_format"
            case version = "interchange_format_version"
            case genesis = "genesis_hash"
        }
    }

    /// One key.
    package struct Item: Hashable, Sendable, Codable {
        package var validator: String
        /// Anything may have been signed up to here.
        package var finalHeight: String
        /// Where it observed: the height above which it votes.
        package var observesUntil: String?
        package var signed: [Vote]

        enum CodingKeys: String, CodingKey {
            case validator, signed
            case finalHeight = "final_height"
            case observesUntil = "observes_until"
        }
    }

    /// One vote above the final height.
    package struct Vote: Hashable, Sendable, Codable {
        package var height: String
        package var round: String
        package var kind: String
        package var digest: String?
    }

    static let byteLimit = 1 << 20
    private static let kinds = ["round-change", "proposal", "prepare", "commit"]

    package init(
        genesis: Hash32, validator: Address, final height: Height, observesUntil: Height?,
        signed: [Vote]
    ) {
        metadata = Metadata(genesis: genesis.description)
        data = [
            Item(
                validator: validator.description, finalHeight: "\(height)",
                observesUntil: observesUntil.map { "\($0)" }, signed: signed)
        ]
    }

    /// Reads a file strictly: nothing of it is passed over.
    /// - Throws: `.malformed`, `.unknownFormat`.
    package init(json bytes: [UInt8]) throws(VoteTransferError) {
        guard bytes.count <= Self.byteLimit,
            let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)),
            let all = try? JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary,
            let known = try? JSONSerialization.jsonObject(with: Data(read.json)) as? NSDictionary,
            all == known
        else { throw .malformed(field: nil) }
        self = read
        let (format, version) = (
            metadata.format, metadata.version
        )
        guard format == "tally-votes", version == "1" else {
            throw .unknownFormat("\(format) \(version)")
        }
        guard Hash32(hex: metadata.genesis) != nil else {
            throw .malformed(field: "genesis_hash")
        }
        for item in data {
            _ = try item.watermark
            guard Address(hex: item.validator) != nil else { throw .malformed(field: "validator") }
            let votes = item.signed
            guard
                votes.allSatisfy({ vote in
                    Self.kinds.contains(vote.kind) && UInt64(vote.round) != nil
                        && vote.digest.map { Hash32(hex: $0) != nil } ?? true
                })
            else { throw .malformed(field: "signed") }
        }
    }

    package var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch { preconditionFailure("texts are JSON: \(error)") }
    }
}

extension VoteInterchange.Item {
    /// The highest height at which something may have been signed (VOTES-2).
    package var watermark: Height {
        get throws(VoteTransferError) {
            var highest: UInt64 = 0
            let texts = [finalHeight] + signed.map(\.height) + [observesUntil].compactMap { $0 }
            for text in texts {
                guard let height = UInt64(text), height < .max - 2 else {
                    throw .malformed(field: "height")
                }
                highest = max(highest, height)
            }
            return Height(highest)
        }
    }
}

extension VoteInterchange.Vote {
    /// `nil` for what is no vote.
    init?(_ record: ConsensusRecord) {
        func vote(
            _ height: Height, _ round: Round, _ kind: String, _ digest: Hash32?
        ) -> Self {
            Self(
                height: "\(height)", round: "\(round.value)", kind: kind,
                digest: digest?.description)
        }
        switch record {
        case .proposal(let signed, _):
            self = vote(signed.height, signed.round, "proposal", signed.statement.digest)
        case .prepare(let signed):
            self = vote(signed.height, signed.round, "prepare", signed.statement.digest)
        case .commit(let signed, _):
            self = vote(signed.height, signed.round, "commit", signed.statement.digest)
        case .roundChange(let change):
            self = vote(
                change.height, change.round, "round-change",
                change.signed.statement.prepared?.digest)
        case .observing, .undecided, .decision: return nil
        }
    }
}
