package import TallyPrimitives

/// Text that a person signs, told apart from transactions by what stands in front of it.
package enum PersonalMessage {
    /// Keccak-256 of 0x19, `Ethereum Signed Message:\n`, the length in decimal, and the message
    /// (EIP-191, version 0x45).
    package static func digest(_ message: [UInt8]) -> Hash32 {
        Keccak256.hash(
            Array("\u{19}Ethereum Signed Message:\n\(message.count)".utf8) + message)
    }
}
