internal import TallyCrypto
package import TallyPrimitives

extension Endorsement: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(sender)
            signature.append(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(sender: try list.nextFixed(), signature: try RecoverableSignature.next(&list))
        try list.finish()
    }
}

extension PreparedCertificate: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(round)
            out.append(digest)
            out.append(endorsements)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            round: try list.nextRound(), digest: try list.nextFixed(),
            endorsements: try list.nextArray(limit: ValidatorSet.maximumCount))
        try list.finish()
    }
}

extension RLPEncoder {
    /// The empty list, or the certificate.
    mutating func append(optional certificate: PreparedCertificate?) {
        if let certificate { certificate.encode(to: &self) } else { list { _ in } }
    }
}

extension RLPDecoder {
    /// The empty list, or a certificate.
    mutating func nextOptionalCertificate() throws(RLPError) -> PreparedCertificate? {
        var ahead = self
        if try ahead.nextList().isAtEnd {
            self = ahead
            return nil
        }
        return try PreparedCertificate(from: &self)
    }
}

extension Justification: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(roundChanges)
            out.append(optional: certificate)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            roundChanges: try list.nextArray(limit: ValidatorSet.maximumCount),
            certificate: try list.nextOptionalCertificate())
        try list.finish()
    }
}

extension FinalCertificate: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(height)
            out.append(round)
            out.append(digest)
            out.append(bitmap)
            out.list { out in for seal in seals { seal.append(to: &out) } }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let height = try list.nextHeight()
        let round = try list.nextRound()
        let digest: Hash32 = try list.nextFixed()
        let bitmap = try list.nextString(limit: ValidatorSet.maximumCount / 8)
        let signers = try Self.signers(bitmap)
        let seals = try list.nextArray(limit: signers.count) {
            (input) throws(RLPError) in try RecoverableSignature.next(&input)
        }
        guard seals.count == signers.count else { throw .truncated }
        try list.finish()
        self.init(
            height: height, round: round, digest: digest, signers: signers, seals: seals)
    }

    /// Signer i is bit i mod 8, least significant first, of byte i / 8; no zero byte at the end.
    private var bitmap: [UInt8] {
        guard let last = signers.last else { return [] }
        var bytes = [UInt8](repeating: 0, count: last / 8 + 1)
        for signer in signers { bytes[signer / 8] |= 1 << UInt8(signer % 8) }
        return bytes
    }

    private static func signers(_ bitmap: ArraySlice<UInt8>) throws(RLPError) -> [Int] {
        if bitmap.last == 0 { throw .nonCanonicalLength }
        var signers: [Int] = []
        for (i, byte) in bitmap.enumerated() {
            for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 { signers.append(8 * i + bit) }
        }
        return signers
    }
}
