import COpenSSL

/// Overwriting what must not stay in memory.
package enum SecretBytes {
    /// Overwrites `bytes` in a way that no optimiser removes. Copies made before are not reached.
    package static func wipe(_ bytes: inout [some FixedWidthInteger]) {
        bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}

/// HMAC with SHA-512 (RFC 2104, FIPS 180-4).
enum HMACSHA512 {
    /// 64 bytes.
    static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 64)
        let made = HMAC(EVP_sha512(), key, Int32(key.count), message, message.count, &code, nil)
        precondition(made != nil, "HMAC refuses only arguments out of range")
        return code
    }
}

/// RIPEMD-160, which BIP-32 names keys by (ISO/IEC 10118-3).
enum RIPEMD160 {
    /// 20 bytes.
    static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        precondition(
            EVP_Digest(bytes, bytes.count, &digest, nil, EVP_ripemd160(), nil) == 1,
            "OpenSSL has no RIPEMD-160")
        return digest
    }
}
