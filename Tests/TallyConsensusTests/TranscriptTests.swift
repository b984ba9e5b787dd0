import Testing

/// Scripts under `Transcripts`: one for each bug that other implementations had, and the refusals.
@Suite struct TranscriptTests {
    static let names = [
        "happy-path", "quorum-of-five", "quorum-of-six", "locks-on-two-blocks",
        "own-commit-late", "repeated-signature", "forged-sender", "propose-again",
        "highest-certificate", "decision-races-timer", "jump-by-proposal", "restart",
        "minority", "round-flood", "changed-block", "clock", "forged-final", "late-seals",
        "losing-parent", "lost-votes", "evidence", "refusals", "weights", "bodies", "work",
        "behind", "restart-by-log", "fork-after-restart", "certificate-of-target",
        "lost-disk",
    ]

    @Test(arguments: names)
    func replays(name: String) throws {
        let replay = try Transcript(name + ".txt").replay()
        #expect(replay.actual == replay.expected, "TALLY_REWRITE=1 writes the file anew")
    }

    @Test func everyReasonToRefuseHasATranscript() throws {
        var met: Set<RefusalName> = []
        for name in Self.names { met.formUnion(try Transcript(name + ".txt").replay().refusals) }
        #expect(RefusalName.allCases.filter { !met.contains($0) } == [])
    }
}
