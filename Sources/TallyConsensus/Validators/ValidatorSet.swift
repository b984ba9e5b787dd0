internal import TallyCrypto
package import TallyPrimitives

/// A member of the agreement and the weight of its votes.
package struct Validator: Hashable, Sendable {
    package let address: Address
    /// From 1.
    package let power: UInt64

    package init(address: Address, power: UInt64) {
        self.address = address
        self.power = power
    }
}

/// Why validators do not form a set.
package enum ValidatorSetError: Error, Hashable, Sendable {
    case empty
    case tooMany(limit: Int)
    case duplicate(Address)
    case powerless(Address)
    /// The sum of all powers passes ``ValidatorSet/maximumPower``.
    case tooPowerful
}

/// Who votes on one height: members by ascending address, and the order in which they propose.
package struct ValidatorSet: Hashable, Sendable {
    /// Most members: bounds the size of certificates.
    package static let maximumCount = 512
    /// Twice this still fits, so that ``Quorum`` cannot overflow.
    package static let maximumPower: UInt64 = 1 << 62

    /// By ascending address; the index of a member is its place here.
    package let validators: [Validator]
    /// Of the members, in the same order.
    package let addresses: [Address]
    /// The epoch's randomness (IBFT-R17).
    package let seed: Hash32
    /// Indices of members in the order in which they propose.
    package let order: [Int]
    package let totalPower: UInt64
    /// What signatures and headers commit to (IBFT-R2, IBFT-R13).
    package let hash: Hash32

    /// - Parameters:
    ///   - validators: in any order.
    ///   - seed: that of the epoch.
    /// - Throws: every case of `ValidatorSetError`.
    package init(_ validators: [Validator], seed: Hash32) throws(ValidatorSetError) {
        guard !validators.isEmpty else { throw .empty }
        guard validators.count <= Self.maximumCount else {
            throw .tooMany(limit: Self.maximumCount)
        }
        let sorted = validators.sorted { $0.address < $1.address }
        for (a, b) in zip(sorted, sorted.dropFirst()) where a.address == b.address {
            throw .duplicate(a.address)
        }
        totalPower = try Self.sum(sorted)
        self.validators = sorted
        addresses = sorted.map(\.address)
        self.seed = seed
        order = Self.order(sorted, seed: seed)
        hash = Self.hash(sorted, seed: seed)
    }

    private static func sum(_ validators: [Validator]) throws(ValidatorSetError) -> UInt64 {
        var total: UInt64 = 0
        for validator in validators {
            guard validator.power > 0 else { throw .powerless(validator.address) }
            guard validator.power <= maximumPower - total else { throw .tooPowerful }
            total += validator.power
        }
        return total
    }

    // IBFT-R17: ascending by a hash that nobody chooses.
    private static func order(_ validators: [Validator], seed: Hash32) -> [Int] {
        let keys = validators.map { validator in
            SHA256.hash(.proposerOrder) {
                $0.update(seed)
                $0.update(validator.address)
            }
        }
        return validators.indices.sorted { keys[$0] < keys[$1] }
    }

    // IBFT-R13
    private static func hash(_ validators: [Validator], seed: Hash32) -> Hash32 {
        var out = RLPEncoder(capacity: 64 + 32 * validators.count)
        encode(validators, seed: seed, to: &out)
        return SHA256.hash(.validatorSet, out.bytes)
    }

    private static func encode(
        _ validators: [Validator], seed: Hash32, to out: inout RLPEncoder
    ) {
        out.list { out in
            out.list { out in
                for validator in validators {
                    out.list {
                        $0.append(validator.address)
                        $0.append(validator.power)
                    }
                }
            }
            out.append(seed)
        }
    }

    package var count: Int { validators.count }
    /// Least power that decides (IBFT-R1).
    package var quorum: UInt64 { Quorum.threshold(total: totalPower) }
    /// Most power that may be faulty: more than this holds an honest validator (IBFT-R1).
    package var faulty: UInt64 { Quorum.faulty(total: totalPower) }

    /// The place of a member; `nil` for anybody else.
    /// - Complexity: O(log n)
    package func index(of address: Address) -> Int? {
        var low = 0
        var high = validators.count
        while low < high {
            let middle = (low + high) / 2
            if validators[middle].address < address { low = middle + 1 } else { high = middle }
        }
        return low < validators.count && validators[low].address == address ? low : nil
    }

    package func contains(_ address: Address) -> Bool { index(of: address) != nil }

    /// 0 for anybody who is not a member.
    package func power(of address: Address) -> UInt64 {
        index(of: address).map { validators[$0].power } ?? 0
    }

    /// Power of distinct signers (IBFT-R7).
    package func power(of addresses: some Sequence<Address>) -> UInt64 {
        addresses.reduce(0) { $0 + power(of: $1) }
    }

    /// Who proposes in a round (IBFT-R17).
    package func proposer(_ height: Height, _ round: Round) -> Address {
        validators[proposerPlace(height, round)].address
    }

    /// Index of who proposes in a round.
    func proposerPlace(_ height: Height, _ round: Round) -> Int {
        let count = UInt64(count)
        return order[Int((height.value % count + UInt64(round.value) % count) % count)]
    }
}

/// What its hash is over: members by ascending address, each once.
extension ValidatorSet: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        Self.encode(validators, seed: seed, to: &out)
    }

    /// - Throws: `.unknownValue` for members that are no set in this order.
    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let members = try list.nextArray(limit: Self.maximumCount) {
            (list) throws(RLPError) in
            var member = try list.nextList()
            let validator = Validator(
                address: try member.nextFixed(), power: try member.nextInteger())
            try member.finish()
            return validator
        }
        let seed: Hash32 = try list.nextFixed()
        try list.finish()
        do throws(ValidatorSetError) {
            try self.init(members, seed: seed)
        } catch { throw .unknownValue(UInt64(members.count)) }
        guard validators == members else { throw .unknownValue(UInt64(members.count)) }
    }
}
