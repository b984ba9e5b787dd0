import TallyExecution
package import TallyPrimitives
import TallyState

// PROOF-4

extension LedgerProof: RLPValue {
    private enum Kind: UInt8 {
        case account = 1
        case receipt = 2
        case transaction = 3
    }

    private var kind: Kind {
        switch claim {
        case .account: .account
        case .receipt: .receipt
        case .transaction: .transaction
        }
    }

    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(Self.version)
            out.append(headers)
            out.append(finality.rawValue)
            out.append(kind.rawValue)
            switch claim {
            case .account(let claim): claim.encode(to: &out)
            case .receipt(let claim): claim.encode(to: &out)
            case .transaction(let claim): claim.encode(to: &out)
            }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let version: UInt8 = try list.nextInteger()
        guard version == Self.version else { throw .unknownValue(UInt64(version)) }
        let headers: [BeaconHeader] = try list.nextArray(limit: Self.maximumHeaders)
        let finality = try list.nextCase(FinalityProof.self)
        let claim: ProofClaim
        switch try list.nextCase(Kind.self) {
        case .account: claim = .account(try AccountClaim(from: &list))
        case .receipt: claim = .receipt(try ReceiptClaim(from: &list))
        case .transaction: claim = .transaction(try TransactionClaim(from: &list))
        }
        try list.finish()
        self.init(headers: headers, finality: finality, claim: claim)
    }

    /// Decodes a proof from anybody.
    /// - Throws: `.tooLong`, `.encoding`.
    package init(untrusted bytes: [UInt8]) throws(LedgerProofError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw .tooLong(limit: Self.maximumByteCount)
        }
        do throws(RLPError) {
            self = try LedgerProof(encoded: bytes)
        } catch { throw .encoding(error) }
    }
}

extension AnchoredHeader: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            header.encode(to: &out)
            out.append(index)
            out.append(count)
            path.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            header: try ShardHeader(from: &list), index: try list.nextInteger(),
            count: try list.nextInteger(), path: try MerkleRangeProof(decoding: &list))
        try list.finish()
    }
}

extension AccountClaim: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(address)
            block.encode(to: &out)
            out.append(encoded: state.encoded())
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let address: Address = try list.nextFixed()
        let block = try AnchoredHeader(from: &list)
        let state: StateProof
        do throws(ProofError) {
            state = try StateProof(decoding: Array(try list.nextEncodedItem()))
        } catch {
            guard case .encoding(let fault) = error else { throw .truncated }
            throw fault
        }
        try list.finish()
        self.init(address: address, block: block, state: state)
    }
}

extension RLPDecoder {
    /// `nextEncoded` whose fault is one of the proof.
    fileprivate mutating func nextEncodedItem() throws(ProofError) -> ArraySlice<UInt8> {
        do throws(RLPError) { return try nextEncoded() } catch { throw .encoding(error) }
    }
}

extension ResultClaim: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(bytes)
            out.append(count)
            path.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            bytes: Array(try list.nextString()), count: try list.nextInteger(),
            path: try MerkleRangeProof(decoding: &list))
        try list.finish()
    }
}

extension ReceiptClaim: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            receipt.encode(to: &out)
            sent.encode(to: &out)
            path.encode(to: &out)
            out.list { out in consumed?.encode(to: &out) }
            out.list { out in outcome?.encode(to: &out) }
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        let receipt = try Receipt(from: &list)
        let sent = try AnchoredHeader(from: &list)
        let path = try MerkleRangeProof(decoding: &list)
        self.init(
            receipt: receipt, sent: sent, path: path, consumed: try list.nextOptionalItem(),
            outcome: try list.nextOptionalItem())
        try list.finish()
    }
}

extension RLPDecoder {
    /// A list of one value, or of none for `nil`.
    fileprivate mutating func nextOptionalItem<Value: RLPValue>() throws(RLPError) -> Value? {
        var list = try nextList()
        let value = list.isAtEnd ? nil : try Value(from: &list)
        try list.finish()
        return value
    }
}

extension TransactionClaim: RLPValue {
    package func encode(to out: inout RLPEncoder) {
        out.list { out in
            out.append(raw)
            block.encode(to: &out)
            out.append(index)
            path.encode(to: &out)
            result.encode(to: &out)
        }
    }

    package init(from input: inout RLPDecoder) throws(RLPError) {
        var list = try input.nextList()
        self.init(
            raw: Array(try list.nextString()), block: try AnchoredHeader(from: &list),
            index: try list.nextInteger(), path: try MerkleRangeProof(decoding: &list),
            result: try ResultClaim(from: &list))
        try list.finish()
    }
}
