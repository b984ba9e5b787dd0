import FoundationEssentials
import TallyPrimitives

extension KeystoreFile {
    /// Real files have about 500 bytes.
    private static let byteLimit = 16_384

    /// Reads and checks a document; opens nothing.
    /// - Throws: every case of `KeystoreError` but `.wrongPassword`, `.addressMismatch`,
    ///   `.outOfMemory` and `.randomness`.
    package init(json: [UInt8]) throws(KeystoreError) {
        guard json.count <= Self.byteLimit else { throw .tooLarge(limit: Self.byteLimit) }
        // First only the version: another one may have another shape.
        let version: Version = try Self.decode(json)
        guard version.version == 3 else { throw .unsupportedVersion(version.version) }
        let document: Document = try Self.decode(json)
        let crypto = document.crypto
        guard crypto.cipher == "aes-128-ctr" else { throw .unsupportedCipher(crypto.cipher) }
        var cipher = Parameters(crypto.cipherparams, path: "crypto.cipherparams")
        let counter = try cipher.bytes("iv", 16...16)
        try cipher.finish()
        let checksum = try Self.bytes(crypto.mac, 32...32, field: "crypto.mac")
        self.init(
            id: document.id,
            address: try Self.address(document.address),
            derivation: try Self.derivation(crypto),
            counter: counter,
            ciphertext: try Self.bytes(crypto.ciphertext, 32...32, field: "crypto.ciphertext"),
            checksum: checksum.withUnsafeBytes { Hash32(loading: $0) })
    }

    /// The document as compact JSON with sorted keys.
    package func json() -> [UInt8] {
        let (kdf, parameters) = derivationFields
        let document = Document(
            version: 3, id: id, address: address.map { Self.digits($0.bytes) },
            crypto: Document.Crypto(
                cipher: "aes-128-ctr", cipherparams: ["iv": .text(Self.digits(counter))],
                ciphertext: Self.digits(ciphertext), kdf: kdf, kdfparams: parameters,
                mac: Self.digits(checksum.bytes)))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(document) else {
            preconditionFailure("texts and integers have a form in JSON")
        }
        return Array(data)
    }

    private static func derivation(
        _ crypto: Document.Crypto
    ) throws(KeystoreError) -> KeyDerivation {
        var parameters = Parameters(crypto.kdfparams, path: "crypto.kdfparams")
        let derivation: KeyDerivation
        switch crypto.kdf {
        case "scrypt":
            let cost = try ScryptCost(
                n: try parameters.number("n"), r: try parameters.number("r"),
                p: try parameters.number("p"))
            derivation = .scrypt(cost, salt: try parameters.bytes("salt", 1...256))
        case "pbkdf2":
            let prf = try parameters.text("prf")
            guard prf == "hmac-sha256" else { throw .unsupportedPRF(prf) }
            let rounds = try parameters.number("c")
            guard rounds > 0 else { throw .malformed(field: "crypto.kdfparams.c") }
            guard rounds <= KeyDerivation.maximumRounds else {
                throw .excessiveCost(.rounds(rounds))
            }
            derivation = .pbkdf2(
                rounds: Int32(rounds), salt: try parameters.bytes("salt", 1...256))
        default:
            throw .unsupportedKDF(crypto.kdf)
        }
        guard try parameters.number("dklen") == 32 else {
            throw .malformed(field: "crypto.kdfparams.dklen")
        }
        try parameters.finish()
        return derivation
    }

    private var derivationFields: (kdf: String, parameters: [String: Parameters.Value]) {
        switch derivation {
        case .scrypt(let cost, let salt):
            let fields: [String: Parameters.Value] = [
                "n": .number(cost.n), "r": .number(cost.r), "p": .number(cost.p),
                "dklen": .number(32), "salt": .text(Self.digits(salt)),
            ]
            return ("scrypt", fields)
        case .pbkdf2(let rounds, let salt):
            let fields: [String: Parameters.Value] = [
                "c": .number(UInt64(rounds)), "prf": .text("hmac-sha256"),
                "dklen": .number(32), "salt": .text(Self.digits(salt)),
            ]
            return ("pbkdf2", fields)
        }
    }

