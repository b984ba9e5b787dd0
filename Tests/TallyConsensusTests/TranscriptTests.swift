import Testing

/// Scripts under `Transcripts`: one for each bug that other implementations had, and the refusals.
@Suite struct TranscriptTests {
    @Test(arguments: [
        "happy-path", "quorum-of-five", "quorum-of-six", "locks-on-two-blocks",
        "own-commit-late", "repeated-signature", "forged-sender", "propose-again",
        "highest-certificate", "decision-races-timer", "jump-by-proposal", "restart",
        "minority", "round-flood", "changed-block", "clock", "forged-final", "late-seals",
        "losing-parent", "lost-votes", "evidence", "refusals", "weights", "bodies", "work",
        "behind", "restart-by-log", "fork-after-restart",
    ])
    func replays(name: String) throws {
        let (expected, actual) = try Transcript(name + ".txt").replay()
        #expect(actual == expected, "TALLY_REWRITE=1 writes the file anew")
    }
}
