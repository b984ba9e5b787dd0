import TallyExecution
import TallyPrimitives
import TallyTesting
import Testing

@Suite struct AddressTableTests {
    @Test func numbersInTheOrderOfArrival() {
        var table = AddressTable()
        let addresses = (0..<100).map { Address(words: (UInt64($0), 0, 0)) }
        for (number, address) in addresses.enumerated() {
            #expect(table.number(of: address) == nil)
            #expect(table.insert(address) == (number, true))
        }
        #expect(table.count == 100)
        for (number, address) in addresses.enumerated() {
            #expect(table.number(of: address) == number)
            #expect(table[number] == address)
        }
    }

    // Addresses that differ in one word only, or by the same bits in two, must not become one.
    @Test func tellsApartWhatDiffersInOneBit() {
        var table = AddressTable()
        var addresses = [Address.zero]
        for bit in 0..<64 {
            addresses.append(Address(words: (1 << UInt64(bit), 0, 0)))
            addresses.append(Address(words: (0, 1 << UInt64(bit), 0)))
            addresses.append(Address(words: (1 << UInt64(bit), 1 << UInt64(bit), 0)))
        }
        for bit in 0..<32 { addresses.append(Address(words: (0, 0, 1 << UInt32(bit)))) }
        for (number, address) in addresses.enumerated() {
            #expect(table.insert(address) == (number, true))
        }
        #expect(addresses.map { table.number(of: $0) } == Array(addresses.indices))
    }

    // Few addresses in a small table: full cells, long probes and growth on the way.
    @Test func agreesWithADictionary() {
        forEachSeed(base: 1, count: 20) { seed, random in
            var table = AddressTable(capacity: Int.random(in: 0...4, using: &random))
            var model: [Address: Int] = [:]
            for _ in 0..<2_000 {
                let address = Address(
                    words: (
                        .random(in: 0..<32, using: &random), .random(in: 0..<8, using: &random),
                        .random(in: 0..<4, using: &random)
                    ))
                #expect(table.number(of: address) == model[address], "seed \(seed)")
                let isNew = model[address] == nil
                let number = model[address] ?? model.count
                model[address] = number
                #expect(table.insert(address) == (number, isNew), "seed \(seed)")
            }
            #expect(table.count == model.count, "seed \(seed)")
        }
    }
}
