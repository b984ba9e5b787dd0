import TallyConsensus
import TallyCrypto
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// FUZZ-1: what decodes has these bytes and no others.
func checkRoundTrip<Value: RLPValue>(
    _ type: Value.Type, _ bytes: [UInt8]
) throws(Violation) {
    guard let value = try? Value(encoded: bytes) else { return }
    try check(value.encoded == bytes, "FUZZ-1: \(type) has two encodings")
}

/// FUZZ-1, of any items and of each kind of item.
func checkRLP(_ bytes: [UInt8]) throws(Violation) {
    var input = RLPDecoder(bytes)
    var out = RLPEncoder()
    if (try? copyItems(&input, to: &out, depth: 0)) != nil {
        try check(out.bytes == bytes, "FUZZ-1: items have two encodings")
    }
    try checkItem(bytes) { (input, out) throws(RLPError) in
        out.append(try input.nextInteger(UInt64.self))
    }
    try checkItem(bytes) { (input, out) throws(RLPError) in
        out.append(try input.nextInteger(UInt128.self))
    }
    try checkItem(bytes) { (input, out) throws(RLPError) in
        out.append(try input.nextInteger(UInt8.self))
    }
    try checkItem(bytes) { (input, out) throws(RLPError) in
        out.append(try input.nextFixed(Address.self))
    }
    try checkItem(bytes) { (input, out) throws(RLPError) in
        out.append(optional: try input.nextOptional(Hash32.self))
    }
    try checkItem(bytes) { (input, out) throws(RLPError) in
        let items = try input.nextArray(limit: 4) { (item) throws(RLPError) in
            try item.nextString(limit: 16)
        }
        try limited(items.count <= 4 && items.allSatisfy { $0.count <= 16 })
        out.list { out in for item in items { out.append(item) } }
    }
}

/// A bound that was asked for and not kept shows as another encoding.
private func limited(_ holds: Bool) throws(RLPError) {
    precondition(holds, "FUZZ-2: longer than its limit")
}

private func checkItem(
    _ bytes: [UInt8], _ copy: (inout RLPDecoder, inout RLPEncoder) throws(RLPError) -> Void
) throws(Violation) {
    var input = RLPDecoder(bytes)
    var out = RLPEncoder()
    do throws(RLPError) {
        while !input.isAtEnd { try copy(&input, &out) }
    } catch { return }
    try check(out.bytes == bytes, "FUZZ-1: an item has two encodings")
}

private func copyItems(
    _ input: inout RLPDecoder, to out: inout RLPEncoder, depth: Int
) throws(RLPError) {
    while !input.isAtEnd {
        guard input.nextIsList else {
            out.append(try input.nextString())
            continue
        }
        // Our own recursion: the decoder has none.
        guard depth < 64 else {
            out.append(encoded: try input.nextEncoded())
            continue
        }
        var list = try input.nextList()
        var inner = RLPEncoder()
        try copyItems(&list, to: &inner, depth: depth + 1)
        out.list { $0.append(encoded: inner.bytes) }
    }
}

/// FUZZ-3
func checkEnvelope(_ bytes: [UInt8]) throws(Violation) {
    guard let (envelope, signature) = try? Envelope.decode(bytes) else {
        try check(
            (try? Transaction(raw: bytes, chainID: nil)) == nil,
            "FUZZ-3: a transaction without envelope")
        return
    }
    try check(envelope.raw(signature: signature) == bytes, "FUZZ-1: an envelope has two encodings")
    if let operation = try? Operation(envelope), case .transfer(let transfer) = operation {
        try checkDoor(transfer, envelope)
    }
    guard let transaction = try? Transaction(raw: bytes, chainID: nil) else { return }
    try check(transaction.raw == bytes, "FUZZ-3: raw bytes are kept")
    try check(transaction.hash == Keccak256.hash(bytes), "FUZZ-3: the hash is that of the bytes")
    try check(transaction.weight <= envelope.weightLimit, "FUZZ-3: more weight than its limit")
    try check(envelope.maximumCost != nil, "FUZZ-3: a cost beyond all amounts")
    try check(
        (try? Transaction(raw: bytes, chainID: envelope.chainID &+ 1)) == nil,
        "FUZZ-3: good for another chain")
    try check(
        (try? Transaction(raw: bytes, verifiedSender: transaction.sender))?.hash
            == transaction.hash, "FUZZ-3: the log reads it otherwise")
}

/// What the envelope of an operation is, the operation says again.
private func checkDoor(
    _ operation: TransferOperation, _ envelope: Envelope
) throws(Violation) {
    guard let target = operation.target else {
        throw Violation("FUZZ-3: an operation that no transaction can carry")
    }
    try check(
        target.to == envelope.to && target.value == envelope.value,
        "FUZZ-3: an operation of another address or value")
    guard case .single = operation else {
        try check(operation.callData == envelope.data, "FUZZ-1: call data has two encodings")
        return
    }
}

/// FUZZ-1, of what the store, the log and the proofs hold; the first byte says which.
func checkStoredValue(_ bytes: [UInt8]) throws(Violation) {
    guard let choice = Choice(bytes, of: 15) else { return }
    let bytes = choice.rest
    switch choice.number {
    case 0: try checkRoundTrip(StoredHead.self, bytes)
    case 1: try checkRoundTrip(StoredBlock.self, bytes)
    case 2: try checkRoundTrip(StoredTransaction.self, bytes)
    case 3: try checkRoundTrip(BeaconRow.self, bytes)
    case 4: try checkRoundTrip(TransactionResult.self, bytes)
    case 5: try checkRoundTrip(LedgerEvent.self, bytes)
    case 6: try checkRoundTrip(Receipt.self, bytes)
    case 7: try checkRoundTrip(NetworkParameters.self, bytes)
    case 8: try checkRoundTrip(FinalCertificate.self, bytes)
    case 9: try checkRoundTrip(Justification.self, bytes)
    case 10: try checkRoundTrip(ShardHeader.self, bytes)
    case 11: try checkRoundTrip(BeaconHeader.self, bytes)
    case 12: try checkRoundTrip(BlockOutline.self, bytes)
    case 14: try checkRoundTrip(HeaderRandomness.self, bytes)
    default:
        guard let record = try? ConsensusRecord(encoded: bytes) else { return }
        try check(record.encoded == bytes, "FUZZ-1: a record has two encodings")
    }
}

/// FUZZ-5
func checkBlock(_ bytes: [UInt8]) throws(Violation) {
    if let outline = try? BlockOutline(encoded: bytes) {
        try check(outline.encoded == bytes, "FUZZ-1: an outline has two encodings")
    }
    let trusted = try? BeaconBlock(body: bytes)
    if let trusted { try check(trusted.body == bytes, "FUZZ-1: a body has two encodings") }
    let reader = LedgerBlockReader(senders: RecoveredSenders(chainID: 77))
    guard let block = reader.block(body: bytes) else { return }
    guard let trusted else { throw Violation("FUZZ-5: only readable for who trusts it less") }
    try check(block.body == bytes, "FUZZ-5: another body")
    try check(
        block.digest == trusted.header.hash && block.height == trusted.header.height
            && block.parent == trusted.header.parent && block.timestamp == trusted.header.time,
        "FUZZ-5: a block under another name")
}
