import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct Keccak256Tests {
    @Test func agreesWithEveryVector() throws {
        let vectors: [HashVector] = try Vectors.json("keccak/hashes.json")
        #expect(vectors.count == 257)
        for vector in vectors {
            let data = try Hex.vector(vector.data)
            #expect(Keccak256.hash(data).description == vector.keccak256, "\(vector.name)")
            #expect(SHA256.plain(data).description == vector.sha256, "\(vector.name)")
        }
    }

    /// Bytes i mod 251. The vectors of others end at 128 bytes, below the block of 136; these were
    /// made with another implementation of the permutation, itself checked against SHA3-256.
    @Test(arguments: [
        (134, "0x861e165162f806cd361c4421a48f205820ddf4deb02db9f041f48e179ddada97"),
        (135, "0xcbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62"),
        (136, "0x7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e"),
        (137, "0xac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db"),
        (271, "0x27eceb59ebc3dc8a04a5b135be641591a7278540e4556a2ba9f408194e666ec3"),
        (272, "0x8e2476e65823b24d96ebe239f2c1534cdf763e689e2410c3b1cb0c74e6177bfc"),
        (273, "0x3f02f134370e4debb95140ef49ddd3aed8c65ff1ed83a43f1b269421f179c5f9"),
        (1_000, "0xaf692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b"),
    ])
    func hashesAroundAndOverWholeBlocks(_ count: Int, _ digest: String) {
        let bytes = (0..<count).map { UInt8($0 % 251) }
        #expect(Keccak256.hash(bytes).description == digest)
    }

    @Test func readsUnalignedBuffers() {
        let bytes = [UInt8](repeating: 0x5a, count: 301)
        let expected = Keccak256.hash([UInt8](repeating: 0x5a, count: 300))
        bytes.withUnsafeBytes {
            #expect(Keccak256.hash(UnsafeRawBufferPointer(rebasing: $0[1...])) == expected)
        }
    }

    @Test func hashesABufferWithoutMemory() {
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(Keccak256.hash(empty) == Keccak256.hash([]))
    }
}

private struct HashVector: Decodable {
    let name: String
    let data: String
    let sha256: String
    let keccak256: String
}