    /// Some wallets write the prefix in front of the address, none elsewhere; some leave it empty.
    private static func address(_ text: String?) throws(KeystoreError) -> Address? {
        guard let text, !text.isEmpty else { return nil }
        guard let address = Address(hex: text) ?? Address(hex: "0x" + text) else {
            throw .malformed(field: "address")
        }
        return address
    }

    /// The bytes of digits without prefix.
    fileprivate static func bytes(
        _ text: String, _ count: ClosedRange<Int>, field: String
    ) throws(KeystoreError) -> [UInt8] {
        guard let bytes = Hex.decode("0x" + text), count.contains(bytes.count) else {
            throw .malformed(field: field)
        }
        return bytes
    }

    private static func digits(_ bytes: [UInt8]) -> String {
        String(Hex.encode(bytes).dropFirst(2))
    }

    private static func decode<T: Decodable>(_ json: [UInt8]) throws(KeystoreError) -> T {
        do {
            return try JSONDecoder().decode(T.self, from: Data(json))
        } catch let error as DecodingError {
            let path: [any CodingKey] =
                switch error {
                case .typeMismatch(_, let context), .valueNotFound(_, let context),
                    .dataCorrupted(let context):
                    context.codingPath
                case .keyNotFound(let key, let context): context.codingPath + [key]
                @unknown default: []
                }
            guard !path.isEmpty else { throw .notJSON }
            throw .malformed(field: path.map(\.stringValue).joined(separator: "."))
        } catch {
            throw .notJSON
        }
    }
}

private struct Version: Decodable {
    let version: Int
}

/// The document. Unknown keys are ignored here, since wallets add notes of their own, but not
/// among the parameters.
private struct Document: Codable {
    struct Crypto: Codable {
        let cipher: String
        let cipherparams: [String: Parameters.Value]
        let ciphertext: String
        let kdf: String
        let kdfparams: [String: Parameters.Value]
        let mac: String
    }

    let version: Int
    let id: String?
    let address: String?
    let crypto: Crypto

    private enum CodingKeys: String, CodingKey {
        case version, id, address, crypto
        /// As early wallets spelt it.
        case capitalized = "Crypto"
    }

    init(version: Int, id: String?, address: String?, crypto: Crypto) {
        self.version = version
        self.id = id
        self.address = address
        self.crypto = crypto
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        version = try fields.decode(Int.self, forKey: .version)
        id = try fields.decodeIfPresent(String.self, forKey: .id)
        address = try fields.decodeIfPresent(String.self, forKey: .address)
        let isCapitalized = !fields.contains(.crypto) && fields.contains(.capitalized)
        crypto = try fields.decode(
            Crypto.self, forKey: isCapitalized ? .capitalized : .crypto)
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(version, forKey: .version)
        try fields.encodeIfPresent(id, forKey: .id)
        try fields.encodeIfPresent(address, forKey: .address)
        try fields.encode(crypto, forKey: .crypto)
    }
}

/// The parameters of a cipher or a derivation, each read once.
private struct Parameters {
    enum Value: Codable {
        case number(UInt64)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(UInt64.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let number): try container.encode(number)
            case .text(let text): try container.encode(text)
            }
        }
    }

    private var values: [String: Value]
    private let path: String

    init(_ values: [String: Value], path: String) {
        self.values = values
        self.path = path
    }

    mutating func number(_ name: String) throws(KeystoreError) -> UInt64 {
        guard case .number(let number) = values.removeValue(forKey: name) else {
            throw .malformed(field: "\(path).\(name)")
        }
        return number
    }

    mutating func text(_ name: String) throws(KeystoreError) -> String {
        guard case .text(let text) = values.removeValue(forKey: name) else {
            throw .malformed(field: "\(path).\(name)")
        }
        return text
    }

    mutating func bytes(
        _ name: String, _ count: ClosedRange<Int>
    ) throws(KeystoreError) -> [UInt8] {
        try KeystoreFile.bytes(try text(name), count, field: "\(path).\(name)")
    }

    /// - Throws: `.unknownParameter` for the first that nobody read.
    func finish() throws(KeystoreError) {
        guard let name = values.keys.min() else { return }
        throw .unknownParameter(field: "\(path).\(name)")
    }
}
