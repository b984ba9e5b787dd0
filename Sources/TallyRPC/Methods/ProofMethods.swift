import TallyClient
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Proofs for those who trust a beacon header and nothing else.
enum ProofMethods {
    static func account(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let address = try arguments.address(0)
        guard !ReservedAddress.contains(address) else {
            throw .proof(
                RPCFailure.invalidParamsCode,
                "\(address) is reserved: no shard holds an account of it",
                "reservedAddress", retryable: false)
        }
        let snapshot = ledger.publisher.current
        let anchor = try snapshot.anchor(try arguments.block(1))
        try write(&out, anchor, snapshot) { (anchor) throws(ProofRefusal) in
            try ledger.proofs.account(address, at: anchor, snapshot)
        }
    }

    static func receipt(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        let place = ReceiptReference(
            source: try arguments.endpoint(0, snapshot.layout),
            destination: try arguments.endpoint(1, snapshot.layout),
            index: try arguments.quantity(2))
        let evidence = try arguments.word(3).flatMap(ProofSource.ReceiptEvidence.init)
        let anchor = try snapshot.anchor(try arguments.block(4))
        try write(&out, anchor, snapshot) { (anchor) throws(ProofRefusal) in
            try ledger.proofs.receipt(place, evidence, at: anchor, snapshot)
        }
    }

    static func transaction(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let hash = try arguments.hash(0)
        let snapshot = ledger.publisher.current
        let anchor = try snapshot.anchor(try arguments.block(1))
        try write(&out, anchor, snapshot) { (anchor) throws(ProofRefusal) in
            try ledger.proofs.transaction(hash, at: anchor, snapshot)
        }
    }

    /// - Parameters:
    ///   - anchor: the beacon block that the caller trusts; `nil` for the newest.
    ///   - build: is given the block that the headers are to lead to, `nil` for the nearest.
    private static func write(
        _ out: inout JSONWriter, _ anchor: Height?, _ snapshot: LedgerSnapshot,
        _ build: (Height?) throws(ProofRefusal) -> LedgerProof
    ) throws(RPCFailure) {
        let document: JSON
        do throws(ProofRefusal) {
            let proof = try proof(anchor, snapshot, build)
            guard let trusted = proof.headers.last?.hash else { throw .unknownBlock }
            do throws(LedgerProofError) {
                document = ProofDocument.json(proof, try proof.verify(.beaconHash(trusted)))
            } catch { throw .inconsistent(error) }
        } catch { throw RPCFailure(error) }
        out.value(document)
    }

    /// Without a block to lead to, the newest will do best: whoever asks has it, or gets it next.
    fileprivate static func proof(
        _ anchor: Height?, _ snapshot: LedgerSnapshot,
        _ build: (Height?) throws(ProofRefusal) -> LedgerProof
    ) throws(ProofRefusal) -> LedgerProof {
        if let anchor { return try build(anchor) }
        do throws(ProofRefusal) {
            return try build(snapshot.height)
        } catch {
            guard case .tooFarApart = error else { throw error }
            return try build(nil)
        }
    }
}

extension LedgerSnapshot {
    /// The beacon block that the caller trusts; `nil` for the newest.
    fileprivate func anchor(_ selector: BlockSelector) throws(RPCFailure) -> Height? {
        let named: Height?
        switch selector {
        case .latest, .pending: return nil
        case .height(let value): named = value <= height ? value : nil
        case .hash(let hash):
            named = try reading { () throws(ReadError) in try beaconHeight(hash) }
        }
        guard let named else { throw .unknownBlock }
        return named
    }
}

extension RPCFailure {
    init(_ refusal: ProofRefusal) {
        switch refusal {
        case .read(let error): self.init(error)
        case .inconsistent(let error):
            self = .because(
                Self.internalErrorCode, "what is stored does not match the headers: \(error)",
                reason: RPCFailure.storeDamaged, retryable: false)
        case .unknownBlock: self = .unknownBlock
        case .unknownTransaction:
            self = .proof(
                Self.resourceNotFoundCode, "no block holds this transaction",
                "unknownTransaction", retryable: true)
        case .unknownReceipt(let end):
            self = .proof(
                Self.resourceNotFoundCode, "the stream has \(end) receipts so far",
                "unknownReceipt", retryable: true, .init("end", JSON(quantity: end)))
        case .notConsumed(let cursor):
            self = .proof(
                Self.resourceNotFoundCode,
                "the receipt waits: its destination has consumed \(cursor) of the stream",
                "notConsumed", retryable: true, .init("cursor", JSON(quantity: cursor)))
        case .indexing(let done, let all):
            self = .proof(
                Self.resourceUnavailableCode,
                "the stream is being read for its first proof, \(done) of \(all) receipts: ask again",
                "indexing", retryable: true, .init("done", JSON(quantity: done)),
                .init("of", JSON(quantity: all)))
        case .receiptsPruned(let bound):
            self = .proof(
                Self.resourceUnavailableCode,
                "this node does not keep the receipts that the proof is made of",
                "receiptsPruned", retryable: false, .init("below", JSON(quantity: bound)))
        case .stateUnavailable, .anchorTooEarly, .tooFarApart: self = Self.range(refusal)
        }
    }

    /// Refusals that say for which heights there is a proof.
    private static func range(_ refusal: ProofRefusal) -> RPCFailure {
        switch refusal {
        case .stateUnavailable(let lowest, let highest):
            .proof(
                resourceUnavailableCode,
                "the shard's state is held for blocks \(lowest) to \(highest): ask for latest",
                "stateUnavailable", retryable: false, .init("from", JSON(lowest)),
                .init("through", JSON(highest)))
        case .anchorTooEarly(let lowest):
            .proof(
                resourceUnavailableCode,
                "what is to be shown came about at block \(lowest): name a block from there on",
                "anchorTooEarly", retryable: false, .init("from", JSON(lowest)))
        case .tooFarApart(let lowest, let highest):
            .proof(
                resourceUnavailableCode,
                "too many blocks lie between: from block \(lowest) a proof reaches to \(highest)",
                "tooFarApart", retryable: false, .init("from", JSON(lowest)),
                .init("through", JSON(highest)))
        default: preconditionFailure("not a refusal with a range")
        }
    }

    fileprivate static func proof(
        _ code: Int, _ message: String, _ reason: String, retryable: Bool,
        _ details: JSONObject.Member...
    ) -> RPCFailure {
        RPCFailure(
            code, message,
            data: .object(
                JSONObject(
                    [.init("reason", .string(reason)), .init("retryable", .bool(retryable))]
                        + details)))
    }
}
