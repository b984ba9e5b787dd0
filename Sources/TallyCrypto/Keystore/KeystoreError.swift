package import TallyPrimitives

/// Why a keystore file cannot be read, opened or made. A `field` is a dotted path of the document.
package enum KeystoreError: Error, Hashable, Sendable {
    /// More bytes than any such file needs.
    case tooLarge(limit: Int)
    case notJSON
    /// The field is missing or has another type, length or range than it must.
    case malformed(field: String)
    /// A parameter that this version does not know, and that could change the meaning of others.
    case unknownParameter(field: String)
    /// Not version 3.
    case unsupportedVersion(Int)
    case unsupportedCipher(String)
    case unsupportedKDF(String)
    /// The pseudo-random function of PBKDF2.
    case unsupportedPRF(String)
    /// Deriving the key would take more than a file may ask for (ENC-12).
    case excessiveCost(KeystoreCost)
    /// The machine has not the memory that the derivation takes.
    case outOfMemory(bytes: Int)
    /// The password is wrong, or the file was altered: its checksum cannot tell which.
    case wrongPassword
    /// The file names another account than that of its key.
    case addressMismatch(stated: Address, actual: Address)
    case randomness(SecureRandomError)
}

extension KeystoreError {
    /// What programs match on.
    package var code: String {
        switch self {
        case .tooLarge: "keystoreTooLarge"
        case .notJSON: "keystoreNotJSON"
        case .malformed: "keystoreMalformed"
        case .unknownParameter: "keystoreUnknownParameter"
        case .unsupportedVersion: "keystoreVersion"
        case .unsupportedCipher: "keystoreCipher"
        case .unsupportedKDF: "keystoreKDF"
        case .unsupportedPRF: "keystorePRF"
        case .excessiveCost: "keystoreCost"
        case .outOfMemory: "outOfMemory"
        case .wrongPassword: "wrongPassword"
        case .addressMismatch: "keystoreAddress"
        case .randomness: "randomness"
        }
    }
}

extension KeystoreError: CustomStringConvertible {
    /// What is wrong with the file, or with what was tried, as a clause.
    package var description: String {
        switch self {
        case .tooLarge(let limit): "it has more than \(limit) bytes"
        case .notJSON: "it is not a JSON object"
        case .malformed(let field):
            "\(field) is missing, or has another type, length or range than it must"
        case .unknownParameter(let field):
            "\(field) is not known here, and could change what the others mean"
        case .unsupportedVersion(let version): "it is of version \(version), not 3"
        case .unsupportedCipher(let cipher): "its cipher is \(cipher), not aes-128-ctr"
        case .unsupportedKDF(let kdf): "its key derivation is \(kdf), not scrypt or pbkdf2"
        case .unsupportedPRF(let prf): "its PBKDF2 uses \(prf), not hmac-sha256"
        case .excessiveCost(let cost): "opening it would take \(cost), more than a file may ask for"
        case .outOfMemory(let bytes): "the derivation takes \(bytes) bytes, which there are not"
        case .wrongPassword: "the password is wrong, or the file was altered"
        case .addressMismatch(let stated, let actual):
            "it names the account \(stated), and its key is that of \(actual)"
        case .randomness(let error): "no random bytes: \(error)"
        }
    }
}

/// What a key derivation would take.
package enum KeystoreCost: Hashable, Sendable {
    /// Bytes held at once by scrypt.
    case memory(UInt64)
    /// scrypt: n · r · p, the number of 128-byte blocks mixed. PBKDF2: iterations.
    case rounds(UInt64)
    /// scrypt: r · p, the number of 128-byte blocks stretched from the password.
    case blocks(UInt64)
}

extension KeystoreCost: CustomStringConvertible {
    package var description: String {
        switch self {
        case .memory(let bytes): "\(bytes) bytes of memory"
        case .rounds(let count): "\(count) rounds"
        case .blocks(let count): "\(count) blocks"
        }
    }
}
