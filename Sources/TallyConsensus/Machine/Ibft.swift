internal import TallyPrimitives

/// Agreement of weighted validators on one block a height: IBFT (QBFT) with pipelined proposals,
/// without clock, disk or network (`Specs/consensus/ibft.md`).
package struct Ibft: Sendable {
    package let configuration: Configuration
    /// The newest final block.
    package private(set) var head: Head
    /// Those of the heights around the head, for ``Authenticator``.
    package private(set) var sets: ValidatorSets

    package init(_ configuration: Configuration, signer: any VoteSigner, start: Start) {
        self.configuration = configuration
        head = start.head
        sets = start.sets
    }

    /// One step: changes the state and says what to do, in order. Never blocks, never fails.
    package mutating func handle(_ input: Input) -> [Effect] { [] }
}
