import CSecp256k1
import TallyPrimitives

/// Constants of secp256k1 and the library's one context.
/// Source: SEC 2, version 2.0, section 2.4.1.
enum Curve {
    /// n, the order of the group.
    static let order = Hash32(
        words: (
            0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_fffe,
            0xbaae_dce6_af48_a03b, 0xbfd2_5e8c_d036_4141
        ))

    /// (n − 1) / 2: the largest s of a signature (ENC-7).
    static let halfOrder = Hash32(
        words: (
            0x7fff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff,
            0x5d57_6e73_57a4_501d, 0xdfe9_2f46_681b_20a0
        ))

    // SAFETY: made and blinded once by the runtime's lazy initialiser, and only ever passed as
    // `const` afterwards; libsecp256k1 allows any number of threads to use such a context.
    nonisolated(unsafe) static let context: OpaquePointer = {
        guard let context = secp256k1_context_create(UInt32(SECP256K1_CONTEXT_NONE)) else {
            preconditionFailure("out of memory")
        }
        // Blinding guards signing against side channels. Signatures are right without it, so a
        // machine that cannot give randomness now may still verify.
        if let seed = try? SecureRandom.bytes(32) {
            precondition(secp256k1_context_randomize(context, seed) == 1)
        }
        return context
    }()

    /// Calls `body` with `count` uninitialised bytes of the stack, at least 1, for a C function to
    /// fill. They must not escape.
    static func withScratch<R>(count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> R) -> R {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("no scratch space") }
            return body(base)
        }
    }
}

extension Hash32 {
    /// Calls `body` with the 32 bytes in the form that C takes. They must not escape.
    func withPointer<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
        let raw = (
            words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian
        )
        return withUnsafePointer(to: raw) {
            $0.withMemoryRebound(to: UInt8.self, capacity: 32, body)
        }
    }

    /// Calls `body` with the 64 bytes of two values. They must not escape.
    static func withJoined<R>(
        _ a: Hash32, _ b: Hash32, _ body: (UnsafePointer<UInt8>) -> R
    ) -> R {
        let raw = (
            a.words.0.bigEndian, a.words.1.bigEndian, a.words.2.bigEndian, a.words.3.bigEndian,
            b.words.0.bigEndian, b.words.1.bigEndian, b.words.2.bigEndian, b.words.3.bigEndian
        )
        return withUnsafePointer(to: raw) {
            $0.withMemoryRebound(to: UInt8.self, capacity: 64, body)
        }
    }
}
