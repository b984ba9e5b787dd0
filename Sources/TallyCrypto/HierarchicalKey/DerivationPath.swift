/// Why text is no path of keys. Positions count the steps behind `m`, from 1.
package enum DerivationPathError: Error, Hashable, Sendable {
    /// The text does not begin with `m`.
    case missingRoot
    /// A step that is not a decimal number with at most one `'`, `h` or `H` behind it.
    case malformedStep(position: Int)
    /// A step above 2^31 − 1.
    case stepTooLarge(position: Int)
    /// More steps than a key can be deep.
    case tooDeep(limit: Int)
}

extension DerivationPathError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missingRoot: "a path begins with m, as in m/44'/60'/0'/0/0"
        case .malformedStep(let position):
            "step \(position) of the path is no number with at most a ' behind it"
        case .stepTooLarge(let position): "step \(position) of the path is above 2147483647"
        case .tooDeep(let limit): "a path has at most \(limit) steps"
        }
    }
}

/// The way from a master key to one of its descendants, such as `m/44'/60'/0'/0/0` (ENC-14).
package struct DerivationPath: Hashable, Sendable, CustomStringConvertible {
    /// What is added to the number of a hardened step.
    package static let hardened: UInt32 = 1 << 31
    /// The depth of a key is one byte.
    static let maximumDepth = 255

    /// The first account of Ethereum wallets (BIP-44, coin type 60 of SLIP-44).
    package static let ethereum = DerivationPath(
        indices: [44 | hardened, 60 | hardened, hardened, 0, 0])

    /// The steps, hardened ones with their highest bit set.
    package let indices: [UInt32]

    private init(indices: [UInt32]) { self.indices = indices }

    /// - Throws: every case of `DerivationPathError`.
    package init(_ text: some StringProtocol) throws(DerivationPathError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.first == "m" else { throw .missingRoot }
        guard parts.count <= Self.maximumDepth + 1 else {
            throw .tooDeep(limit: Self.maximumDepth)
        }
        var indices: [UInt32] = []
        for (position, part) in parts.enumerated().dropFirst() {
            let isHardened = part.last == "'" || part.last == "h" || part.last == "H"
            let digits = isHardened ? part.dropLast() : part
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw .malformedStep(position: position)
            }
            guard let number = UInt32(digits), number < Self.hardened else {
                throw .stepTooLarge(position: position)
            }
            indices.append(number | (isHardened ? Self.hardened : 0))
        }
        self.init(indices: indices)
    }

    package var description: String {
        indices.reduce("m") { text, index in
            "\(text)/\(index & ~Self.hardened)" + (index & Self.hardened == 0 ? "" : "'")
        }
    }
}
