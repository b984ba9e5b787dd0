/// First byte of everything that SHA-256 hashes in the protocol, so that a value of one kind is
/// never the hash of another. The numbers are consensus: `Specs/encoding.md`, ENC-4.
package enum HashDomain: UInt8, Sendable, CaseIterable {
    // State tree
    case path = 0x01
    case bucket = 0x02
    case inner = 0x03
    case payload = 0x04
    // Merkle mountain ranges
    case rangeLeaf = 0x10
    case rangeInner = 0x11
    case rangeRoot = 0x12
    // Ledger objects
    case receiptID = 0x20
    case shardHeader = 0x21
    case beaconHeader = 0x22
    case genesis = 0x23
    case object = 0x24
    case transactionResult = 0x25
    // Agreement
    case consensusVote = 0x30
    case justification = 0x31
    case validatorSet = 0x32
    case proposerOrder = 0x33
    case randomnessReveal = 0x34
    case randomnessMix = 0x35
    // Network
    case peerIdentity = 0x36
    // Agreement
    case randomnessState = 0x37
    case randomnessSecret = 0x38
    // Draws of validators
    case draw = 0x39
    // Files
    case journalRecord = 0x40
    // Proofs of computing
    case taskChallenge = 0x50
    case taskSegment = 0x51
    case taskStep = 0x52
    case taskMatrix = 0x53
    case taskSolutions = 0x54
    case taskDraw = 0x55
    // Jobs
    case jobSample = 0x60
    case jobSeal = 0x61
    case jobVerdict = 0x62
    case jobOutput = 0x63
    case jobSalt = 0x64
    case dutySecret = 0x65
    case hiddenTask = 0x66
}
