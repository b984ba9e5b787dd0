import Glibc
import TallyConsensus
import TallyExecution
import TallyPrimitives
import TallySharding

/// Reads a snapshot that anybody may have written: every size is bounded, every file compared with
/// its digest before a byte of it is decoded (SNAP-3).
struct SnapshotReader {
    let path: String
    let manifest: SnapshotManifest
    private let sections: [String: [SnapshotManifest.File]]
    private let layout: ShardLayout

    /// Reads the manifest, and compares the list of files with the directory.
    init(_ path: String, _ genesis: Genesis) throws(SnapshotError) {
        self.path = path
        layout = genesis.parameters.layout
        let limit = SnapshotManifest.byteLimit
        let file = path + "/" + SnapshotManifest.name
        guard let bytes = try SnapshotFiles.read(file, limit: limit) else { throw .manifestForm }
        manifest = try SnapshotManifest(json: bytes)
        guard manifest.genesis == genesis.hash.description else {
            throw .genesis(stated: manifest.genesis, expected: genesis.hash)
        }
        let names =
            [SnapshotFiles.elections, SnapshotFiles.chain]
            + layout.endpoints.map { [layout] in
                SnapshotFiles.section($0, layout)
            }
        sections = try Self.sections(manifest.files, names)
        try compareDirectory()
    }

    /// Each section has files numbered from 0 on, in the order of sections.
    private static func sections(
        _ files: [SnapshotManifest.File], _ names: [String]
    ) throws(SnapshotError) -> [String: [SnapshotManifest.File]] {
        var sections: [String: [SnapshotManifest.File]] = [:]
        var place = 0
        for file in files {
            guard let (section, number) = SnapshotFiles.parse(file.name),
                let position = names.firstIndex(of: section)
            else { throw .fileName(file.name) }
            guard position >= place, number == sections[section]?.count ?? 0 else {
                throw .fileOrder(file.name)
            }
            guard 0...SnapshotFiles.byteLimit ~= file.bytes else {
                throw .fileSize(file.name, stated: file.bytes, actual: file.bytes)
            }
            place = position
            sections[section, default: []].append(file)
        }
        if let missing = names.first(where: { sections[$0] == nil }) {
            throw .missingFile(SnapshotFiles.name(missing, 0))
        }
        return sections
    }

    private func compareDirectory() throws(SnapshotError) {
        var present = Set(try SnapshotFiles.entries(of: path))
        present.remove(SnapshotManifest.name)
        for file in manifest.files {
            guard present.remove(file.name) != nil else { throw .missingFile(file.name) }
            var status = stat()
            guard lstat(path + "/" + file.name, &status) == 0,
                status.st_mode & S_IFMT == S_IFREG
            else { throw .missingFile(file.name) }
            let size = Int(status.st_size)
            guard size == file.bytes else {
                throw .fileSize(file.name, stated: file.bytes, actual: size)
            }
        }
        if let strange = present.min() { throw .strangeFile(strange) }
    }

    /// Hands out the rows of a section, file by file.
    /// - Parameter body: may throw `RLPError` for a row that is malformed.
    private func forEachRow(
        _ section: String, _ watch: Snapshot.Watch,
        _ body: (inout RLPDecoder) throws(RowFailure) -> Void
    ) throws(SnapshotError) {
        for file in sections[section] ?? [] {
            let place = path + "/" + file.name
            guard let bytes = try SnapshotFiles.read(place, limit: file.bytes),
                bytes.count == file.bytes
            else { throw .fileSize(file.name, stated: file.bytes, actual: -1) }
            guard SnapshotFiles.digest(bytes) == file.sha256 else { throw .fileDigest(file.name) }
            var decoder = RLPDecoder(bytes)
            var offset = 0
            while !decoder.isAtEnd {
                var probe = decoder
                do throws(RowFailure) {
                    try body(&decoder)
                } catch {
                    switch error {
                    case .malformed: throw .malformedFile(file.name, offset: offset)
                    case .other(let error): throw error
                    }
                }
                offset += ((try? probe.nextEncoded()) ?? []).count
            }
            watch(.init(file: file.name, bytes: file.bytes))
        }
    }

