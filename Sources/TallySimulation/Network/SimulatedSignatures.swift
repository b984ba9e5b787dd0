import TallyConsensus
import TallyCrypto
import TallyPrimitives

/// Signatures that cost a few multiplications: r is a keyed hash of signer and digest, s names the
/// signer. To forge one is modelled as impossible: nobody in a simulation is given another's signer
/// (SIM-3).
struct SimulatedScheme: SignatureScheme {
    /// Of the run; nobody in it knows it.
    let key: UInt64

    init(key: UInt64) { self.key = key }

    func signature(_ address: Address, _ digest: Hash32) -> RecoverableSignature {
        let name = Hash32(
            words: (
                0, address.words.0 >> 32, address.words.0 << 32 | address.words.1 >> 32,
                address.words.1 << 32 | UInt64(address.words.2)
            ))
        let a = Self.mix(key ^ address.words.0 ^ digest.words.0)
        let b = Self.mix(a ^ address.words.1 ^ digest.words.1)
        let c = Self.mix(b ^ UInt64(address.words.2) ^ digest.words.2)
        let d = Self.mix(c ^ digest.words.3)
        return RecoverableSignature(r: Hash32(words: (a, b, c, d)), s: name, yParity: 0)
    }

    func signer(of signature: RecoverableSignature, over digest: Hash32) -> Address? {
        let name = signature.s.words
        let address = Address(
            words: (
                name.1 << 32 | name.2 >> 32, name.2 << 32 | name.3 >> 32,
                UInt32(truncatingIfNeeded: name.3)
            ))
        return signature == self.signature(address, digest) ? address : nil
    }

    /// The finish of SplitMix64.
    private static func mix(_ word: UInt64) -> UInt64 {
        var z = word &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// One validator's key.
struct SimulatedSigner: VoteSigner {
    let scheme: SimulatedScheme
    let address: Address

    func sign(_ digest: Hash32) -> RecoverableSignature { scheme.signature(address, digest) }

    /// A statement as an honest validator of `set` signs it.
    func sign<Content: Statement>(
        _ statement: Content, _ chain: ChainIdentity, validators: Hash32
    ) -> Signed<Content> {
        let digest = statement.digest(chain, validators: validators)
        return Signed(statement, sender: address, signature: sign(digest))
    }
}
