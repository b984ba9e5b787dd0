import NIOCore
import NIOSSL
package import TallyCrypto
package import TallyPrimitives

/// Why a node has no identity for its connections.
package enum TransportIdentityError: Error, Hashable, Sendable {
    case randomness(CertificateError)
    /// The text holds no certificate, no private key, or not the one's key.
    case malformed
}

/// A node's certificate and its key, ready for TLS (NET-1).
package struct TransportIdentity: Sendable {
    let client: NIOSSLContext
    let server: NIOSSLContext
    /// Plain SHA-256 of the certificate's SubjectPublicKeyInfo.
    package let fingerprint: Hash32

    /// A new certificate: the text to keep, readable by its owner alone.
    /// - Throws: `.randomness`.
    package static func makePEM() throws(TransportIdentityError) -> [UInt8] {
        do throws(CertificateError) {
            return try SelfSignedCertificate.generate().pem
        } catch { throw .randomness(error) }
    }

    /// - Parameter pem: what ``makePEM()`` gave.
    /// - Throws: `.malformed`.
    package init(pem: [UInt8]) throws(TransportIdentityError) {
        do {
            guard let certificate = try NIOSSLCertificate.fromPEMBytes(pem).first else {
                throw TransportIdentityError.malformed
            }
            let key = NIOSSLPrivateKeySource.privateKey(
                try NIOSSLPrivateKey(bytes: pem, format: .pem))
            let chain = [NIOSSLCertificateSource.certificate(certificate)]
            fingerprint = try Self.fingerprint(certificate)
            var client = TLSConfiguration.makeClientConfiguration()
            client.certificateChain = chain
            client.privateKey = key
            var server = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: key)
            client.harden()
            server.harden()
            self.client = try NIOSSLContext(configuration: client)
            self.server = try NIOSSLContext(configuration: server)
        } catch { throw .malformed }
    }

    static func fingerprint(_ certificate: NIOSSLCertificate) throws -> Hash32 {
        SHA256.plain(try certificate.extractPublicKey().toSPKIBytes())
    }
}

extension TLSConfiguration {
    /// NET-1: one version, a certificate of both sides, and no authority.
    fileprivate mutating func harden() {
        minimumTLSVersion = .tlsv13
        maximumTLSVersion = .tlsv13
        // Asks for a certificate; `PeerChannel` says which is taken.
        certificateVerification = .noHostnameVerification
        trustRoots = .certificates([])
        shutdownTimeout = .seconds(1)
    }
}
