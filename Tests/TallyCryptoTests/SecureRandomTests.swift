import TallyCrypto
import Testing

@Suite struct SecureRandomTests {
    @Test(arguments: [0, 1, 32, 1_000]) func givesTheAskedNumber(_ count: Int) throws {
        #expect(try SecureRandom.bytes(count).count == count)
    }

    @Test func doesNotRepeat() throws {
        #expect(try SecureRandom.bytes(32) != SecureRandom.bytes(32))
    }

    @Test func comparesInConstantTimeAsEqualityDoes() {
        let a: [UInt8] = [1, 2, 3]
        #expect(ConstantTime.equal(a, [1, 2, 3]))
        #expect(!ConstantTime.equal(a, [1, 2, 4]))
        #expect(!ConstantTime.equal(a, [0, 2, 3]))
        #expect(!ConstantTime.equal(a, [1, 2]))
        #expect(ConstantTime.equal([UInt8](), []))
        #expect(ConstantTime.equal(Keccak256.hash(a), Keccak256.hash(a)))
        #expect(!ConstantTime.equal(Keccak256.hash(a), Keccak256.hash([])))
    }
}
