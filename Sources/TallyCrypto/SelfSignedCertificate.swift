import COpenSSL

/// Why no certificate could be made.
public enum CertificateError: Error, Hashable, Sendable {
    /// OpenSSL refused; `code` is the first of its error queue.
    case unavailable(code: UInt)
}

/// A P-256 key made for TLS alone, and a certificate over it that it signed itself (NET-1).
///
/// Its names and dates mean nothing: who it belongs to is said elsewhere, by another key.
package struct SelfSignedCertificate: Sendable {
    /// DER, X.509 version 3.
    package let certificate: [UInt8]
    /// DER, SEC 1. A secret.
    private let privateKey: [UInt8]

    /// A fresh key from the operating system's randomness.
    /// - Throws: `.unavailable`.
    package static func generate() throws(CertificateError) -> SelfSignedCertificate {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { throw failure }
        defer { EVP_PKEY_CTX_free(context) }
        var made: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
            EVP_PKEY_generate(context, &made) == 1, let key = made
        else { throw failure }
        defer { EVP_PKEY_free(key) }
        guard let certificate = X509_new() else { throw failure }
        defer { X509_free(certificate) }
        try sign(certificate, with: key)
        return SelfSignedCertificate(
            certificate: try encoded { i2d_X509(certificate, $0) },
            privateKey: try encoded { i2d_PrivateKey(key, $0) })
    }

    private static func sign(
        _ certificate: OpaquePointer, with key: OpaquePointer
    ) throws(CertificateError) {
        // One validity for all: a node's clock decides nothing about whom it talks to.
        guard X509_set_version(certificate, 2) == 1,
            ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1,
            ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20000101000000Z") == 1,
            ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1,
            let name = X509_get_subject_name(certificate),
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, "tallystick", -1, -1, 0) == 1,
            X509_set_issuer_name(certificate, name) == 1,
            X509_set_pubkey(certificate, key) == 1,
            X509_sign(certificate, key, EVP_sha256()) > 0
        else { throw failure }
    }

    /// Calls an encoder of OpenSSL's twice: for the length, then for the bytes.
    private static func encoded(
        _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    ) throws(CertificateError) -> [UInt8] {
        let count = encode(nil)
        guard count > 0 else { throw failure }
        var written: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initialized in
            // The encoder moves the pointer that it is given, not the buffer's.
            var place = buffer.baseAddress
            written = encode(&place)
            initialized = max(0, Int(written))
        }
        guard written == count else { throw failure }
        return bytes
    }

    private static var failure: CertificateError { .unavailable(code: ERR_get_error()) }

    /// Key and certificate as one text of RFC 7468: a file that is written whole or not at all
    /// never holds a key of another certificate.
    package var pem: [UInt8] {
        Self.armour(privateKey, "EC PRIVATE KEY") + Self.armour(certificate, "CERTIFICATE")
    }

    private static func armour(_ der: [UInt8], _ label: String) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: 4 * ((der.count + 2) / 3) + 1)
        let count = Int(EVP_EncodeBlock(&text, der, Int32(der.count)))
        var pem = Array("-----BEGIN \(label)-----\n".utf8)
        for start in stride(from: 0, to: count, by: 64) {
            pem += text[start..<min(start + 64, count)]
            pem.append(UInt8(ascii: "\n"))
        }
        return pem + Array("-----END \(label)-----\n".utf8)
    }
}

extension SelfSignedCertificate: CustomStringConvertible, CustomReflectable {
    package var description: String { "SelfSignedCertificate(redacted)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
