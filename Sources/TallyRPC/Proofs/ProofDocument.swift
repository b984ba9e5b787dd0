package import TallyClient
import TallyEngine
package import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyState
import TallyTransactions

/// A proof as JSON: what the method answers is the file that is checked (PROOF-11).
///
/// `proof` is the whole of it. The other members say the same in words; they are compared with what
/// the proof has shown, never believed.
package enum ProofDocument {
    package static func json(_ proof: LedgerProof, _ statement: ProvenStatement) -> JSON {
        var members: [JSONObject.Member] = [
            .init("type", .string(type(of: statement.fact))),
            .init("chain", JSON(statement.chain)),
            .init("shardCount", JSON(statement.layout.shardCount)),
        ]
        switch statement.fact {
        case .account(let fact): members += Self.members(fact)
        case .receipt(let fact): members += Self.members(fact)
        case .transaction(let fact): members += Self.members(fact)
        }
        members.append(
            .init(
                "trusted",
                [
                    "height": JSON(statement.trusted.height), "hash": JSON(statement.trustedHash),
                    "timeMs": JSON(statement.trusted.time.milliseconds),
                ]))
        members.append(.init("proof", JSON(hex: proof.encoded)))
        return .object(JSONObject(members))
    }

    /// Checks a document from anybody, alone or as the whole response of a node.
    package static func verify(
        _ document: JSON, _ anchor: TrustAnchor
    ) throws(ProofDocumentError) -> ProvenStatement {
        let document = try result(of: document)
        guard let bytes = document["proof"]?.hexBytes else { throw .noDocument }
        let proof: LedgerProof
        let statement: ProvenStatement
        do throws(LedgerProofError) {
            proof = try LedgerProof(untrusted: bytes)
            statement = try proof.verify(anchor)
        } catch { throw .proof(error) }
        if let difference = json(proof, statement).difference(from: document, at: "") {
            throw .member(difference)
        }
        return statement
    }

    /// What a response answers; any other document is itself.
    static func result(of document: JSON) throws(ProofDocumentError) -> JSON {
        guard document["jsonrpc"] != nil else { return document }
        if let message = document["error"]?["message"]?.stringValue { throw .refused(message) }
        guard let result = document["result"] else { throw .noDocument }
        return result
    }

    private static func type(of fact: ProvenFact) -> String {
        switch fact {
        case .account: "account"
        case .receipt: "receipt"
        case .transaction: "transaction"
        }
    }

    // MARK: Facts

    private static func members(_ fact: ProvenAccount) -> [JSONObject.Member] {
        let account = fact.account ?? .empty
        return [
            .init("address", .string(fact.address.description)),
            .init("exists", .bool(fact.account != nil)),
            .init("balance", JSON(account.balance)),
            .init("nonce", JSON(quantity: account.nonce)),
            .init("creditPolicy", account.policy == .accept ? "accept" : "refuse"),
            .init("block", json(fact.block)),
        ]
    }

    private static func members(_ fact: ProvenReceipt) -> [JSONObject.Member] {
        let receipt = fact.receipt
        return [
            .init("id", JSON(fact.id)),
            .init("place", json(receipt.reference)),
            .init("kind", JSON(receipt.kind)),
            .init("origin", JSON(receipt.origin)),
            .init("parent", receipt.parent.map(json) ?? .null),
            .init("from", .string(receipt.from.description)),
            .init("to", .string(receipt.to.description)),
            .init("value", JSON(receipt.value)),
            .init("fee", JSON(receipt.fee)),
            .init("payload", JSON(hex: receipt.payload.bytes)),
            .init("status", .string(fact.status)),
            .init("reason", (fact.outcome?.failureReason).map { .string($0.code) } ?? .null),
            .init("answer", (fact.outcome?.answer).map(json) ?? .null),
            .init("sent", json(fact.source)),
            .init("consumed", fact.consumption.map(json) ?? .null),
        ]
    }

    private static func members(_ fact: ProvenTransaction) -> [JSONObject.Member] {
        [
            .init("hash", JSON(fact.hash)),
            .init("from", .string(fact.sender.description)),
            .init("to", .string(fact.envelope.to.description)),
            .init("value", JSON(fact.envelope.value)),
            .init("nonce", JSON(quantity: fact.envelope.nonce)),
            .init("index", JSON(quantity: fact.index)),
            .init("status", fact.result.failure == nil ? "0x1" : "0x0"),
            .init("failure", fact.result.failure.map { .string($0.code) } ?? .null),
            .init("weight", JSON(quantity: fact.result.weight)),
            .init("price", JSON(fact.result.price)),
            .init("block", json(fact.block)),
        ]
    }

    private static func json(_ block: ProvenBlock) -> JSON {
        [
            "shard": JSON(block.endpoint.index), "height": JSON(block.height),
            "hash": JSON(block.hash), "beaconHash": JSON(block.beaconHash),
            "timeMs": JSON(block.time.milliseconds),
        ]
    }

    private static func json(_ place: ReceiptReference) -> JSON {
        [
            "source": JSON(place.source.index), "destination": JSON(place.destination.index),
            "index": JSON(quantity: place.index),
        ]
    }
}

