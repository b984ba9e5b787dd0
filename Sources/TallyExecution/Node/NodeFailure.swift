/// Why an operation or a request of the Node family had no effect. Numbers 16 to 39.
package enum NodeFailure: UInt8, FamilyFailure {
    /// The account has no node, or a retired one.
    case notRegistered = 16
    /// The account has a node that is not retired.
    case alreadyRegistered = 17
    /// A node with a stake cannot be deregistered.
    case stakeHeld = 18
    /// The node is not active, or has no power to stake for.
    case noPower = 19
    /// There is one stake at a time.
    case alreadyStaked = 20
    /// Less than the node's power asks for (ECON-7), or than the role does (ECON-20).
    case stakeTooSmall = 21
    /// Fewer days than the role asks for (ECON-20).
    case termTooShort = 22
    /// There is no stake to take back.
    case notStaked = 23
    /// The stake's term is not over.
    case stakeLocked = 24
    /// There are no rewards to claim.
    case noRewards = 25
}
