import Foundation
import TallyExecution
import TallyPrimitives
import TallySharding

/// `manifest.json` of a snapshot: which ledger it is of, and the digests of its files (SNAP-2).
///
/// Texts are as people compare them: hashes in hexadecimal, amounts in decimal base units. What it
/// says of the ledger is compared with what the files lead to, so nothing of it is believed.
package struct SnapshotManifest: Hashable, Sendable, Codable {
    package var format: Int
    package var chainId: UInt64
    /// Genesis hash.
    package var genesis: String
    package var height: UInt64
    /// Beacon time of that height, in milliseconds.
    package var time: UInt64
    /// Hash of the beacon header.
    package var beacon: String
    /// The seals that made it final, `FinalCertificate` as RLP in hexadecimal.
    package var certificate: String
    /// Money that left one endpoint and has not reached the other.
    package var inFlight: String
    /// Shards, then the beacon's own.
    package var endpoints: [Endpoint]
    package var files: [File]

    package struct Endpoint: Hashable, Sendable, Codable {
        package var endpoint: UInt16
        /// Of its newest block.
        package var height: UInt64
        package var header: String
        package var stateRoot: String
        package var stateSum: String
        /// Streams from others that were used.
        package var inbox: [Inbox]
        /// Streams to others that were used.
        package var outbox: [Outbox]
    }

    package struct Inbox: Hashable, Sendable, Codable {
        package var source: UInt16
        package var cursor: UInt64
        package var value: String
    }

    package struct Outbox: Hashable, Sendable, Codable {
        package var destination: UInt16
        package var end: UInt64
        package var value: String
        package var root: String
    }

    package struct File: Hashable, Sendable, Codable {
        package var name: String
        package var bytes: Int
        /// Plain SHA-256, as `sha256sum` prints it, without `0x`.
        package var sha256: String
    }

    package static let name = "manifest.json"
    package static let currentFormat = 3
    /// Largest manifest that is read: some 100,000 files.
    static let byteLimit = 16 << 20

    /// - Throws: `.manifestForm`, `.unknownFormat`.
    init(json bytes: [UInt8]) throws(SnapshotError) {
        struct Format: Codable { let format: Int }
        let decoder = JSONDecoder()
        // The format first: a later one may have another form.
        guard let format = try? decoder.decode(Format.self, from: Data(bytes)).format else {
            throw .manifestForm
        }
        guard format == Self.currentFormat else { throw .unknownFormat(format) }
        guard let manifest = try? decoder.decode(Self.self, from: Data(bytes)) else {
            throw .manifestForm
        }
        self = manifest
    }

    init(
        _ genesis: Genesis, head: BeaconHeader, certificate: [UInt8], heads: [EndpointHead],
        inFlight: Amount, files: [File]
    ) {
        format = Self.currentFormat
        chainId = genesis.parameters.chainID
        self.genesis = genesis.hash.description
        height = head.height.value
        time = head.time.milliseconds
        beacon = head.hash.description
        self.certificate = Hex.encode(certificate)
        self.inFlight = inFlight.description
        endpoints = heads.map(Endpoint.init)
        self.files = files
    }

    var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch { preconditionFailure("texts and numbers are JSON: \(error)") }
    }

    /// The first field that differs from what the files lead to; files are not compared.
    func difference(from other: SnapshotManifest) -> String? {
        let fields: [(String, Bool)] = [
            ("chainId", chainId == other.chainId), ("genesis", genesis == other.genesis),
            ("height", height == other.height), ("time", time == other.time),
            ("beacon", beacon == other.beacon), ("inFlight", inFlight == other.inFlight),
            ("endpoints", endpoints.count == other.endpoints.count),
        ]
        if let field = fields.first(where: { !$0.1 }) { return field.0 }
        let pairs = zip(endpoints, other.endpoints).enumerated()
        return pairs.first { $0.element.0 != $0.element.1 }.map { "endpoints[\($0.offset)]" }
    }
}

extension SnapshotManifest.Endpoint {
    fileprivate init(_ head: EndpointHead) {
        endpoint = head.header.endpoint.index
        height = head.header.height.value
        header = head.hash.description
        stateRoot = head.header.stateRoot.description
        stateSum = head.header.stateSum.description
        inbox = head.in.enumerated().filter { $1.cursor > 0 }.map {
            .init(
                source: UInt16($0.offset), cursor: $0.element.cursor,
                value: $0.element.value.description)
        }
        outbox = head.out.enumerated().filter { $1.end > 0 }.map {
            .init(
                destination: UInt16($0.offset), end: $0.element.end,
                value: $0.element.value.description, root: $0.element.root.description)
        }
    }
}
