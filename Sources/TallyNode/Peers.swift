import Logging
import ServiceLifecycle
import TallyConsensus
import TallyCrypto
import TallyEngine
package import TallyNetwork
package import TallyPrimitives
import TallySharding
import UnixSignals

/// Where other nodes are, and where this one is for them.
package struct PeerSettings: Hashable, Sendable {
    /// Port 0 for any free one.
    package var listen = PeerPlace(host: "127.0.0.1", port: 8600)
    /// Validators to dial.
    package var places: [Address: PeerPlace] = [:]
    /// An observer follows and does not vote (NET-26).
    package var role = PeerRole.validator
    /// Who is taken as an observer, beside the validators (NET-5).
    package var observers: Set<Address> = []

    package init() {}

    package var isObserver: Bool { role == .observer }

    /// As ``role(_:)`` reads it.
    static func name(_ role: PeerRole) -> String {
        switch role {
        case .validator: "validator"
        case .observer: "observer"
        }
    }

    static func role(_ text: String) -> PeerRole? {
        [PeerRole.validator, .observer].first { name($0) == text }
    }

    /// Several with commas between; `nil` unless each stands there once.
    static func addresses(_ text: String) -> Set<Address>? {
        var addresses: Set<Address> = []
        for item in text.split(separator: ",") {
            guard let address = Address(hex: item.filter { !$0.isWhitespace }),
                addresses.insert(address).inserted
            else { return nil }
        }
        return addresses
    }

    /// As ``addresses(_:)`` reads it.
    static func text(_ addresses: Set<Address>) -> String {
        addresses.sorted().map(\.description).joined(separator: ",")
    }

    /// `host:port`, an IPv6 address in brackets; `nil` for anything else.
    static func place(_ text: some StringProtocol) -> PeerPlace? {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty ? nil : PeerPlace(host: String(host), port: Int(port))
    }

    /// `address@host:port`, several with commas between; `nil` unless each address stands there once.
    static func places(_ text: String) -> [Address: PeerPlace]? {
        var places: [Address: PeerPlace] = [:]
        for item in text.split(separator: ",") {
            let parts = item.filter { !$0.isWhitespace }.split(
                separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let address = Address(hex: parts[0]),
                let place = place(parts[1]), place.port > 0,
                places.updateValue(place, forKey: address) == nil
            else { return nil }
        }
        return places
    }

    /// As ``places(_:)`` reads it.
    static func text(_ places: [Address: PeerPlace]) -> String {
        places.sorted { $0.key < $1.key }.map { "\($0.key)@\($0.value)" }.joined(separator: ",")
    }
}

extension TransportIdentity {
    /// The certificate of a directory, made when there is none.
    /// - Throws: `.key` for a file that others may read, `.file`, `.certificate`.
    static func load(_ path: String) throws(NodeError) -> TransportIdentity {
        let file = path + "/" + DataDirectory.certificateName
        do throws(KeyError) { try KeyFolder.checkMode(file) } catch { throw .key(error) }
        do {
            if try Files.mode(of: file) == nil {
                try Files.write(TransportIdentity.makePEM(), to: file, mode: 0o600)
            }
            return try TransportIdentity(pem: Files.read(file, limit: 1 << 16))
        } catch let error as FileError {
            throw .file(error)
        } catch {
            throw .certificate(path: file)
        }
    }
}

extension TransportIdentity {
    /// Replaces the certificate of a directory (NET-32).
    static func renew(_ path: String) throws(NodeError) -> TransportIdentity {
        let file = path + "/" + DataDirectory.certificateName
        do {
            let pem = try TransportIdentity.makePEM()
            let identity = try TransportIdentity(pem: pem)
            try Files.write(pem, to: file, mode: 0o600)
            return identity
        } catch let error as FileError {
            throw .file(error)
        } catch {
            throw .certificate(path: file)
        }
    }
}

/// Renews the certificate, if there is one, whenever the process gets SIGHUP (NET-32).
struct CertificateService: Service, CustomStringConvertible {
    let hangups: UnixSignalsSequence
    /// `nil`: alone, without a certificate.
    let network: PeerNetwork?
    let path: String
    let logger: Logger
    var description: String { "certificate" }

    func run() async throws {
        for await _ in hangups.cancelOnGracefulShutdown() {
            guard let network else {
                logger.info("no certificate to renew: this node has no peers")
                continue
            }
            do throws(NodeError) {
                let identity = try TransportIdentity.renew(path)
                network.transport.renew(identity)
                logger.info(
                    "certificate renewed", metadata: ["fingerprint": "\(identity.fingerprint)"])
            } catch {
                logger.error("certificate not renewed", metadata: ["reason": "\(error)"])
            }
        }
    }
}

/// Joins the engine with other nodes until the group stops.
struct NetworkService: Service, CustomStringConvertible {
    let network: PeerNetwork
    let engine: Engine
    var description: String { "peers" }

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await network.run(engine) }
            // Ends by an error when the task is cancelled, and then `run` ends too.
            try? await gracefulShutdown()
            await network.stop()
        }
    }
}

extension PeerNotice {
    func log(to logger: Logger) {
        switch self {
        case .connected(let peer, let weDialled):
            logger.info(
                "peer connected",
                metadata: [
                    "peer": "\(peer.address)", "role": "\(peer.role)", "height": "\(peer.height)",
                    "dialled": "\(weDialled)",
                ])
        case .disconnected(let peer, let reason):
            logger.info(
                "peer disconnected", metadata: ["peer": "\(peer)", "reason": "\(reason)"])
        case .refused(let reason, let peer):
            logger.debug(
                "connection refused",
                metadata: ["reason": "\(reason)", "dialled": "\(peer.map { "\($0)" } ?? "no")"])
        case .unreachable(let peer, let place):
            logger.debug("peer unreachable", metadata: ["peer": "\(peer)", "place": "\(place)"])
        case .offence(let peer, let reason):
            logger.warning(
                "a peer broke the rules", metadata: ["peer": "\(peer)", "reason": "\(reason)"])
        case .banned(let peer):
            logger.error("peer banned for ten minutes", metadata: ["peer": "\(peer)"])
        }
    }
}
