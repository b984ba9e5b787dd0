import COpenSSL
package import TallyPrimitives

/// Why no random bytes could be had.
public enum SecureRandomError: Error, Hashable, Sendable {
    /// OpenSSL's generator is not seeded or failed; `code` is the first of its error queue.
    case unavailable(code: UInt)
}

/// Bytes of the operating system's quality, for keys, salts and blinding. Never in the protocol:
/// what validators must agree on comes from their inputs alone.
package enum SecureRandom {
    /// - Parameter count: 0 ... 2^31 − 1.
    /// - Throws: `.unavailable`.
    package static func bytes(_ count: Int) throws(SecureRandomError) -> [UInt8] {
        precondition((0...Int(Int32.max)).contains(count), "count out of range")
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else {
            throw .unavailable(code: ERR_get_error())
        }
        return bytes
    }
}

/// Comparison whose time tells nothing about where two values differ.
package enum ConstantTime {
    /// Whether both are equal. Unequal lengths are told apart at once: a length is no secret.
    package static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        guard let left = a.baseAddress, let right = b.baseAddress else { return true }
        return CRYPTO_memcmp(left, right, a.count) == 0
    }

    package static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.withUnsafeBytes { left in b.withUnsafeBytes { equal(left, $0) } }
    }

    package static func equal(_ a: Hash32, _ b: Hash32) -> Bool {
        a.withBytes { left in b.withBytes { equal(left, $0) } }
    }
}
