package import TallyPrimitives

/// A private key under a password: version 3 of the Web3 Secret Storage Definition (ENC-10 to 12).
package struct KeystoreFile: Hashable, Sendable {
    /// Text of a UUID, not derived from the key, when the file has one.
    package let id: String?
    /// The account, when the file states it; believed only once the key is open.
    package let address: Address?
    let derivation: KeyDerivation
    /// 16 bytes.
    let counter: [UInt8]
    /// 32 bytes.
    let ciphertext: [UInt8]
    let checksum: Hash32

    init(
        id: String?, address: Address?, derivation: KeyDerivation, counter: [UInt8],
        ciphertext: [UInt8], checksum: Hash32
    ) {
        self.id = id
        self.address = address
        self.derivation = derivation
        self.counter = counter
        self.ciphertext = ciphertext
        self.checksum = checksum
    }

    /// Puts `key` under `password`, stretched by scrypt.
    /// - Parameters:
    ///   - password: taken as its UTF-8 bytes, not normalised.
    ///   - random: gives the asked number of bytes: 32 of salt, 16 of counter, 16 of identifier.
    /// - Throws: `.outOfMemory`, `.randomness`.
    package init(
        encrypting key: PrivateKey, password: String, cost: ScryptCost = .standard,
        random: (Int) throws(SecureRandomError) -> [UInt8] = SecureRandom.bytes
    ) throws(KeystoreError) {
        let salt = try Self.draw(32, from: random)
        let counter = try Self.draw(16, from: random)
        let id = Self.identifier(try Self.draw(16, from: random))
        let derivation = KeyDerivation.scrypt(cost, salt: salt)
        let derived = try derivation.derive(password: password)
        let ciphertext = AES128CTR.apply(
            key: Array(derived[..<16]), counter: counter, to: key.exportBytes())
        self.init(
            id: id, address: key.address, derivation: derivation, counter: counter,
            ciphertext: ciphertext, checksum: Self.checksum(derived, ciphertext))
    }

    /// The key, if `password` is the one it was put under.
    /// - Throws: `.wrongPassword`, `.outOfMemory`, `.addressMismatch`, and `.malformed` for a key
    ///   that is out of range.
    package func decrypt(password: String) throws(KeystoreError) -> PrivateKey {
        let derived = try derivation.derive(password: password)
        guard ConstantTime.equal(Self.checksum(derived, ciphertext), checksum) else {
            throw .wrongPassword
        }
        let secret = AES128CTR.apply(
            key: Array(derived[..<16]), counter: counter, to: ciphertext)
        guard let key = try? PrivateKey(secret) else {
            throw .malformed(field: "crypto.ciphertext")
        }
        if let address, address != key.address {
            throw .addressMismatch(stated: address, actual: key.address)
        }
        return key
    }

    /// ENC-11
    private static func checksum(_ derived: [UInt8], _ ciphertext: [UInt8]) -> Hash32 {
        Keccak256.hash(derived[16..<32] + ciphertext)
    }

    private static func draw(
        _ count: Int, from random: (Int) throws(SecureRandomError) -> [UInt8]
    ) throws(KeystoreError) -> [UInt8] {
        do {
            let bytes = try random(count)
            precondition(bytes.count == count, "a source of randomness gives what is asked")
            return bytes
        } catch {
            throw .randomness(error)
        }
    }

    /// A random UUID (RFC 9562, version 4) of 16 bytes.
    private static func identifier(_ random: [UInt8]) -> String {
        var bytes = random
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16]
            .map { String(Hex.encode(bytes[$0]).dropFirst(2)) }
            .joined(separator: "-")
    }
}
