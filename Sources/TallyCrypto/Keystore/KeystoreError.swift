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

/// What a key derivation would take.
package enum KeystoreCost: Hashable, Sendable {
    /// Bytes held at once by scrypt.
    case memory(UInt64)
    /// scrypt: n · r · p, the number of 128-byte blocks mixed. PBKDF2: iterations.
    case rounds(UInt64)
    /// scrypt: r · p, the number of 128-byte blocks stretched from the password.
    case blocks(UInt64)
}
