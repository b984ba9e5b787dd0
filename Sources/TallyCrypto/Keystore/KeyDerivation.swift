import COpenSSL

/// How a keystore file stretches its password (ENC-12).
enum KeyDerivation: Hashable, Sendable {
    case scrypt(ScryptCost, salt: [UInt8])
    case pbkdf2(rounds: Int32, salt: [UInt8])

    /// About three seconds of one core; files in use ask for 262,144 to 1,000,000.
    static let maximumRounds: UInt64 = 10_000_000

    /// The 32 bytes that a password gives: 16 for the cipher, 16 for the checksum.
    /// - Throws: `.outOfMemory`.
    func derive(password: String) throws(KeystoreError) -> [UInt8] {
        let password = Array(password.utf8)
        switch self {
        case .scrypt(let cost, let salt):
            return try Scrypt.derive(password: password, salt: salt, cost: cost, count: 32)
        case .pbkdf2(let rounds, let salt):
            return PBKDF2.derive(password: password, salt: salt, rounds: rounds, count: 32)
        }
    }
}

/// PBKDF2 with HMAC (RFC 8018, section 5.2).
enum PBKDF2 {
    enum HashFunction {
        case sha256
        case sha512
    }

    /// - Parameters:
    ///   - rounds: at least 1.
    ///   - count: bytes to make, at least 1.
    static func derive(
        password: [UInt8], salt: [UInt8], rounds: Int32, count: Int,
        function: HashFunction = .sha256
    ) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: count)
        let digest =
            switch function {
            case .sha256: EVP_sha256()
            case .sha512: EVP_sha512()
            }
        let status = password.withUnsafeBytes { text in
            PKCS5_PBKDF2_HMAC(
                text.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(text.count), salt,
                Int32(salt.count), rounds, digest, Int32(count), &key)
        }
        precondition(status == 1, "PBKDF2 refuses only arguments out of range")
        return key
    }
}

/// AES-128 in counter mode (NIST SP 800-38A, section 6.5): one function encrypts and decrypts.
enum AES128CTR {
    /// - Parameters:
    ///   - key: 16 bytes.
    ///   - counter: 16 bytes, the first counter block; it wraps at 2^128.
    static func apply(key: [UInt8], counter: [UInt8], to input: [UInt8]) -> [UInt8] {
        precondition(key.count == 16 && counter.count == 16, "wrong length of key or counter")
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        defer { EVP_CIPHER_CTX_free(context) }
        var output = [UInt8](repeating: 0, count: input.count)
        var written: Int32 = 0
        precondition(
            EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nil, key, counter) == 1
                && EVP_EncryptUpdate(context, &output, &written, input, Int32(input.count)) == 1
                && Int(written) == input.count,
            "a stream cipher takes any input")
        return output
    }
}
