import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// What proofs of the state are checked against: sixty accounts, and leaves of a range.
struct ProvenThings: Sendable {
    let tree: StateTree
    let paths: [Hash32]
    let leaves: [Hash32]

    static let shared: ProvenThings = {
        do throws(StateError) { return try ProvenThings() } catch {
            preconditionFailure("a tree in memory: \(error)")
        }
    }()

    private init() throws(StateError) {
        let keys = (0..<UInt32(80)).map { ObjectKey.account(Address(words: (0, 0, $0 + 1))) }
        // Of the last twenty there is nothing.
        let changes = keys.prefix(60).enumerated().map { number, key in
            let account = Account(
                balance: Amount(UInt128(number + 1)), nonce: UInt64(number), policy: .accept)
            return StateChange(key, account.object)
        }
        tree = try StateTree.empty.updating(changes.inPathOrder(), MemoryPages())
        paths = keys.map(\.path)
        leaves = (0..<UInt8(23)).map { MerkleRange.leafHash([$0]) }
    }
}

/// FUZZ-8. The first byte says of what the rest is a proof.
func checkProof(_ bytes: [UInt8]) throws(Violation) {
    guard let choice = Choice(bytes, of: 3) else { return }
    switch choice.number {
    case 0: try checkLedgerProof(choice.rest)
    case 1: try checkStateProof(choice.rest)
    default: try checkRangeProof(choice.rest)
    }
}

private func checkLedgerProof(_ bytes: [UInt8]) throws(Violation) {
    guard let proof = try? LedgerProof(untrusted: bytes) else { return }
    try check(proof.encoded == bytes, "FUZZ-1: a proof has two encodings")
    try check(proof.headers.count <= LedgerProof.maximumHeaders, "FUZZ-2: too many headers")
    try check(
        (try? proof.verify(.beaconHash(.zero))) == nil, "FUZZ-8: shows something of nothing")
    guard let last = proof.headers.last,
        let statement = try? proof.verify(.beaconHash(last.hash))
    else { return }
    try check(statement.trusted == last, "FUZZ-8: another header than the trusted one")
    try check(statement.trustedHash == last.hash, "FUZZ-8: another hash than the trusted one")
    let block: ProvenBlock
    let home: Address?
    switch (statement.fact, proof.claim) {
    case (.account(let fact), .account(let claim)):
        try check(fact.address == claim.address, "FUZZ-8: another account than the claimed one")
        (block, home) = (fact.block, fact.address)
    case (.receipt(let fact), .receipt(let claim)):
        try check(fact.receipt == claim.receipt, "FUZZ-8: another receipt than the claimed one")
        (block, home) = (fact.source, nil)
    case (.transaction(let fact), .transaction(let claim)):
        try check(
            (try? Transaction(raw: claim.raw, chainID: nil))?.sender == fact.sender,
            "FUZZ-8: another sender than who signed")
        (block, home) = (fact.block, fact.sender)
    default: throw Violation("FUZZ-8: another fact than the claimed one")
    }
    try check(block.height <= last.height, "FUZZ-8: a block above the trusted one")
    if let home {
        try check(
            EndpointID(statement.layout.home(of: home)) == block.endpoint,
            "FUZZ-8: shown by a shard that is not its home")
    }
}

/// Behind the number of an account.
private func checkStateProof(_ bytes: [UInt8]) throws(Violation) {
    let things = ProvenThings.shared
    guard let choice = Choice(bytes, of: things.paths.count),
        let proof = try? StateProof(decoding: choice.rest)
    else { return }
    try check(proof.encoded() == choice.rest, "FUZZ-1: a state proof has two encodings")
    let path = things.paths[choice.number]
    let found: StateObject?
    do throws(ProofError) {
        found = try proof.verify(root: things.tree.root, sum: things.tree.sum, path: path)
    } catch { return }
    let object = try? things.tree.object(path, MemoryPages())
    try check(found == object, "FUZZ-8: shows another object than there is")
    try check(
        (try? proof.verify(root: things.tree.root, sum: Amount(1), path: path)) == nil,
        "FUZZ-8: good for another sum")
}

/// Behind the number of a leaf, and how many there are.
private func checkRangeProof(_ bytes: [UInt8]) throws(Violation) {
    let leaves = ProvenThings.shared.leaves
    guard let index = Choice(bytes, of: 256), let count = Choice(index.rest, of: 256) else {
        return
    }
    var input = RLPDecoder(count.rest)
    guard let proof = try? MerkleRangeProof(decoding: &input), input.isAtEnd else { return }
    var out = RLPEncoder()
    proof.encode(to: &out)
    try check(out.bytes == count.rest, "FUZZ-1: a range proof has two encodings")
    let root = MerkleRange.root(ofLeaves: leaves)
    for (number, leaf) in leaves.enumerated() {
        do throws(ProofError) {
            try proof.verify(
                root: root, count: UInt64(count.number), index: UInt64(index.number), leaf: leaf)
        } catch { continue }
        try check(
            count.number == leaves.count && index.number == number,
            "FUZZ-8: a leaf at another place")
    }
}
