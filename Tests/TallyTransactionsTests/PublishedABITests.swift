import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

@Suite struct PublishedABITests {
    private static func entries() throws -> [PublishedABI.Entry] {
        try PublishedABI.entries("cross-shard")
    }

    @Test func selectorsAreThoseOfTheCode() throws {
        let functions = try Self.entries().filter(\.isOperation)
        let expected = [
            "batchTransfer": TransferOperation.batchSelector,
            "claimEscrow": TransferOperation.claimEscrowSelector,
            "setCreditPolicy": TransferOperation.setCreditPolicySelector,
        ]
        #expect(functions.count == expected.count)
        for function in functions {
            #expect(Selector(function.signature) == expected[function.name], "\(function.name)")
            #expect(
                function.stateMutability
                    == (function.name == "batchTransfer" ? "payable" : "nonpayable"))
        }
    }

    /// As eth-utils 6.0.0 computes them from the document.
    @Test(
        arguments: [
            (TransferOperation.batchSelector, [0xa7, 0x70, 0x86, 0x0d]),
            (TransferOperation.claimEscrowSelector, [0x50, 0x28, 0x92, 0x8a]),
            (TransferOperation.setCreditPolicySelector, [0x18, 0x51, 0xf6, 0x3a]),
        ] as [(Selector, [UInt8])])
    func selectorsAreTheKnownOnes(_ selector: Selector, _ bytes: [UInt8]) {
        #expect(selector.bytes == bytes)
    }

    @Test func eventsHaveTheSpecifiedSignatures() throws {
        let events = try Self.entries().filter(\.isEvent)
        #expect(
            events.map(\.signature) == [
                "CrossShardSent(bytes32,uint32,address,address,uint256)",
                "CrossShardCredited(bytes32,uint32,address,address,uint256)",
                "CrossShardRefunded(bytes32,uint32,address,address,uint256,uint8)",
                "CrossShardBounced(bytes32,uint32,address,bytes32,uint256,uint8)",
                "Escrowed(bytes32,address,uint256,uint8)",
                "EscrowClaimed(address,uint256)",
                "TransferScheduled(bytes32,address,address,uint256,uint64)",
                "ScheduleRan(bytes32,bytes32)",
                "ScheduleReturned(bytes32,address,uint256,uint8)",
                "CreditPolicySet(address,uint8)",
                "FeesSwept(bytes32,address,uint256)",
                "TreasuryCredited(bytes32,uint32,uint256)",
                "ComputeRequested(bytes32,address,address,uint32,uint256)",
                "ComputeHandled(bytes32,address,uint32)",
                "PayoutSent(bytes32,address,uint8,uint256)",
                "PayoutPaid(bytes32,address,uint8,uint256,bool)",
            ])
        for event in events {
            let topics = event.inputs.filter { $0.indexed == true }
            #expect((1...3).contains(topics.count), "\(event.name)")
            #expect(event.inputs.first?.indexed == true, "\(event.name)")
        }
        for event in events.prefix(3) {
            let topics = event.inputs.filter { $0.indexed == true }.map(\.name)
            #expect(topics == ["id", "from", "to"], "\(event.name)")
        }
    }

    /// Their code is the RPC server's, whose tests compare it with the document.
    @Test func viewsAreBesideThem() throws {
        let views = try Self.entries().filter(\.isView)
        #expect(views.count == 7)
    }

    @Test func documentHasNothingElse() throws {
        #expect(try Self.entries().count == 26)
    }
}
