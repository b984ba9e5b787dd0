import TallyConsensus
import TallyPrimitives
import TallySharding
import TallySimulation
import TallyTransactions
import Testing

/// STORE-14, IBFT-R16: the digest binds every byte of a body that comes from elsewhere.
@Suite struct BlockReaderTests {
    private let block: BeaconBlock
    private let reader = LedgerBlockReader(senders: RecoveredSenders(chainID: 77))

    init() throws {
        let accounts = TestAccount.all(shards: 2)
        var ledger = try TestLedger()
        let first = try ledger.signed(
            .single(to: accounts[2].address, value: Amount(5)), by: accounts[0])
        let second = try ledger.signed(
            .single(to: accounts[0].address, value: Amount(7)), by: accounts[3])
        block = try ledger.decide(first, second).block
    }

    @Test func readsWhatWasBuilt() throws {
        let read = try #require(reader.block(body: block.body))
        #expect(read == block.proposed && read.digest == block.header.hash)
        #expect(read.height == Height(1) && read.parent == block.header.parent)
        #expect(read.timestamp == block.header.time)
        #expect(try reader.block(reading: block.body).body == block.body)
    }

    @Test func refusesEveryOtherByte() throws {
        let body = block.body
        let digest = block.header.hash
        for index in body.indices {
            var changed = body
            changed[index] ^= 1
            // What is left readable is another block.
            if let read = reader.block(body: changed) { #expect(read.digest != digest) }
        }
        #expect(reader.block(body: body + [0]) == nil)
        #expect(reader.block(body: body.dropLast()) == nil)
    }

    @Test func namesWhatIsWrong() throws {
        let anchors = block.anchors
        let one = try #require(anchors.first?.transactions.first)
        let other = Address(words: (9, 9, 9))
        func changed(_ transactions: [Transaction]) -> [UInt8] {
            var anchors = anchors
            anchors[0] = ShardBlock(header: anchors[0].header, transactions: transactions)
            return BeaconBlock(header: block.header, anchors: anchors).body
        }
        #expect(throws: BlockDecodingError.transactions(anchors[0].header.endpoint)) {
            _ = try reader.block(reading: changed([]))
        }
        let lie = try Transaction(raw: one.raw, verifiedSender: other)
        #expect(throws: BlockDecodingError.sender(other)) {
            _ = try reader.block(reading: changed([lie]))
        }
        #expect(throws: BlockDecodingError.anchorsRoot) {
            _ = try reader.block(
                reading: BeaconBlock(header: block.header, anchors: [anchors[1]]).body)
        }
        // Our own log is believed.
        #expect(try BeaconBlock(body: changed([lie])).anchors[0].transactions[0].sender == other)
    }
}
