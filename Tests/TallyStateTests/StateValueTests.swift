import TallyCrypto
import TallyPrimitives
import TallyTesting
import Testing

@testable import TallyState

@Suite struct StateValueTests {
    @Test(arguments: [0, 1, 14, 15, 16, 32, 33, 1000])
    func payloadGivesBackItsBytes(count: Int) {
        var generator = SeededGenerator(seed: 60)
        let bytes = generator.bytes(count)
        let payload = Payload(bytes)
        #expect(payload.bytes == bytes)
        #expect(payload.count == count)
        #expect(payload.isEmpty == (count == 0))
        #expect(payload.withBytes { Array($0) } == bytes)
        #expect(bytes.withUnsafeBytes { Payload(copying: $0) } == payload)
        #expect(Payload(bytes + [0]) != payload)
    }

    @Test func payloadOfAnIntegerIsItsCanonicalRLP() {
        for shift in 0..<64 {
            for value in [
                UInt64(1) << UInt64(shift), (1 << UInt64(shift)) - 1, .max >> UInt64(shift),
            ] {
                var encoder = RLPEncoder()
                encoder.append(value)
                let payload = Payload(rlpInteger: value)
                #expect(payload.bytes == encoder.bytes)
                #expect(payload == Payload(encoder.bytes))
                #expect(payload.rlpInteger == value)
            }
        }
    }

    @Test(
        arguments: [
            [], [0], [0x81, 0x7f], [0x82, 0, 0x80], [0x82, 0x80], [0x80, 0x80], [0xc0],
            [0x89, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        ] as [[UInt8]])
    func refusesIntegersThatAreNotCanonical(bytes: [UInt8]) {
        #expect(Payload(bytes).rlpInteger == nil)
    }

    @Test func accountKeyIsTheGeneralOne() throws {
        let address = try #require(Address(Array(1...20)))
        let key = ObjectKey.account(address)
        #expect(key == ObjectKey(.account, key: Array(1...20)))
        #expect(key.path == SHA256.hash(.path, [1] + Array(1...20)))
        #expect(ObjectKey(.vault, key: Array(1...20)).path != key.path)
    }

    @Test func prefixesOfOneTreeHaveKeysInTreeOrder() {
        forEachSeed(base: 400, count: 5) { _, generator in
            var model = StateModel()
            let base = generator.path()
            model.apply(
                generator.changes(400, to: [:], deleting: 0) {
                    Bool.random(using: &$0) ? $0.path(below: base, depth: 70) : $0.path()
                })
            let prefixes = model.bucketPrefixes
            let keys = prefixes.map(\.storageKey)
            #expect(prefixes == prefixes.sorted())
            #expect(keys == keys.sorted { $0.lexicographicallyPrecedes($1) })
            for (prefix, key) in zip(prefixes, keys) {
                #expect(key.borrowed { BucketPrefix(storageKey: $0) } == prefix)
                #expect(key.count <= 33)
            }
        }
        let deepest = BucketPrefix(of: .zero, depth: 252)
        #expect(deepest.storageKey.count == 33)
        #expect(deepest.storageKey.borrowed { BucketPrefix(storageKey: $0) } == deepest)
        #expect(BucketPrefix.root.storageKey == [0])
    }

    @Test(arguments: [0, 1, 16, 17, 400, 5000])
    func putsChangesInPathOrder(count: Int) {
        var generator = SeededGenerator(seed: 61)
        let base = generator.path()
        let changes = (0..<count).map { i in
            StateChange(
                i % 3 == 0 ? generator.path(below: base, depth: 180) : generator.path(),
                StateObject(kind: .account, value: Amount(UInt128(i))))
        }
        #expect(changes.inPathOrder() == changes.sorted { $0.path < $1.path })
    }

    /// What an attacker can do: addresses whose paths share their first bits.
    @Test func addressesGroundToOnePrefixStayCanonical() throws {
        var generator = SeededGenerator(seed: 62)
        var changes: [StateChange] = []
        while changes.count < 40 {
            let address = Address(words: (generator.next(), 0, 0))
            let key = ObjectKey.account(address)
            guard key.path.words.0 >> 52 == 0xabc else { continue }
            changes.append(
                StateChange(
                    key, StateObject(kind: .account, value: Amount(1), payload: Payload([0x80]))))
        }
        var model = StateModel()
        model.apply(changes)
        let tree = try StateTree.empty.updating(changes.inPathOrder(), MemoryPages())
        #expect(tree.root == model.root)
        #expect(model.bucketPrefixes.allSatisfy { $0.depth > 12 })
        let less = try tree.updating(
            changes[..<20].map { StateChange($0.path, nil) }.inPathOrder(), MemoryPages())
        #expect(less.top.isBucket)
    }
}
