public import TallyPrimitives

/// Names an object of a compute family: who owns it, and the owner's nonce when it was made. It lies
/// on its owner's shard (OBJ-1).
public struct ObjectID: Hashable, Comparable, Sendable {
    public let owner: Address
    public let number: UInt64

    public init(owner: Address, number: UInt64) {
        self.owner = owner
        self.number = number
    }

    /// The id as 32 bytes: the owner's 20, 4 zeros, the number's 8.
    public var word: Hash32 {
        let (high, middle, low) = owner.words
        return Hash32(words: (high, middle, UInt64(low) << 32, number))
    }

    /// `nil` for a word with set bits between owner and number.
    public init?(word: Hash32) {
        let words = word.words
        guard words.2 & 0xffff_ffff == 0 else { return nil }
        owner = Address(words: (words.0, words.1, UInt32(words.2 >> 32)))
        number = words.3
    }

    public static func < (a: ObjectID, b: ObjectID) -> Bool {
        (a.owner, a.number) < (b.owner, b.number)
    }
}

extension ObjectID: RLPValue {
    public func encode(to out: inout RLPEncoder) { out.append(word) }

    public init(from input: inout RLPDecoder) throws(RLPError) {
        guard let id = ObjectID(word: try input.nextFixed()) else { throw .unknownValue(0) }
        self = id
    }
}