/// Why a document proves nothing.
package enum ProofDocumentError: Error, Equatable, Sendable {
    /// No document of this kind.
    case noDocument
    /// The node's answer is an error, with this message.
    case refused(String)
    /// The bytes of a header do not decode.
    case malformed(RLPError)
    case proof(LedgerProofError)
    /// A member says something else than was proven, is missing, or is none of a proof's.
    case member(String)
    /// A header is of a network with another genesis, whose hash this is.
    case otherGenesis(Hash32)
    /// The seals that hold do not make a header final.
    case notFinal(power: UInt64, quorum: UInt64)
    /// The set of the header's height does not follow from the genesis.
    case election(ElectionChainError)
}

extension ProofDocumentError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noDocument: "the file holds neither a proof or header nor a node's answer with one"
        case .refused(let message): "the file holds a node's refusal: \(message)"
        case .malformed(let error): "the header does not decode: \(error)"
        case .proof(let error): error.description
        case .member(let path): "\(path) is not what the hashes say"
        case .otherGenesis(let chain): "the header is of another network, \(chain)"
        case .election(let error): error.description
        case .notFinal(let power, let quorum):
            "the header is not final: seals of power \(power) hold, and it takes \(quorum)"
        }
    }
}

extension ProvenReceipt {
    /// `sent`, `consumed`, or what the outcome is.
    package var status: String {
        guard consumption != nil else { return "sent" }
        switch outcome {
        case nil: return "consumed"
        case .bounced: return "bounced"
        case .refunded: return "refunded"
        case .escrowed: return "escrowed"
        case .credited, .treasuryCredited: return "credited"
        case .compute: return "handled"
        case .transferred, .sent, .escrowClaimed, .scheduled, .scheduleRan, .scheduleReturned,
            .creditPolicySet, .swept:
            preconditionFailure("an event that consumes no receipt")
        }
    }
}

extension LedgerEvent {
    /// Why a receipt was not credited.
    package var failureReason: ExecutionFailure? {
        switch self {
        case .bounced(_, _, _, _, let reason), .refunded(_, _, _, _, _, let reason),
            .escrowed(_, _, _, let reason):
            reason
        default: nil
        }
    }

    /// The receipt that took the value back.
    fileprivate var answer: ReceiptReference? {
        guard case .bounced(_, let answer, _, _, _) = self else { return nil }
        return answer
    }
}

extension JSON {
    /// Path of the first member that differs, whatever the order of members; `nil` when all is said
    /// alike.
    fileprivate func difference(from other: JSON, at path: String) -> String? {
        guard case .object(let mine) = self, case .object(let theirs) = other else {
            return self == other ? nil : path
        }
        func name(_ key: String) -> String { path.isEmpty ? key : path + "." + key }
        for member in mine.members {
            guard let value = theirs[member.key] else { return name(member.key) }
            if let found = member.value.difference(from: value, at: name(member.key)) {
                return found
            }
        }
        return theirs.members.first { mine[$0.key] == nil }.map { name($0.key) }
    }
}
