import TallyPrimitives
import TallySharding
import TallyTesting
import Testing

@testable import TallyEngine

@Suite struct RowKeyTests {
    private static let hash = Hash32(
        words: (0x0102_0304_0506_0708, 0x090a_0b0c_0d0e_0f10, .max, .max))

    @Test(arguments: [
        (RowKey.height(Height(0x0102)), [0, 0, 0, 0, 0, 0, 1, 2]),
        (.position(Height(3), 0x0405_0607), [0, 0, 0, 0, 0, 0, 0, 3, 4, 5, 6, 7]),
        (.hash(0xa0b0, hash), [0, 0, 0xa0, 0xb0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        (.stream(EndpointID(0x0102), 0x03_0405), [1, 2, 0, 0, 0, 0, 0, 3, 4, 5]),
        (.stream(EndpointID(1), .max), [0, 1] + [UInt8](repeating: 0xff, count: 8)),
        (.sequence(9), [0, 0, 0, 0, 0, 0, 0, 9]),
    ])
    func keysAreBigEndianNumbers(_ key: RowKey, _ bytes: [UInt8]) {
        #expect(key.bytes == bytes)
    }

    /// Rows are put in the order of their keys, which must be that of the store.
    @Test func theirOrderIsThatOfTheirBytes() {
        forEachSeed(base: 0x726f_776b, count: 500) { seed, generator in
            let keys = (0..<2).map { _ in
                RowKey.hash(
                    UInt32.random(in: 0...2, using: &generator),
                    Hash32(
                        words: (
                            .random(in: 0...1, using: &generator) << 63,
                            .random(in: 0...3, using: &generator) << 30, 0, 0
                        )))
            }
            #expect(
                (keys[0] < keys[1])
                    == keys[0].bytes.lexicographicallyPrecedes(keys[1].bytes), "seed \(seed)")
        }
    }

    /// A row of a beacon block says yes or no in one way.
    @Test func refusesAFlagThatIsNeitherOneNorZero() {
        func row(_ flag: UInt8) -> [UInt8] {
            RLPEncoder.list { out in
                BeaconHeader(
                    chain: .zero, height: Height(1), parent: .zero,
                    time: BeaconTime(milliseconds: 1),
                    proposer: .zero, anchorsRoot: .zero, validators: .zero, randomness: .zero
                ).encode(to: &out)
                out.list { _ in }
                out.append(EndpointID(1))
                out.append(Hash32.zero)
                out.append(flag)
                out.append(UInt64(1))
                out.append(Amount(1))
                out.append(UInt64(1))
            }
        }
        for flag: UInt8 in 0...1 {
            #expect((try? BeaconRow(encoded: row(flag)))?.encoded == row(flag))
        }
        #expect(throws: RLPError.unknownValue(2)) { try BeaconRow(encoded: row(2)) }
    }
}
