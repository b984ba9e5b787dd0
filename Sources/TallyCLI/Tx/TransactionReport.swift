import TallyClient
import TallyCrypto
import TallyPrimitives
import TallyTransactions

/// A raw transaction explained as one JSON object, numbers as JSON-RPC writes them.
struct TransactionReport: Sendable {
    /// The only chain id to accept.
    let chainID: ChainID?

    /// The object for one raw transaction in hexadecimal.
    func json(of line: InputLine) throws(CommandFailure) -> [UInt8] {
        let limit = Envelope.maximumByteCount
        guard case .text(let text) = line else {
            throw CommandFailure(
                "oversized", "oversized data: the line exceeds \(limit) bytes of transaction")
        }
        let raw = try HexField.bytes(HexField.trimmed(text), "transaction")
        do throws(TransactionError) {
            let transaction = try Transaction(raw: raw, chainID: chainID)
            let (_, signature) = try Envelope.decode(raw)
            return Self.json(transaction, signature)
        } catch { throw CommandFailure(error.code, error.description) }
    }

    private static func json(
        _ transaction: Transaction, _ signature: RecoverableSignature
    ) -> [UInt8] {
        let envelope = transaction.envelope
        var out = JSONWriter(capacity: 1_024)
        out.object { out in
            out.member("hash") { $0.hex(transaction.hash) }
            out.member("sender") { $0.hex(transaction.sender) }
            out.member("type") { $0.quantity(envelope.type.rawValue) }
            out.member("chainId") { $0.quantity(envelope.chainID) }
            out.member("nonce") { $0.quantity(envelope.nonce) }
            out.member("to") { $0.hex(envelope.to) }
            out.member("value") { $0.quantity(envelope.value) }
            out.member("gasLimit") { $0.quantity(envelope.weightLimit) }
            switch envelope.type {
            case .legacy, .accessList:
                out.member("gasPrice") { $0.quantity(envelope.maxFee) }
            case .dynamicFee:
                out.member("maxFeePerGas") { $0.quantity(envelope.maxFee) }
                out.member("maxPriorityFeePerGas") { $0.quantity(envelope.maxPriorityFee) }
            }
            out.member("input") { $0.hex(envelope.data) }
            out.member("operation") { out in
                switch transaction.operation {
                case .transfer(let operation): out.object { $0.members(of: operation) }
                case .node, .proof, .job, .trade, .validator:
                    out.object { out in
                        out.member("family") { $0.string(transaction.operation.family) }
                        out.member("kind") { $0.string(transaction.operation.name) }
                    }
                }
            }
            out.member("signature") { out in
                out.object { $0.members(of: signature, envelope) }
            }
        }
        return out.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ value: (inout JSONWriter) -> Void) {
        key(name)
        value(&self)
    }

    fileprivate mutating func members(of operation: TransferOperation) {
        member("family") { $0.string("transfer") }
        switch operation {
        case .single(let to, let value):
            member("kind") { $0.string("single") }
            member("to") { $0.hex(to) }
            member("value") { $0.quantity(value) }
        case .batch(let legs):
            member("kind") { $0.string("batch") }
            member("legs") { out in
                out.array { out in
                    for leg in legs { out.object { $0.members(of: leg) } }
                }
            }
        case .claimEscrow: member("kind") { $0.string("claimEscrow") }
        case .setCreditPolicy(let policy):
            member("kind") { $0.string("setCreditPolicy") }
            member("policy") { $0.string(policy == .accept ? "accept" : "refuse") }
        }
    }

    private mutating func members(of leg: TransferLeg) {
        member("to") { $0.hex(leg.to) }
        member("value") { $0.quantity(leg.value) }
        switch leg.terms {
        case .immediate: break
        case .creditBy(let time): member("creditBy") { $0.quantity(time.milliseconds) }
        case .runAt(let time): member("runAt") { $0.quantity(time.milliseconds) }
        }
    }

    /// r and s have all 32 bytes; v is what the transaction carries.
    fileprivate mutating func members(of signature: RecoverableSignature, _ envelope: Envelope) {
        member("r") { $0.hex(signature.r) }
        member("s") { $0.hex(signature.s) }
        let parity = UInt128(signature.yParity)
        member("v") {
            $0.quantity(
                envelope.type == .legacy ? UInt128(envelope.chainID) * 2 + 35 + parity : parity)
        }
        member("yParity") { $0.quantity(signature.yParity) }
    }
}