    private enum RowFailure: Error {
        case malformed
        case other(SnapshotError)
    }

    // MARK: Chain

    /// The headers that carry a set, with their seals, oldest first.
    func forEachElection(
        _ watch: Snapshot.Watch,
        _ body: (BeaconHeader, FinalCertificate) throws(SnapshotError) -> Void
    ) throws(SnapshotError) {
        try forEachRow(SnapshotFiles.elections, watch) { (decoder) throws(RowFailure) in
            let header: BeaconHeader
            let certificate: FinalCertificate
            do throws(RLPError) {
                var row = try decoder.nextList()
                header = try BeaconHeader(from: &row)
                certificate = try FinalCertificate(from: &row)
                try row.finish()
            } catch { throw .malformed }
            do throws(SnapshotError) {
                try body(header, certificate)
            } catch { throw .other(error) }
        }
    }

    /// Beacon headers with what they anchor, oldest first.
    func forEachBlock(
        _ watch: Snapshot.Watch,
        _ body: (BeaconHeader, [ShardHeader]) throws(SnapshotError) -> Void
    ) throws(SnapshotError) {
        try forEachRow(SnapshotFiles.chain, watch) { (decoder) throws(RowFailure) in
            let header: BeaconHeader
            var anchors: [ShardHeader] = []
            do throws(RLPError) {
                var row = try decoder.nextList()
                header = try BeaconHeader(from: &row)
                var list = try row.nextList()
                while !list.isAtEnd { anchors.append(try ShardHeader(from: &list)) }
                try row.finish()
            } catch { throw .malformed }
            do throws(SnapshotError) {
                try body(header, anchors)
            } catch { throw .other(error) }
        }
    }

    /// Rows of an endpoint, each once, in the order of tables and keys.
    func forEachRow(
        _ endpoint: EndpointID, _ watch: Snapshot.Watch,
        _ body: (SnapshotTable, _ key: [UInt8], _ value: [UInt8]) throws(SnapshotError) -> Void
    ) throws(SnapshotError) {
        var last: (table: SnapshotTable, key: [UInt8])?
        try forEachRow(SnapshotFiles.section(endpoint, layout), watch) {
            (decoder) throws(RowFailure) in
            let table: SnapshotTable
            let key: [UInt8]
            let value: [UInt8]
            do throws(RLPError) {
                var row = try decoder.nextList()
                table = try row.nextCase(SnapshotTable.self)
                key = Array(try row.nextString(limit: 64))
                value = Array(try row.nextString())
                try row.finish()
            } catch { throw .malformed }
            if let last {
                guard
                    last.table.rawValue < table.rawValue
                        || last.table == table && last.key.lexicographicallyPrecedes(key)
                else { throw .malformed }
            }
            last = (table, key)
            do throws(SnapshotError) {
                try body(table, key, value)
            } catch { throw .other(error) }
        }
    }

    // MARK: Certificate

    /// SNAP-6: the seals that the manifest names, if they are for this header and a quorum's.
    func certificate(
        of head: BeaconHeader, _ elections: ElectionChain
    ) throws(SnapshotError) -> FinalCertificate {
        let certificate: FinalCertificate
        guard let bytes = Hex.decode(manifest.certificate) else {
            throw .manifestField("certificate")
        }
        do throws(RLPError) {
            certificate = try FinalCertificate(encoded: bytes)
        } catch { throw .manifestField("certificate") }
        guard certificate.height == head.height, certificate.digest == head.hash else {
            throw .manifestField("certificate")
        }
        let power = elections.power(of: certificate, sealing: head)
        let quorum = elections.schedule[head.height].quorum
        guard power >= quorum else { throw .certificate(power: power, quorum: quorum) }
        return certificate
    }
}
