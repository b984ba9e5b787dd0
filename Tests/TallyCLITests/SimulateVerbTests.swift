import TallyClient
import TallyConsensus
import TallyCrypto
import TallyNetwork
import TallyPrimitives
import TallySimulation
import Testing

/// `tally simulate` as it is typed (Specs/simulation.md).
@Suite struct SimulateVerbTests {
    private func lines(_ outcome: Outcome, after start: String) -> [String] {
        outcome.output.split(separator: "\n").filter { $0.hasPrefix(start) }
            .map { String($0.dropFirst(start.count)) }
    }

    // MARK: Options

    @Test(arguments: [
        (["--seed", "-1"], "--seed"), (["--seed", "first"], "--seed"),
        (["--seed", "18446744073709551615"], "--seed is 0 to 18446744073709551614"),
        (["--seeds", "0"], "--seeds is 1 to 18446744073709551614 from seed 1"),
        (
            ["--seed", "18446744073709551614", "--seeds", "2"],
            "--seeds is 1 from seed 18446744073709551614"
        ),
        (["--validators", "0"], "--validators is 1 to 31"),
        (["--validators", "32"], "--validators is 1 to 31"),
        (["--shards", "0"], "--shards is 1 to 16"), (["--shards", "17"], "--shards is 1 to 16"),
        (["--heights", "0"], "--heights is 1 to 10000"),
        (["--heights", "10001"], "--heights is 1 to 10000"),
        (["--jobs", "0"], "--jobs is 1 to 256"), (["--jobs", "257"], "--jobs is 1 to 256"),
        (["--faults", "weather"], "--faults"), (["--faults", "network,"], "--faults"),
        (["--faults", "weather"], "excess"),
        (
            ["--faults", "byzantine", "--validators", "3"],
            "--validators is 4 to 31 for these --faults"
        ),
        (
            ["--faults", "process,network", "--validators", "1"],
            "--validators is 2 to 31 for these --faults"
        ),
        (["--scenario", "calm"], "--scenario"), (["--scenario", "calm"], "partition"),
        (
            ["--scenario", "partition", "--faults", "network"],
            "--scenario goes without --faults"
        ),
        (
            ["--scenario", "undisturbed", "--validators", "3"],
            "--validators is 4 to 31 for scenario undisturbed"
        ),
        (
            ["--scenario", "control", "--validators", "5"],
            "--validators is 4 for scenario control"
        ),
    ])
    func refusesWhatIsOutOfRange(_ options: [String], _ reason: String) async {
        let outcome = await tally(["simulate"] + options)
        #expect(outcome.code == 2)
        #expect(outcome.output == "")
        #expect(outcome.error.contains(reason), "\(outcome.error)")
        let json = await tally(["simulate", "--json"] + options)
        #expect(json.code == 2 && json.errorCode == "usage")
    }

    @Test func helpSaysWhatFaultsMean() async {
        let output = await tally("simulate", "--help").output
        let help = output.split { $0.isWhitespace }.joined(separator: " ")
        for name in FaultClass.allCases.map(\.rawValue) + Script.allCases.map(\.rawValue) {
            #expect(help.contains(name))
        }
        #expect(help.contains("each class named with --faults happens in every run"))
        #expect(help.contains("(default: all)"))
    }

    // MARK: Success

    @Test func aSeedThatPassesIsZero() async throws {
        let options = ["simulate", "--seed", "3", "--validators", "4", "--faults", "process"]
        let outcome = await tally(options)
        #expect(outcome.code == 0 && outcome.error == "")
        #expect(outcome.output.contains("seeds       1 passed, 0 failed"))
        #expect(lines(outcome, after: "failed: ").isEmpty)
        let json = try await tally(options + ["--json"]).json
        #expect(json["passed"] == 1 && json["failure"] == .null && json["measure"] == .null)
        #expect(json["faults"]?["crash"]?.uint64Value ?? 0 > 0)
        let digest = try #require(json["digest"]?.stringValue)
        #expect(lines(outcome, after: "digest      ") == [digest])
    }

