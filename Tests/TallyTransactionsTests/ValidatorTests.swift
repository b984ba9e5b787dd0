import TallyCrypto
import TallyPrimitives
import TallyTesting
import TallyTransactions
import Testing

private let validators = address("0x000000000000000000000000000000000000c006")

/// The door of the Validator family (STAKE-1).
@Suite struct ValidatorTests {
    private static let operations: [(ValidatorOperation, Weight)] = [
        (.stakeRole(.validator, termDays: 360, value: Amount(1_000)), 98_000),
        (.stakeRole(.router, termDays: .max, value: .max), 98_000),
        (.renewStake(termDays: 180), 44_000),
        (.unstake, 28_000),
        (.heartbeat, 28_000),
        (.submitEvidence([]), 40_000),
        (.submitEvidence([1, 2, 3]), 40_000),
        (.submitEvidence([UInt8](repeating: 7, count: 672)), 40_000),
        (.impeach(recipient), 28_000),
        (.claimRewards, 39_000),
    ]

    @Test func everyOperationIsReadBackFromItsCall() throws {
        for (operation, weight) in Self.operations {
            let target = operation.target
            #expect(target.to == validators)
            let call = try DoorCall(
                door: target.to, data: operation.callData, value: target.value)
            #expect(try Operation(call) == .validator(operation))
            #expect(operation.weight == weight)
        }
    }

    private func error(_ data: [UInt8], value: Amount = .zero) -> TransactionError? {
        do throws(TransactionError) {
            _ = try Operation(DoorCall(door: validators, data: data, value: value))
            return nil
        } catch { return error }
    }

    @Test func refusesOtherForms() {
        let stake = ValidatorOperation.stakeRoleSelector.bytes
        let evidence = ValidatorOperation.submitEvidenceSelector.bytes
        let impeach = ValidatorOperation.impeachSelector.bytes
        #expect(error([]) == .reservedRecipient(validators))
        #expect(error([1, 2, 3, 4]) == .unknownOperation(validators))
        #expect(error(stake + word(0) + word(360)) == .unknownRole(0))
        #expect(error(stake + word(3) + word(360)) == .unknownRole(3))
        #expect(error(stake + word(256) + word(1)) == .malformedCall(.numberTooLarge))
        #expect(error(stake + word(1) + word(1 << 32)) == .malformedCall(.numberTooLarge))
        #expect(error(stake + word(1)) == .malformedCall(.truncated))
        #expect(error(stake + word(1) + word(1) + [0]) == .malformedCall(.trailingBytes))
        #expect(error(impeach + word(.max)) == nil)
        #expect(
            error(impeach + [UInt8](repeating: 1, count: 32)) == .malformedCall(.nonCanonical))
        #expect(error(evidence + word(64) + word(0)) == .malformedCall(.nonCanonical))
        #expect(error(evidence + word(32) + word(673)) == .malformedCall(.numberTooLarge))
        #expect(
            error(evidence + word(32) + word(1) + [UInt8](repeating: 1, count: 32))
                == .malformedCall(.nonCanonical), "padding")
        #expect(
            error(ValidatorOperation.unstakeSelector.bytes + [0])
                == .malformedCall(.trailingBytes))
    }

    @Test func onlyAStakeTakesValue() {
        for (operation, _) in Self.operations {
            guard operation.target.value.isZero else { continue }
            #expect(error(operation.callData, value: Amount(1)) == .valueNotAllowed)
        }
    }

    @Test func selectorsAreThoseOfTheDocument() throws {
        let functions = try PublishedABI.entries("validator").filter(\.isOperation)
        let expected = [
            "stakeRole": ValidatorOperation.stakeRoleSelector,
            "renewStake": ValidatorOperation.renewStakeSelector,
            "unstake": ValidatorOperation.unstakeSelector,
            "heartbeat": ValidatorOperation.heartbeatSelector,
            "submitEvidence": ValidatorOperation.submitEvidenceSelector,
            "impeach": ValidatorOperation.impeachSelector,
            "claimRewards": ValidatorOperation.claimRewardsSelector,
        ]
        #expect(functions.count == expected.count)
        for function in functions {
            #expect(Selector(function.signature) == expected[function.name])
            #expect(
                function.stateMutability
                    == (function.name == "stakeRole" ? "payable" : "nonpayable"))
        }
    }
}

extension Refusal {
    static func roles() throws -> [Refusal] {
        let envelope = sample(
            to: validators, value: Amount(1),
            data: ValidatorOperation.stakeRoleSelector.bytes + word(3) + word(360))
        return [
            Refusal(
                "role 3", envelope.signed(by: try exampleKey()), .unknownRole(3), "unknownRole",
                "unknown role 3: 1 is a validator, 2 a router")
        ]
    }
}
