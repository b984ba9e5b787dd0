package import TallyPrimitives

/// The beacon's randomness as of a block's parent, and how many such seeds there were (SEED-4).
///
/// A seed becomes known only after an honest builder, whoever the others are, has added to it since
/// the seed before. So an object that is bound while seed n is the newest is drawn for by the first
/// seed from n + 2 on: nobody knew any part of it then.
package struct BeaconSeed: Hashable, Sendable {
    /// From 1; 0 as long as there is no seed.
    package let number: UInt64
    package let value: Hash32

    package init(number: UInt64, value: Hash32) {
        self.number = number
        self.value = value
    }

    package static let none = BeaconSeed(number: 0, value: .zero)

    /// Number of the first seed that may draw for what is bound now (SEED-5).
    package var nextDraw: UInt64 { number + 2 }
}
