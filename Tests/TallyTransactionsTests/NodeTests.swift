import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

private let key = Hash32(words: (1, 2, 3, 4))
private let spec = Hash32(words: (5, 6, 7, 8))

/// What a call of a door is understood as.
private func understood(
    _ door: Address, _ data: [UInt8], value: UInt128 = 0
) throws(TransactionError) -> TallyTransactions.Operation {
    try Operation(sample(to: door, value: Amount(value), data: data))
}

@Suite struct NodeTests {
    static let operations: [NodeOperation] = [
        .register(key: key, spec: spec), .update(key: spec, spec: key), .deregister,
        .stake(termDays: 90, value: Amount(1_445)), .stake(termDays: .max, value: .zero),
        .unstake, .claimRewards,
    ]

    @Test(arguments: operations) func callsAreUnderstood(_ operation: NodeOperation) throws {
        let whole = Operation.node(operation)
        let target = try #require(whole.target)
        #expect(target.to == ReservedAddress.nodes)
        #expect(
            try understood(target.to, whole.callData, value: target.value.units) == whole)
    }

    @Test func documentHasTheFunctionsOfTheCode() throws {
        let functions = try PublishedABI.entries("node").filter(\.isOperation)
        let expected = [
            "registerNode": NodeOperation.registerSelector,
            "updateNode": NodeOperation.updateSelector,
            "deregisterNode": NodeOperation.deregisterSelector,
            "stakeNode": NodeOperation.stakeSelector, "unstake": NodeOperation.unstakeSelector,
            "claimRewards": NodeOperation.claimRewardsSelector,
        ]
        #expect(functions.count == expected.count)
        for function in functions {
            #expect(Selector(function.signature) == expected[function.name], "\(function.name)")
            let isPayable = function.name == "stakeNode"
            #expect(function.stateMutability == (isPayable ? "payable" : "nonpayable"))
        }
    }

    @Test func refusesValueButForAStake() {
        for operation in Self.operations {
            if case .stake = operation { continue }
            #expect(throws: TransactionError.valueNotAllowed) {
                try understood(ReservedAddress.nodes, operation.callData, value: 1)
            }
        }
    }

    @Test func refusesOtherThanTheCanonicalArguments() {
        for operation in Self.operations {
            let value: UInt128 = 0
            #expect(throws: TransactionError.malformedCall(.trailingBytes)) {
                try understood(
                    ReservedAddress.nodes, operation.callData + [0], value: value)
            }
            guard operation.callData.count > 4 else { continue }
            #expect(throws: TransactionError.malformedCall(.truncated)) {
                try understood(ReservedAddress.nodes, operation.callData.dropLast())
            }
        }
        #expect(throws: TransactionError.malformedCall(.numberTooLarge)) {
            try understood(
                ReservedAddress.nodes, NodeOperation.stakeSelector.bytes + word(1 << 32))
        }
        #expect(throws: TransactionError.unknownOperation(ReservedAddress.nodes)) {
            try understood(ReservedAddress.nodes, [1, 2, 3, 4])
        }
        #expect(throws: TransactionError.reservedRecipient(ReservedAddress.nodes)) {
            try understood(ReservedAddress.nodes, [])
        }
    }

    @Test func weighsItsEntryOfTheDueQueue() {
        #expect(
            Self.operations.map(\.weight)
                == [44_000, 28_000, 28_000, 44_000, 44_000, 28_000, 28_000])
    }
}

@Suite struct ProofOperationTests {
    private static let entry = ProofAttestation(
        node: Address(words: (.max, 3, 4)), round: 5, milliseconds: 10_380)
    static let operations: [ProofOperation] = [
        .commit(round: 7, root: key), .reveal(round: 1, weight: 16_000_000, opening: []),
        .reveal(round: .max, weight: 0, opening: [UInt8](repeating: 7, count: 33)),
        .attest([entry]), .attest(Array(repeating: entry, count: 7)),
    ]

    @Test(arguments: operations) func callsAreUnderstood(_ operation: ProofOperation) throws {
        let whole = Operation.proof(operation)
        let target = try #require(whole.target)
        #expect(target.to == ReservedAddress.proofs && target.value.isZero)
        #expect(try understood(target.to, whole.callData) == whole)
        #expect(throws: TransactionError.valueNotAllowed) {
            try understood(target.to, whole.callData, value: 1)
        }
        #expect(throws: TransactionError.malformedCall(.trailingBytes)) {
            try understood(target.to, whole.callData + [0])
        }
        #expect(throws: TransactionError.malformedCall(.truncated)) {
            try understood(target.to, whole.callData.dropLast())
        }
    }

    @Test func documentHasTheFunctionsOfTheCode() throws {
        let functions = try PublishedABI.entries("proof").filter(\.isOperation)
        let expected = [
            "commitProof": ProofOperation.commitSelector,
            "revealProof": ProofOperation.revealSelector,
            "attestProof": ProofOperation.attestSelector,
        ]
        #expect(functions.count == expected.count)
        for function in functions {
            #expect(Selector(function.signature) == expected[function.name], "\(function.name)")
            #expect(function.stateMutability == "nonpayable")
        }
    }

    @Test func chargesTheVerificationThatARevealNames() {
        #expect(
            Self.operations.map(\.weight) == [44_000, 16_044_000, 44_000, 44_000, 74_000])
    }

    @Test func refusesAnotherFormOfAReveal() {
        func reveal(_ words: [UInt128], _ tail: [UInt8] = []) throws {
            _ = try understood(
                ReservedAddress.proofs,
                ProofOperation.revealSelector.bytes + words.flatMap { word($0) } + tail)
        }
        #expect(throws: TransactionError.malformedCall(.numberTooLarge)) {
            try reveal([1, 16_000_001, 96, 0])
        }
        #expect(throws: TransactionError.malformedCall(.nonCanonical)) {
            try reveal([1, 2, 64, 0])
        }
        #expect(throws: TransactionError.malformedCall(.numberTooLarge)) {
            try reveal([1, 2, 96, 118_785])
        }
        #expect(throws: TransactionError.malformedCall(.nonCanonical)) {
            try reveal([1, 2, 96, 1], [1] + [UInt8](repeating: 0, count: 30) + [1])
        }
    }

    @Test func refusesAnotherFormOfAttestations() {
        func attest(_ words: [[UInt8]]) throws {
            _ = try understood(
                ReservedAddress.proofs, ProofOperation.attestSelector.bytes + words.flatMap { $0 })
        }
        let id = ObjectID(owner: recipient, number: 0).word.bytes
        let numbered = ObjectID(owner: recipient, number: 1).word.bytes
        var mixed = id
        mixed[20] = 1
        for count: UInt128 in [0, 8, UInt128(UInt64.max)] {
            #expect(throws: TransactionError.attestationCount(limit: 7)) {
                try attest([word(32), word(count)])
            }
        }
        for wrong in [numbered, mixed] {
            #expect(throws: TransactionError.malformedCall(.nonCanonical)) {
                try attest([word(32), word(1), wrong, word(1), word(2)])
            }
        }
        #expect(throws: TransactionError.malformedCall(.nonCanonical)) {
            try attest([word(64), word(1), id, word(1), word(2)])
        }
        #expect(throws: TransactionError.malformedCall(.trailingBytes)) {
            try attest([word(32), word(1), id, word(1), word(2), id, word(1), word(2)])
        }
    }
}