    /// SIM-40: the figures that the architecture promises, as an outsider sees them.
    @Test func undisturbedPrintsDelays() async throws {
        let options = ["simulate", "--scenario", "undisturbed", "--heights", "12"]
        let outcome = await tally(options)
        #expect(
            lines(outcome, after: "measured    ") == [
                "final 3.0 message delays after the proposal, a proposal every 2.0 delays, "
                    + "over 10 heights"
            ])
        let measure = try await tally(options + ["--json"]).json["measure"]
        #expect(measure?["finalDelays"] == "3.0" && measure?["intervalDelays"] == "2.0")
        #expect(measure?["finalMicroseconds"]?["most"] == 300_000)
        #expect(measure?["heights"] == 10)
    }

    /// SIM-41
    @Test func partitionPrintsRoundTimeouts() async throws {
        let json = try await tally("simulate", "--scenario", "partition", "--json").json
        let measure = try #require(json["measure"])
        let timeout = try #require(measure["timeoutMicroseconds"]?.uint64Value)
        let recovery = try #require(measure["recoveryMicroseconds"]?.uint64Value)
        #expect(recovery > 0 && recovery <= 3 * timeout)
        #expect(json["faults"]?["halves"] == 1)
        #expect(json["simulatedMilliseconds"]?.uint64Value ?? 0 > 60_000)
        #expect(json["simulatedSecondsPerCPUSecond"]?.uint64Value ?? 0 > 0)
    }

    // MARK: Failure (SIM-42)

    private static let control = ["simulate", "--seed", "7", "--scenario", "control"]

    @Test func aBrokenRuleIsOneAndCanBeSeenAgain() async throws {
        let outcome = await tally(Self.control)
        #expect(outcome.code == 1)
        #expect(outcome.output.contains("seeds       0 passed, 1 failed"))
        let failed = lines(outcome, after: "failed: ")
        #expect(failed.count == 1 && failed[0].hasPrefix("seed 7: agreement: node "))
        let command = try #require(lines(outcome, after: "again: ").first)
        #expect(command == "tally " + Self.control.joined(separator: " "))
        #expect(
            outcome.error
                == "tally: seed 7 breaks a rule; to see it again: \(command)\n")
        let again = await tally(command.split(separator: " ").dropFirst().map(String.init))
        #expect(again.code == 1)
        #expect(lines(again, after: "failed: ") == failed)
        #expect(lines(again, after: "digest      ") == lines(outcome, after: "digest      "))
    }

    @Test func aBrokenRuleIsAnObject() async throws {
        let outcome = await tally(Self.control + ["--json"])
        #expect(outcome.code == 1 && outcome.errorCode == "simulation")
        let failure = try #require(try outcome.json["failure"])
        #expect(failure["seed"] == 7 && failure["checker"] == "agreement")
        #expect(failure["detail"]?.stringValue?.hasPrefix("node ") == true)
        #expect(failure["command"]?.stringValue == "tally " + Self.control.joined(separator: " "))
        #expect(failure["scenario"]?.stringValue?.contains("faulty 0:equivocates") == true)
        let passed = try outcome.json["passed"]
        #expect(passed == 0)
    }

    /// Seeds run at once; the report is that of the first, whichever ends first.
    @Test func stopsAtTheFirstSeedThatFails() async throws {
        let options = ["simulate", "--scenario", "control", "--seeds", "6"]
        let alone = await tally(options)
        let beside = await tally(options + ["--jobs", "3"])
        #expect(lines(alone, after: "failed: ").first?.hasPrefix("seed 1: ") == true)
        #expect(lines(alone, after: "failed: ") == lines(beside, after: "failed: "))
        #expect(beside.code == 1)
    }

    // MARK: Offences

    /// SIM-38 counts as offences what the transport does (NET-9).
    @Test func offencesAreThoseOfTheTransport() {
        let address = Address(words: (1, 2, 3))
        let statement = PrepareStatement(height: Height(1), round: .zero, digest: .zero)
        let signature = RecoverableSignature(r: .zero, s: .zero, yParity: 0)
        let prepare = Prepare(statement, sender: address, signature: signature)
        let refusals: [MessageRefusal] = [
            .tooLong(bytes: 2, limit: 1), .malformed(.truncated), .unknownValidatorSet(Height(1)),
            .wrongBody, .wrongJustification, .wrongCertificate, .wrongRound,
            .notAValidator(address), .notTheProposer(address), .wrongSigner(claimed: address),
            .tooFewPrepares(power: 1, quorum: 2), .tooFewSeals(power: 1, quorum: 2),
            .unjustified(
                .certificateUncalledFor, .prepares(Contradiction(prepare, prepare))),
            .heightPast(Height(1)), .heightAhead(Height(1)), .roundOutsideWindow(Round(1)),
            .superseded, .duplicate, .contradiction, .wrongParent(.zero),
            .timeBeforeParent(BeaconTime(milliseconds: 1)), .unasked, .ownMessage,
        ]
        for refusal in refusals {
            #expect(refusal.blamesSender == refusal.isOffence, "\(refusal)")
        }
    }
}
