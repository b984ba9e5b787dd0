/// Something that takes bytes from outside, with what must hold of it whatever they are.
/// `Specs/fuzzing.md` has the rules.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case rlp
    case envelope
    case frames
    case messages
    case agreement
    case blocks
    case proofs
    case journal
    case storedValues
    case json
    case jsonRPC
    case webSocket
    case configuration
    case genesis
    case keystore

    /// Sets up what the inputs of a target share. To be awaited once before `run`.
    package func prepare() async throws {
        switch self {
        case .jsonRPC, .webSocket: try await ServedLedger.prepare()
        case .rlp, .envelope, .frames, .messages, .agreement, .blocks, .proofs, .journal,
            .storedValues, .json, .configuration, .genesis, .keystore:
            break
        }
    }

    /// Gives an input to the product. Blocks where the target has a socket.
    /// - Throws: the rule that does not hold.
    package func run(_ bytes: [UInt8]) throws(Violation) {
        guard bytes.count <= Self.maximumByteCount else { return }
        switch self {
        case .rlp: try checkRLP(bytes)
        case .envelope: try checkEnvelope(bytes)
        case .frames: try checkFrames(bytes)
        case .messages: try checkMessage(bytes)
        case .agreement: try checkAgreement(bytes)
        case .blocks: try checkBlock(bytes)
        case .proofs: try checkProof(bytes)
        case .journal: try checkJournal(bytes)
        case .storedValues: try checkStoredValue(bytes)
        case .json: try checkJSON(bytes)
        case .jsonRPC: try ServedLedger.checkCall(bytes)
        case .webSocket: try ServedLedger.checkWebSocket(bytes)
        case .configuration: try checkConfiguration(bytes)
        case .genesis: try checkGenesis(bytes)
        case .keystore: try checkKeystore(bytes)
        }
    }

    /// Longest input that is looked at. Bounds of the product that are higher have tests of their own.
    package static let maximumByteCount = 8_192
}

/// A rule of `Specs/fuzzing.md` that an input breaks.
package struct Violation: Error, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

func check(
    _ holds: Bool, _ rule: @autoclosure () -> String
) throws(Violation) {
    guard holds else { throw Violation(rule()) }
}

/// The first byte of an input, which says what to do with the others.
struct Choice {
    let number: Int
    let rest: [UInt8]

    /// - Parameter count: how many choices there are, at most 256.
    init?(_ bytes: [UInt8], of count: Int) {
        guard let first = bytes.first else { return nil }
        number = Int(first) % count
        rest = Array(bytes.dropFirst())
    }
}
